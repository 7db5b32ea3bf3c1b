"""Sending: what arrives, how often, in which order, and whether the call returns the actual path."""

from __future__ import annotations

from itertools import pairwise

from clasp_e2e.p2p_types import RoutingMode, SendResult
from clasp_e2e.testbed import (
    Blocked,
    PeerPair,
    Refused,
    altered,
    both_ends,
    expect,
    expect_unchanged,
    meanwhile,
    random_payload,
    requirement,
    send_in_turn,
    show,
)

COMMON_SIZES = (
    *(1, 2, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 1199, 1200, 1201, 2047, 2048, 2049, 2400, 3600),
    *(4095, 4096, 4097, 6000, 8191, 8192, 8193, 12_000, 16_000),
)
"""Bytes: around the powers of two, and multiples of what one packet carries (1,200)."""
LARGER_SIZES = (16_383, 16_384, 16_385, 32_768, 48_000, 65_535, 65_536, 65_537, 262_144, 524_288)
"""Bytes around the limits that implementations have, up to more than a stack sends in one message."""
SIZES_IN_TURN = (256, 16_000, 40, 3_000, 9_000)
"""Bytes of messages sent one after the other: a large one takes longer than the next one."""


@requirement("SND-1")
async def test_a_reliable_send_arrives_once_and_unchanged(connected_pair: PeerPair) -> None:
    """A reliable send arrives once and unchanged; Data names its sender and is marked reliable."""
    sender, receiver = connected_pair
    payload, marker = random_payload(), random_payload(32)
    result = await sender.send_p2p(receiver, payload)
    event = await receiver.receives(payload)
    expect(event.data == payload, "the payload is unchanged").is_true(show(event.data))
    await sender.send_p2p(receiver, marker)
    second = await receiver.receives(marker)
    expect(second.data == marker, "a second payload is unchanged").is_true(show(second.data))
    expect(len(receiver.events_with(payload)), "times that the payload arrived before a later one").equals(1)
    if result is SendResult.P2P:
        expect(event.peer_session_id, "the sender that Data names").equals(sender.session_id)
        expect(event.reliable, "Data is marked reliable").equals(True)


@requirement("SND-2")
async def test_unreliable_sends_arrive(connected_pair: PeerPair) -> None:
    """Of ten unreliable sends, each followed by a reliable one, at least one arrives, unchanged."""
    sender, receiver = connected_pair
    sent = [random_payload(1000) for _ in range(10)]
    markers = [random_payload(32) for _ in sent]
    results: list[SendResult] = []
    for payload, marker in zip(sent, markers, strict=True):
        results.append(await sender.send_p2p(receiver, payload, reliable=False))
        await sender.send_p2p(receiver, marker)
        await receiver.receives(marker)
    # What a reliable send was altered to is judged by SND-1.
    changed = altered([event for event in receiver.data() if event.reliable is not True], sent)
    arrived = [event for event in receiver.data() if event.data in sent]
    expect([*changed], "Data that was not sent like this").is_empty()
    expect(len(arrived), "unreliable sends that arrived, of 10").at_least(1)
    for event in arrived:
        if set(results) == {SendResult.P2P}:
            expect(event.reliable, "Data is marked reliable").equals(False)


@requirement("SND-3")
async def test_the_result_of_a_send_is_the_truth(connected_pair: PeerPair) -> None:
    """While connected, in PreferP2P and ServerOnly, a send returns the path that its payload takes."""
    sender, receiver = connected_pair
    for mode in (RoutingMode.PREFER_P2P, RoutingMode.SERVER_ONLY):
        await sender.set_p2p_routing_mode(mode)
        payload = random_payload()
        try:
            async with connected_pair.path_of(sender, payload) as path:
                result = await sender.send_p2p(receiver, payload)
                await receiver.receives(payload)
        except Refused:
            continue  # A refusal claims no path; RTE-3 and RTE-9 judge whether it is allowed.
        path.took(result)


@requirement("SND-3")
async def test_the_result_is_the_truth_without_a_path(pair: PeerPair) -> None:
    """On a cut link without a connection, a send returns Relay only if it arrives through the router."""
    sender, receiver = pair
    pair.link.cut()
    payload = random_payload()
    try:
        async with pair.path_of(sender, payload) as path:
            result = await sender.send_p2p(receiver, payload)
            await receiver.receives(payload)
    except Refused:
        return  # A refusal claims no path; RTE-4 judges whether it is allowed.
    path.took(result)


@requirement("SND-4", waits=True)
async def test_reliable_sends_arrive_without_gaps_or_repeats(connected_pair: PeerPair) -> None:
    """Each of 120 reliable sends, 40 of them on a temporarily cut link, arrives exactly once."""
    sender, receiver = connected_pair
    sent = [random_payload(512) for _ in range(120)]
    await send_in_turn(connected_pair, sender, sent[:40])
    await receiver.receives(sent[39], within=connected_pair.patience.retransmission)
    dropped = connected_pair.dropped(sender)
    connected_pair.link.cut()
    async with meanwhile(send_in_turn(connected_pair, sender, sent[40:80])):
        await connected_pair.until_dropped(sender, dropped + 512)
        connected_pair.link.heal()
    await send_in_turn(connected_pair, sender, sent[80:])
    for payload in sent:
        await receiver.receives(payload, within=connected_pair.patience.retransmission)
    await connected_pair.drain()
    counts = [len(receiver.events_with(payload)) for payload in sent]
    expect(sum(count == 0 for count in counts), "sends that never arrived").equals(0)
    expect(sum(count > 1 for count in counts), "sends that arrived more than once").equals(0)


@requirement("SND-4", waits=True)
async def test_a_datagram_that_comes_late_ends_no_connection(pair: PeerPair) -> None:
    """When the partner's first DTLS datagram is overtaken by later ones, a reliable send still arrives."""
    subject, partner = pair
    # The smaller delay of the subject's own first datagram makes the partner's an INIT, not a reply to one.
    # SCTP's retransmission passes at once (RFC 9260 section 5.1.1): the delayed INIT is then a duplicate.
    pair.delay_first_data(subject, 0.7)
    pair.delay_first_data(partner, 1.6)
    await pair.connect()
    await pair.until_nothing_is_held_back()
    payload = random_payload(512)
    await subject.send_p2p(partner, payload)
    await partner.receives(payload)


@requirement("SND-5")
async def test_either_side_can_send(connected_pair: PeerPair) -> None:
    """Both the offerer and the answerer can send."""
    subject, partner = connected_pair
    # First the subject receives: it may offer no sends.
    for sender, receiver in ((partner, subject), (subject, partner)):
        payload = random_payload()
        await sender.send_p2p(receiver, payload)
        await receiver.receives(payload)


@requirement("SND-6")
async def test_sizes_from_one_byte_to_16000_bytes_arrive(connected_pair: PeerPair) -> None:
    """Direct sends of 1 byte to 16,000 bytes arrive once and unchanged, in each direction."""
    for sender, receiver in both_ends(connected_pair):
        await expect_unchanged(
            sender, receiver, {f"of {size} bytes": random_payload(size) for size in COMMON_SIZES}
        )


@requirement("SND-6")
async def test_larger_sends_arrive_or_are_refused(connected_pair: PeerPair) -> None:
    """Sends of 16,383 bytes to 512 KiB arrive or are refused, and a smaller send still arrives after them."""
    sender, receiver = connected_pair
    for size in LARGER_SIZES:
        payload = random_payload(size)
        try:
            await sender.send_p2p(receiver, payload)
        except Refused:
            continue
        event = await receiver.receives(payload, within=connected_pair.patience.retransmission)
        expect(event.data == payload, f"the payload of {size} bytes is unchanged").is_true(show(event.data))
    payload = random_payload(1024)
    await sender.send_p2p(receiver, payload)
    await receiver.receives(payload)


@requirement("SND-8", waits=True)
async def test_unreliable_sends_are_not_retransmitted(connected_pair: PeerPair) -> None:
    """On a temporarily cut link, a reliable send arrives after it heals, and an unreliable one never does."""
    sender, receiver = connected_pair
    unreliable, reliable, marker = random_payload(1000), random_payload(512), random_payload(32)
    # A channel may be opened when it is first used, which takes a path.
    await sender.send_p2p(receiver, first := random_payload(100), reliable=False)
    await receiver.receives_any([first], within=connected_pair.patience.event)
    dropped = connected_pair.dropped(sender)
    connected_pair.link.cut()
    results = [await sender.send_p2p(receiver, unreliable, reliable=False)]
    async with meanwhile(send_in_turn(connected_pair, sender, [reliable])) as sending:
        await connected_pair.until_dropped(sender, dropped + len(unreliable))
        connected_pair.link.heal()
    results += await sending
    if results != [SendResult.P2P, SendResult.P2P]:
        raise Blocked("RTE-3", f"while connected, sends returned {[str(result) for result in results]}")
    await receiver.receives(reliable, within=connected_pair.patience.retransmission)
    await sender.send_p2p(receiver, marker)
    await receiver.receives(marker, within=connected_pair.patience.retransmission)
    await connected_pair.drain()
    expect(
        receiver.events_with(unreliable), "unreliable sends that arrived although the link was cut"
    ).is_empty()


@requirement("SND-9")
async def test_reliable_sends_arrive_in_order(connected_pair: PeerPair) -> None:
    """Fifty consecutive reliable sends of several sizes arrive in the order in which they were sent."""
    sender, receiver = connected_pair
    sent = [random_payload(SIZES_IN_TURN[number % len(SIZES_IN_TURN)]) for number in range(50)]
    await send_in_turn(connected_pair, sender, sent)
    await receiver.receives_all(sent, within=connected_pair.patience.event)
    arrived = [event.data for event in receiver.data() if event.data in sent]
    numbers = [sent.index(data) + 1 for data in arrived]
    # SND-4 judges losses, this the order of what arrives.
    if missing := sorted(set(range(1, len(sent) + 1)).difference(numbers)):
        raise Blocked("SND-4", f"reliable sends, of {len(sent)}, that never arrived: {missing}")
    late = [number for before, number in pairwise(numbers) if number <= before]
    expect(late, "numbers of messages that arrived after later ones, or again").is_empty()
