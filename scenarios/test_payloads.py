"""Payloads of every content and size, and bursts, directly and by relay, in each direction."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from clasp_e2e.p2p_types import Data, RoutingMode
from clasp_e2e.testbed import (
    Client,
    Flow,
    PeerPair,
    Refused,
    Undelivered,
    Unmet,
    Unobserved,
    arrivals,
    both_ends,
    each_byte_at_both_ends,
    expect,
    expect_no_end,
    expect_unchanged,
    judging,
    precondition,
    random_payload,
    requirement,
    samples,
    send_in_turn,
    send_unreliably,
    together,
    transfer_burst,
)

BURST = 128
"""Reliable sends of the subject, 2 MiB together: more than the usual limit of a channel's buffer."""
PARTNER_BURST = 48
"""Reliable sends of the partner at the same time."""
SMALL = 300
"""Small sends of each side in a row after these: more than the queues of 100 and 256 that peers have."""
LAST = 20
"""Unreliable sends at the end of many, of which some must arrive."""
AT_ONCE, ROUNDS, BEGUN = 4, 13, 3
"""Large reliable payloads at once, rounds of them, and the round from which on an unreliable one follows."""
RTO_S = 1.0
"""Seconds of the shortest time-out of SCTP (RFC 9260, section 16): it may drop unreliable messages then."""
PROMPT = 5
"""Unreliable sends that no time-out can have dropped: fewer show nothing."""
RELAYS = (*(256, 16_000, 40, 3_000) * 15, *(40,) * 240)
"""Bytes of relayed sends in a row: more than the queues of 100 and 256 that peers have."""

RELAYED_SIZES = (
    1,
    2,
    255,
    256,
    1200,
    2400,
    4095,
    4096,
    8192,
    16_000,
    16_384,
    20_000,
    32_767,
    32_768,
    48_000,
    60_000,
    64_000,
)
"""Bytes; a CLASP frame holds at most 65,535."""
OVERSIZES = (65_000, 65_535, 65_536, 70_000, 131_072, 400_000)
"""Bytes that one CLASP frame holds barely or not at all."""
LARGE_SIZES = (16_384, 17_000, 32_768, 60_000, 65_535, 65_536, 100_000, 200_000)
"""Bytes above what every implementation sends in one message."""


@requirement("SND-1")
async def test_reliable_sends_of_any_content_arrive_unchanged(connected_pair: PeerPair) -> None:
    """Text, JSON, base64, CLASP frames and unusual ends arrive unchanged, directly, in each direction."""
    for sender, receiver in both_ways(connected_pair):
        await expect_unchanged(sender, receiver, samples())


@requirement("SND-1")
async def test_reliable_sends_with_any_byte_at_their_ends_arrive_unchanged(connected_pair: PeerPair) -> None:
    """Payloads with each byte value at both ends arrive unchanged, directly, in each direction."""
    for sender, receiver in both_ways(connected_pair):
        await expect_unchanged(sender, receiver, each_byte_at_both_ends())


@requirement("SND-1")
async def test_relayed_sends_of_any_content_arrive_unchanged(connected_pair: PeerPair) -> None:
    """In ServerOnly, text, JSON, base64, CLASP frames and unusual ends arrive unchanged."""
    for sender, receiver in both_ways(connected_pair):
        await sender.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
        await expect_relay(sender, receiver)
        await expect_unchanged(sender, receiver, samples())


async def expect_relay(sender: Client, receiver: Client) -> None:
    """Require an ordinary relayed send to arrive, as a precondition."""
    probe = random_payload(500)
    with precondition("SND-3"):
        await sender.send_p2p(receiver, probe)
        await receiver.receives(probe)


async def expect_whole(receiver: Client, payload: bytes, since: int) -> None:
    """Require `payload` to arrive after the mark `since`, and to be unchanged."""
    event = await receiver.receives(payload, since=since)
    expect(event.data, "the payload that arrived").equals(payload)


@requirement("SND-6")
async def test_an_empty_send_arrives_or_is_refused(connected_pair: PeerPair) -> None:
    """An empty payload arrives or is refused: a reliable one, and one of four unreliable ones."""
    for sender, receiver in both_ways(connected_pair):
        since = receiver.mark()
        try:
            await sender.send_p2p(receiver, b"")
        except Refused:
            continue
        await expect_whole(receiver, b"", since)
        since = receiver.mark()
        try:
            await send_unreliably(sender, receiver, [b""] * 4)
        except Refused:
            continue
        await expect_whole(receiver, b"", since)


@requirement("SND-11")
async def test_relayed_sends_of_any_size_arrive_or_are_refused(connected_pair: PeerPair) -> None:
    """In ServerOnly, sends of 0 bytes to 400 KB arrive or are refused, and a small one arrives after each."""
    sender, receiver = connected_pair
    await sender.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    await expect_relay(sender, receiver)
    for size in (0, *RELAYED_SIZES, *OVERSIZES):
        payload, after, since = random_payload(size), random_payload(100), receiver.mark()
        try:
            await sender.send_p2p(receiver, payload)
        except Refused as refusal:
            if 0 < size <= 16_000:
                raise Unmet(f"a relayed send of {size} bytes to be sent", f"refused: {refusal}") from refusal
        else:
            await expect_whole(receiver, payload, since)
        await sender.send_p2p(receiver, after)
        await receiver.receives(after)


@requirement("SND-9", "SND-11")
async def test_relayed_sends_arrive_once_and_in_order(connected_pair: PeerPair) -> None:
    """In ServerOnly, 300 consecutive reliable sends of several sizes arrive, once each and in order."""
    sender, receiver = connected_pair
    await sender.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    await expect_relay(sender, receiver)
    sent = [random_payload(size) for size in RELAYS]
    for payload in (*sent, barrier := random_payload(32)):
        with judging("SND-11"):
            await sender.send_p2p(receiver, payload)
    await receiver.receives_all([*sent, barrier], within=connected_pair.patience.event)
    counts = arrivals(receiver, sent)
    with judging("SND-11"):
        expect(counts.count(0), f"relayed sends, of {len(sent)}, that never arrived").none_missing()
        expect(sum(count > 1 for count in counts), "relayed sends that arrived more than once").equals(0)
    with judging("SND-9"):
        arrived = [sent.index(event.data) for event in receiver.data() if event.data in sent]
        expect(arrived == sorted(arrived), "relayed sends arrive in the order sent").is_true(str(arrived))


@requirement("SND-12")
async def test_large_messages_are_received_as_announced(connected_pair: PeerPair) -> None:
    """Messages of up to 200,000 bytes that the partner may send arrive at the subject unchanged."""
    receiver, sender = connected_pair
    for size in LARGE_SIZES:
        payload, since = random_payload(size), receiver.mark()
        try:
            await sender.send_p2p(receiver, payload)
        except Refused:
            break  # More than the SDP of the subject allows, or more than the partner sends at all.
        await expect_whole(receiver, payload, since)
        received = len(receiver.events(Data, since=since))
        expect(received, f"Data events of the subject for one message of {size} bytes").equals(1)


@requirement("SND-4", "CON-11")
async def test_bursts_in_both_directions_arrive(connected_pair: PeerPair) -> None:
    """A burst of 2 MiB and 300 small sends, and another in the other direction meanwhile, arrive once."""
    pair = connected_pair
    flows = [
        Flow(
            sender,
            receiver,
            [random_payload() for _ in range(count)] + [random_payload(40) for _ in range(SMALL)],
        )
        for (sender, receiver), count in zip(both_ways(pair), (BURST, PARTNER_BURST), strict=True)
    ]
    await expect_all_once(pair, flows)


async def expect_all_once(pair: PeerPair, flows: list[Flow]) -> None:
    """Send all of `flows` in bursts, and require each payload to arrive once, and the connection to last."""
    try:
        await together(*(transfer_burst(flow, pair.patience.retransmission) for flow in flows))
    except Unmet:  # Sends are refused: is it because the connection has ended?
        expect_no_end(pair, "during a burst")
        raise
    expect_no_end(pair, "during a burst")
    for flow in flows:
        lost = arrivals(flow.receiver, flow.sent).count(0)
        expect(lost, f"sends of {flow.sender.name}, of {len(flow.sent)}, that never arrived").none_missing()
    await pair.drain()
    for flow in flows:
        repeated = sum(count > 1 for count in arrivals(flow.receiver, flow.sent))
        expect(repeated, f"sends of {flow.sender.name} that arrived twice").equals(0)


@requirement("SND-4", "SND-2", "CON-11", extended=True, heavy=True)
async def test_thousands_of_sends_arrive(connected_pair: PeerPair) -> None:
    """Thousands of reliable sends each way arrive once, and some of the last of many unreliable ones."""
    pair, many = connected_pair, connected_pair.patience.many
    flows = [
        Flow(sender, receiver, [random_payload(40) for _ in range(many)])
        for sender, receiver in both_ways(pair)
    ]
    await expect_all_once(pair, flows)
    with judging("SND-2"):
        for sender, receiver in both_ways(pair):
            payloads = [random_payload(200) for _ in range(many // 4)]
            await send_unreliably(sender, receiver, payloads)
            last = payloads[-LAST:]
            arrived = await receiver.receives_any(last, within=pair.patience.event)
            expect(
                arrived, f"one or more of the last {LAST} of {len(payloads)} unreliable sends arrive"
            ).is_true("none did")


@requirement("SND-14")
async def test_unreliable_sends_arrive_among_bursts(connected_pair: PeerPair) -> None:
    """While reliable data flows in both directions, some unreliable sends in each arrive, unchanged."""
    pair = connected_pair
    flows = [Flow(sender, receiver, []) for sender, receiver in both_ways(pair)]
    with precondition("SND-4"):
        sent = await together(*(_send_among_reliable(pair, flow) for flow in flows))
    await pair.drain()
    for flow, (payloads, prompt) in zip(flows, sent, strict=True):
        name = flow.sender.name
        arrived = [event for event in flow.receiver.data() if event.data in payloads]
        if not arrived and len(prompt) < PROMPT:
            raise Unobserved(
                f"too few unreliable sends of {name} were accepted and followed within {RTO_S:g} s"
            )
        expect(len({event.data for event in arrived}), f"unreliable sends of {name} that arrived").at_least(1)
        expect(len(arrived), f"arrivals of unreliable sends of {name}").at_most(len(payloads))
        known = {*flow.sent, *payloads}
        changed = [
            event.data for event in flow.receiver.data() if len(event.data) == 200 and event.data not in known
        ]
        expect(changed, f"unreliable sends of {name} that arrived changed").is_empty()


async def _send_among_reliable(pair: PeerPair, flow: Flow) -> tuple[list[bytes], list[bytes]]:
    """Send large reliable payloads in rounds, and in the later ones an unreliable one behind them.

    Return the unreliable ones, and those of them whose round has ended before SCTP could have timed out.
    """
    now = asyncio.get_running_loop().time
    payloads: list[bytes] = []
    prompt: list[bytes] = []
    for number in range(ROUNDS):
        began, large = now(), [random_payload() for _ in range(AT_ONCE)]
        flow.sent += large
        for each in large:
            await flow.sender.send_p2p(flow.receiver, each)
        if number >= BEGUN:
            payloads.append(payload := random_payload(200))
            with suppress(Refused):  # The channel's buffer may be full.
                await flow.sender.send_p2p(flow.receiver, payload, reliable=False)
                prompt.append(payload)
        if not await flow.receiver.receives_all(large, within=pair.patience.retransmission):
            break
        if now() - began >= RTO_S and payloads[-1:] == prompt[-1:]:
            del prompt[-1:]
    return payloads, prompt


def both_ways(pair: PeerPair) -> list[tuple[Client, Client]]:
    """Return sender and receiver, in each direction."""
    return [(pair.subject, pair.partner), (pair.partner, pair.subject)]


@requirement("SND-4", "SND-11")
async def test_equal_payloads_all_arrive(connected_pair: PeerPair) -> None:
    """A payload that is sent three times in a row arrives three times, directly and relayed, each way."""
    for sender, receiver in both_ends(connected_pair):
        for mode, judged in ((RoutingMode.P2P_ONLY, "SND-4"), (RoutingMode.SERVER_ONLY, "SND-11")):
            await sender.set_p2p_routing_mode(mode)
            if mode is RoutingMode.SERVER_ONLY:
                await expect_relay(sender, receiver)
            payload, marker = random_payload(512), random_payload(32)
            with judging(judged):
                await send_in_turn(connected_pair, sender, [payload, payload, payload, marker])
                await receiver.receives(marker)
                if not (times := len(receiver.events_with(payload))):
                    raise Undelivered("a payload that was sent three times to arrive", "it did not")
                expect(times, "times that a payload arrived that was sent three times").equals(3)
