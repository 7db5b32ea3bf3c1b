"""The same two peers again: a connection after one that has ended, was lost, or has failed."""

from __future__ import annotations

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig, RoutingMode
from clasp_e2e.testbed import (
    Client,
    PeerPair,
    UnconnectedPair,
    Unobserved,
    both_connect,
    both_ends,
    carries_data_directly,
    closers,
    connect_again,
    end_connection,
    events_are_in_order,
    expect,
    judging,
    lasts,
    marks,
    partners,
    precondition,
    random_payload,
    requirement,
    together,
    works_like_the_first,
)

LATE = 3.0
"""Seconds by which a time-out may be exceeded (TMO-1)."""

AMPLE = P2PConfig(connection_timeout_secs=4)
"""Long enough to connect on a busy machine, and short enough to outlast."""


async def ends_and_connects_again(pair: PeerPair, closer: Client, caller: Client) -> None:
    """End the connection by `closer`; require the one that `caller` then makes to work like the first."""
    since = marks(pair)
    await end_connection(pair, closer)
    await connect_again(pair, caller, since)
    await works_like_the_first(pair)


@requirement("CON-13", waits=True)
async def test_peers_connect_again_after_an_orderly_end(unconnected: UnconnectedPair) -> None:
    """Four times in a row, each side that can ends the connection, and each side connects again."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    able = closers(pair)
    await pair.connect()
    await works_like_the_first(pair)
    for number in range(4):
        caller = (pair.offerer, pair.answerer)[number % 2]
        await ends_and_connects_again(pair, able[number // 2 % len(able)], caller)
    # The time-outs of all earlier attempts have elapsed after this.
    await lasts(pair.offerer.timeout + LATE, *both_ends(pair))
    await works_like_the_first(pair)
    await relays_once(pair)


async def relays_once(pair: PeerPair) -> None:
    """Require one relayed payload in each direction to arrive once."""
    for sender, receiver in both_ends(pair):
        await sender.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
        payload, behind = random_payload(512), random_payload(32)
        for each in (payload, behind):
            with precondition("SND-3"):
                await sender.send_p2p(receiver, each)
                await receiver.receives(each)
        count = len(receiver.events_with(payload))
        expect(count, f"times that {receiver.name} received one relayed payload").equals(1)


@requirement("CON-13", opposite=partners.ClosesWithoutASignal)
async def test_peers_connect_again_after_an_end_without_a_signal(connected_pair: PeerPair) -> None:
    """The partner closes only its channels, twice; each side connects again."""
    for caller in connected_pair:
        await ends_and_connects_again(connected_pair, connected_pair.partner, caller)


@requirement("CON-13", opposite=partners.LosesItsConnection)
async def test_a_partner_connects_again_that_alone_has_noticed_a_loss(connected_pair: PeerPair) -> None:
    """The partner has lost the connection, and calls before the subject can notice that."""
    since = marks(connected_pair)
    await connected_pair.partner.disconnect_peer(connected_pair.subject)
    await connect_again(connected_pair, connected_pair.partner, since)
    await works_like_the_first(connected_pair)


@requirement("CON-13", "EVT-9", slow=True)
async def test_peers_connect_again_after_a_loss(connected_pair: PeerPair) -> None:
    """After a cut of the link that both sides have noticed, the former answerer connects to the other."""
    pair = connected_pair
    since = marks(pair)
    pair.link.cut()
    limit = pair.patience.consent
    with precondition("EVT-4"):
        await together(
            *(client.wait_for(Disconnected, other, within=limit) for client, other in both_ends(pair))
        )
    pair.link.heal()
    with judging("CON-13"):
        await connect_again(pair, pair.answerer, since)
        await works_like_the_first(pair)
    with judging("EVT-9"):
        for client, other in both_ends(pair):
            events_are_in_order(client, other)


@requirement("CON-13")
async def test_a_client_connects_to_one_that_is_back(unconnected: UnconnectedPair) -> None:
    """Three times in a row, the partner closes, and a new client of its kind takes its place."""
    pair = await unconnected.attach()
    subject, partner = pair
    await pair.connect()
    for number in range(3):
        partner.needs("close")
        await partner.close()
        with precondition("EVT-3"):
            await subject.wait_for(Disconnected, partner, within=pair.patience.consent)
        partner = await unconnected.attach_another_partner(f"newcomer-{number}")
        caller, called = (subject, partner) if number % 2 else (partner, subject)
        await both_connect(caller, called)
        again = PeerPair(pair.testbed, caller, called, "offerer", None)
        await works_like_the_first(again)


@requirement("TMO-7", waits=True)
async def test_the_attempt_after_several_failed_ones_succeeds(unconnected: UnconnectedPair) -> None:
    """After three failures of attempts by both sides, the next attempt connects, and the connection lasts."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    pair.link.cut()
    for caller in (pair.offerer, pair.answerer, pair.offerer):
        called = pair.other(caller)
        since = called.mark()
        with precondition("TMO-5"):
            await caller.attempt_fails(called, within=caller.timeout + LATE + 2)
        # The other side's attempt has ended too, whether or not it says so (TMO-8).
        await called.first_of((ConnectionFailed,), caller, within=called.timeout + LATE, since=since)
    pair.link.heal()
    await connect_again(pair, pair.answerer, marks(pair))
    await lasts(pair.offerer.timeout + LATE, *both_ends(pair))
    await works_like_the_first(pair)


@requirement("CON-14")
async def test_late_signals_of_an_earlier_connection_change_nothing(connected_pair: PeerPair) -> None:
    """All signals of the first connection but offers arrive again during the second, which is unaffected."""
    pair = connected_pair
    subject, partner = pair
    await pair.drain()
    since = marks(pair)
    with precondition("CON-13"):
        await end_connection(pair, closers(pair)[0])
    earlier = signals_to(pair, subject)
    with precondition("CON-13"):
        await connect_again(pair, pair.offerer, since)
    await pair.drain()
    seen = subject.mark(), partner.mark()
    for frame in earlier:
        await subject.leg.send_down(frame)
    await subject.all_is_written()
    await carries_data_directly(pair)
    for (client, other), mark in zip(both_ends(pair), seen, strict=True):
        event = await client.first_of(
            (Connected, Disconnected, ConnectionFailed), other, within=0.1, since=mark
        )
        expect(event, f"what the late signals led to at {client.name}").equals(None)


@requirement("CON-14")
async def test_repeated_signals_of_a_connection_change_nothing(connected_pair: PeerPair) -> None:
    """All signals that established the connection arrive once more, and it is unaffected."""
    pair = connected_pair
    subject, partner = pair
    await pair.drain()
    seen = subject.mark(), partner.mark()
    for frame in signals_to(pair, subject, with_offers=True):
        await subject.leg.send_down(frame)
    await subject.all_is_written()
    await carries_data_directly(pair)
    await lasts(1.0, *both_ends(pair), since_connected=True)
    await carries_data_directly(pair)
    for (client, other), mark in zip(both_ends(pair), seen, strict=True):
        event = await client.first_of((Disconnected, ConnectionFailed), other, within=0.1, since=mark)
        expect(event, f"what the repeated signals led to at {client.name}").equals(None)


def signals_to(pair: PeerPair, receiver: Client, *, with_offers: bool = False) -> list[bytes]:
    """Return the frames with signals of the other peer that reached `receiver`, without offers by default."""
    testbed = pair.testbed
    address = wire.signal_address(receiver.session_id)
    frames: list[bytes] = []
    for published in testbed.delivered:
        message = published.message
        if published.client != receiver.name or message.address != address:
            continue
        if is_offer(message) and not with_offers:
            continue
        # The copy names the link's address, as the first one did.
        frame = testbed.switchboard.rewrite_down(receiver.name, message, wire.encode(message))
        frames += [] if frame is None else [frame]
    if not frames:
        raise Unobserved(f"no signal to {receiver.name} was seen at {address}")
    return frames


def is_offer(message: wire.Publish) -> bool:
    """Return whether the published value contains an offer, recognized by its content."""
    return "a=setup:actpass" in str(message.value)
