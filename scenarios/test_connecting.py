"""Connecting: a session at the router, signaling through it, and a data channel between the peers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from clasp_e2e.p2p_types import Connected, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    Absent,
    Blocked,
    Client,
    PeerPair,
    Refused,
    RouterClients,
    SinglePeer,
    UnconnectedPair,
    Unmet,
    Unobserved,
    both_connect,
    expect,
    expect_refusal,
    precondition,
    random_payload,
    requirement,
)

SHORT = P2PConfig(connection_timeout_secs=8)
"""Long enough to connect on a busy machine, and short enough that a failing attempt ends soon."""


@requirement("CON-1")
async def test_client_gets_a_session(single: SinglePeer) -> None:
    """A client attaches over WebSocket and reports the session id that the router assigned to it."""
    client = await single.attach(P2PConfig())
    expect(bool(client.session_id), "the client has a session id").is_true("it is empty")
    given = client.leg.session_ids
    expect(client.session_id in given, "the client reports a session id that the router gave it").is_true(
        f"it reports {client.session_id}, and was given {', '.join(given)}"
    )


@requirement("CON-1")
async def test_router_gives_a_session(router: RouterClients) -> None:
    """The router answers HELLO with WELCOME and a session id."""
    client = await router.client("alice")
    expect(bool(client.session_id), "WELCOME names a session id").is_true("it is empty")


@requirement("CON-2")
async def test_session_ids_differ(router: RouterClients) -> None:
    """Twenty clients of one router get twenty different session ids."""
    clients = await asyncio.gather(*(router.client(f"client-{number}") for number in range(20)))
    expect(len({client.session_id for client in clients}), "different session ids of 20 clients").equals(20)


@requirement("CON-3")
async def test_offer_and_answer_travel_through_the_router(pair: PeerPair) -> None:
    """The offer and the answer pass through the router before the connection is established."""
    async with pair.connecting():
        negotiated = await pair.negotiated()
    if not negotiated:
        missing = pair.testbed.switchboard.unreadable(pair.offerer.name, pair.answerer.name) or "neither"
        if pair.is_connected_unseen:
            raise Unobserved(f"both sides received Connected, and {missing}")
        raise Absent("an offer and an answer to pass the router", missing)
    for attempt in pair.attempts:
        if attempt.answer is not None and (opened := pair.opened_at(attempt)) is not None:
            expect(
                attempt.answer.sent_at <= opened, "the answer leaves before the connection is established"
            ).is_true()


@requirement("CON-4")
async def test_a_data_channel_is_negotiated(pair: PeerPair) -> None:
    """The offer and the answer contain ICE credentials, a DTLS fingerprint and an SCTP section."""
    async with pair.connecting():
        negotiated = await pair.negotiated()
    if not negotiated:
        if pair.is_connected_unseen:
            raise Unobserved("both sides received Connected, and no offer with its answer was read")
        raise Blocked("CON-3", "no offer and answer were seen")
    for description in (d for a in pair.attempts for d in (a.offer, a.answer) if d is not None):
        kind = "offer" if description.facts.is_offer else "answer"
        expect(
            bool(description.facts.ufrag and description.facts.password), f"the {kind} has ICE credentials"
        ).is_true()
        expect(bool(description.facts.fingerprint), f"the {kind} has a DTLS fingerprint").is_true()
        expect(description.facts.has_data_channel_section, f"the {kind} has an SCTP section").is_true()


@requirement("CON-5")
async def test_connect_to_peer_leads_to_a_connection(pair: PeerPair) -> None:
    """After `connect_to_peer`, DTLS application data flows between the peers in both directions."""
    await pair.offerer.connect_to_peer(pair.answerer)
    await pair.wait_until_established()


@requirement("CON-6")
async def test_data_reaches_the_peer(connected_pair: PeerPair) -> None:
    """A payload sent to a connected peer reaches its application."""
    sender, receiver = connected_pair
    payload = random_payload()
    await sender.send_p2p(receiver, payload)
    await receiver.receives(payload)


@requirement("CON-7")
async def test_connect_to_peer_without_p2p_configured_is_refused(single: SinglePeer) -> None:
    """A client without a P2P configuration refuses `connect_to_peer` without hanging, and sends no SDP."""
    client = await single.attach(None)
    target = (await single.signaling_client()).session_id
    limit = single.patience.call
    await expect_refusal(client.connect_to_peer(target), "connect_to_peer without P2P", within=limit)
    await client.all_is_written()
    offers = [description.sdp for description in single.testbed.switchboard.descriptions]
    expect(offers, "session descriptions that left for the router").is_empty()


async def expect_no_harm_from_calling_again(pair: PeerPair, caller: Client, called: Client) -> None:
    """Repeat `connect_to_peer` from `caller`, and require that a connection still carries data."""
    with suppress(Refused):
        await caller.connect_to_peer(called)
    await pair.signals_arrive()
    await pair.exchange()
    # The failing attempt is a barrier: when it ends, a second attempt has had its full connection time-out.
    with precondition("TMO-3"):
        await caller.attempt_fails("nonexistent-session-12345", within=caller.timeout + 3.0)
    await pair.exchange()
    for client in pair:
        states = [each.event for each in client.received if isinstance(each.event, (Connected, Disconnected))]
        last = type(states[-1]).__name__
        expect(last, f"the last state event that {client.name} received").equals("Connected")


@requirement("CON-9", waits=True)
async def test_the_offerer_calls_again(unconnected: UnconnectedPair) -> None:
    """After the offerer repeats `connect_to_peer`, the peers can still exchange data."""
    pair = await unconnected.attach(SHORT, SHORT)
    await pair.connect()
    await expect_no_harm_from_calling_again(pair, pair.offerer, pair.answerer)


@requirement("CON-9", waits=True)
async def test_the_answerer_calls_again(unconnected: UnconnectedPair) -> None:
    """After the answerer calls `connect_to_peer` as well, the peers can still exchange data."""
    pair = await unconnected.attach(SHORT, SHORT)
    await pair.connect()
    await expect_no_harm_from_calling_again(pair, pair.answerer, pair.offerer)


@requirement("CON-10")
async def test_connections_to_several_peers(unconnected: UnconnectedPair) -> None:
    """One client connects to two others at the same time; each receives only the payload sent to it."""
    pair = await unconnected.attach()
    alice, bob = pair.offerer, pair.answerer
    carol = await unconnected.attach_another_answerer()
    await pair.connect()
    try:
        await both_connect(alice, carol)
    except Refused as refusal:
        raise Unmet("a second connection in addition to the first", f"it was refused: {refusal}") from refusal
    for_bob, for_carol = random_payload(), random_payload()
    async with pair.path_of(alice, for_bob) as path:
        await alice.send_p2p(bob, for_bob)
        await alice.send_p2p(carol, for_carol)
        await bob.receives(for_bob)
        await carol.receives(for_carol)
    path.took_the_direct_path()
    path.avoided_the_router()
    for client, foreign in ((bob, for_carol), (carol, for_bob)):
        expect(client.events_with(foreign), f"payloads for others that {client.name} received").is_empty()
    for sender in (bob, carol):
        payload = random_payload()
        await sender.send_p2p(alice, payload)
        await alice.receives(payload)
