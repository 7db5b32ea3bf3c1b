"""ICE: the servers that a client is configured with, and trickled candidates."""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    PeerPair,
    Trickle,
    UnconnectedPair,
    attach_with_turn,
    both_connect,
    expect,
    precondition,
    random_payload,
    requirement,
)


@requirement("ICE-1")
async def test_the_configured_stun_server_is_asked(unconnected: UnconnectedPair) -> None:
    """The configured STUN server receives a Binding request when a client connects."""
    server = await unconnected.testbed.open_stun_server()
    pair = await unconnected.attach(**{unconnected.subject: P2PConfig(ice_servers=(server.url,))})
    async with pair.connecting():
        asked = await server.asked(pair.connect_limit)
    expect(asked, "a Binding request to reach the configured STUN server").is_true(server.describe())


@requirement("ICE-2", waits=True)
async def test_a_silent_stun_server_does_not_prevent_a_connection(unconnected: UnconnectedPair) -> None:
    """With a STUN server that never answers, two peers with a direct path connect in time."""
    server = await unconnected.testbed.open_stun_server(answers=False)
    pair = await unconnected.attach(**{unconnected.subject: P2PConfig(ice_servers=(server.url,))})
    await both_connect(pair.offerer, pair.answerer, within=max(pair.connect_limit, pair.offerer.timeout))
    await pair.wait_until_established()


@requirement("ICE-3")
async def test_a_turn_server_carries_the_connection(unconnected: UnconnectedPair) -> None:
    """Without a direct path, the configured TURN server carries the connection, with data both ways."""
    pair = await attach_with_turn(unconnected)
    await pair.exchange_through_the_relay()


@requirement("ICE-4")
async def test_candidates_that_come_one_by_one_are_put_to_use(pair: PeerPair) -> None:
    """Candidates trickled one per signal after an SDP without any lead to a connection."""
    trickle = await Trickle.to_subject(pair, behind=1)
    async with pair.connecting():
        await trickle.is_put_to_use()


@requirement("ICE-4")
async def test_candidates_that_come_late_are_put_to_use(pair: PeerPair) -> None:
    """Candidates that arrive long after the offer and the answer lead to a connection."""
    trickle = await Trickle.to_subject(pair)
    async with pair.connecting():
        await trickle.deliver()
        await trickle.is_put_to_use()


@requirement("ICE-4")
async def test_candidates_that_come_early_do_no_harm(pair: PeerPair) -> None:
    """Candidates that arrive before the SDP, and again after it, lead to a connection."""
    trickle = await Trickle.to_subject(pair, before=1)
    async with pair.connecting():
        await trickle.deliver()
        await trickle.is_put_to_use()


@requirement("ICE-4")
async def test_candidates_that_come_again_do_no_harm(pair: PeerPair) -> None:
    """Candidates that arrive twice, and again after the connection is established, change nothing."""
    subject, partner = pair
    trickle = await Trickle.to_subject(pair, behind=2)
    async with pair.connecting():
        await trickle.is_put_to_use()
    await pair.drain()
    since = subject.mark()
    await trickle.deliver()
    await subject.all_is_written()
    for sender, receiver in ((partner, subject), (subject, partner)):
        async with pair.path_of(sender, payload := random_payload()) as path:
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload)
        path.took_the_direct_path()
    events = (
        subject.events(Disconnected)
        + subject.events(ConnectionFailed)
        + subject.events(Connected, since=since)
    )
    expect([each.event for each in events], "events caused by the repeated candidates").is_empty()


@requirement("ICE-4")
async def test_candidates_belong_to_their_own_attempt(pair: PeerPair) -> None:
    """Candidates that arrive after the subject has begun another attempt are used for their own."""
    trickle = await Trickle.to_subject(pair)
    silent = await pair.testbed.open_signaling_client("mallory")
    async with pair.connecting():
        await pair.negotiated()
        async with pair.subject.connecting_to(silent.session_id):
            with precondition("CON-3"):
                await silent.gets_signal(within=pair.subject.attempt_limit)
            await trickle.deliver()
            await trickle.is_put_to_use()
