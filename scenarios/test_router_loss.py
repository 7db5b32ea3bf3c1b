"""A client that lost its router and is back with a new session id."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, Disconnected, P2PConfig, PeerAnnounced, RoutingMode
from clasp_e2e.testbed import (
    Blocked,
    Client,
    PeerPair,
    SinglePeer,
    UnconnectedPair,
    Unmet,
    both_ends,
    expect,
    judging,
    lasts,
    lose_router_and_return,
    mentions,
    precondition,
    random_payload,
    requirement,
)

AMPLE = P2PConfig(connection_timeout_secs=8)
"""Long enough to connect on a busy machine, and short enough that a failing attempt ends soon."""


@requirement("SIG-8")
async def test_a_client_that_is_back_names_its_new_session(single: SinglePeer) -> None:
    """After two returns, the announcement names the newest session id, and nothing names an earlier one."""
    client = await single.attach(P2PConfig())
    silent = await single.signaling_client()
    earlier = client.session_id, await lose_router_and_return(single.testbed, client)
    seen, given = len(single.testbed.published), len(client.leg.session_ids)
    await lose_router_and_return(single.testbed, client)

    def names_its_session(message: wire.Publish) -> bool:
        return any(announces(each)(message) for each in client.leg.session_ids[given:])

    with precondition("CON-3"):
        async with client.connecting_to(silent.session_id):
            await silent.gets(wire.Publish, within=client.attempt_limit)
    announced = any(
        each.client == client.name and each.message.address == wire.ANNOUNCE_ADDRESS
        for each in single.testbed.published[:seen]
    )
    if announced and "announce" in client.capabilities:  # SIG-5 judges whether it announces itself at all.
        what = "an announcement of its new session id"
        await single.testbed.until_published(client, names_its_session, what)
    await client.all_is_written()
    later = [each.message for each in single.testbed.published[seen:] if each.client == client.name]
    for gone in earlier:
        expect([each for each in later if mentions(each, gone)], f"messages that name {gone}").is_empty()
    for message in later:
        if message.address == wire.ANNOUNCE_ADDRESS:
            named = names_its_session(message)
            expect(named, "an announcement to name the new session id").is_true("it names another one")


def announces(session: str) -> Callable[[wire.Publish], bool]:
    """Return the condition that a message is an announcement which names `session`."""
    return lambda message: message.address == wire.ANNOUNCE_ADDRESS and mentions(message, session)


async def return_entirely(pair: PeerPair) -> str:
    """Have the subject lose its router and return, and return its new session id when it can be reached.

    A library may subscribe again before the client knows its new session id. Its announcement shows that it
    does, and its arrival that the router has handled what came before; one that never comes is judged by
    SIG-8 alone.
    """
    session = await lose_router_and_return(pair.testbed, pair.subject)
    if "announce" in pair.subject.capabilities:
        with suppress(Unmet):
            await pair.testbed.until_published(pair.subject, announces(session), "an announcement")
            if "announce" in pair.partner.capabilities:
                with suppress(Blocked):
                    await pair.testbed.until_delivered(pair.partner, announces(session), "the announcement")
        await pair.subject.all_is_written()
    return session


async def connects(caller: Client, called: Client, target: str, sender: str) -> None:
    """Require `caller`, as the session `sender`, to connect to `called` at the session `target`."""
    async with caller.connecting_to(target):
        for client, session in ((caller, target), (called, sender)):
            await client.wait_for(Connected, session, within=caller.attempt_limit)
    for one, other, own, session in ((caller, called, sender, target), (called, caller, target, sender)):
        payload = random_payload(512)
        await one.send_p2p(session, payload)
        event = await other.receives(payload)
        expect(event.peer_session_id, f"the sender that Data of {one.name} names").equals(own)


@requirement("CON-16", waits=True)
async def test_a_client_that_is_back_connects(unconnected: UnconnectedPair) -> None:
    """A client that has lost its router and is back connects to others, and others connect to it."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    subject, partner = pair
    session = await return_entirely(pair)
    await connects(subject, partner, partner.session_id, session)
    newcomer = await unconnected.attach_another_partner()
    await connects(newcomer, subject, session, newcomer.session_id)


@requirement("CON-16", waits=True)
async def test_a_connection_survives_the_return(connected_pair: PeerPair) -> None:
    """A connection lasts and carries data after one of its clients has a new session at the router."""
    await connected_pair.exchange()
    await lose_router_and_return(connected_pair.testbed, connected_pair.subject)
    await lasts(1.0, *both_ends(connected_pair), since_connected=True)
    await connected_pair.exchange()


@requirement("CON-16", "RTE-2", waits=True)
async def test_a_client_that_is_back_relays(unconnected: UnconnectedPair) -> None:
    """In ServerOnly, which stays set, payloads reach and leave a client that has a new session."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    subject, partner = pair
    for client in pair:
        await client.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    session = await return_entirely(pair)
    with judging("RTE-2"):
        mode = await subject.p2p_routing_mode()
        expect(mode, "the mode of a client that is back").equals(RoutingMode.SERVER_ONLY)
    with judging("CON-16"):
        to_subject, to_partner = random_payload(512), random_payload(512)
        with precondition("SND-3"):
            await partner.send_p2p(session, to_subject)
        await subject.receives(to_subject)
        await subject.send_p2p(partner, to_partner)
        event = await partner.receives(to_partner)
        named = event.peer_session_id
        if named in (subject.session_id, session):  # A relayed payload may name nobody.
            expect(named, "the sender that Data of a relayed payload names").equals(session)


@requirement("EVT-3", waits=True)
async def test_a_client_that_is_back_is_told_of_ends(connected_pair: PeerPair) -> None:
    """A client that is back receives Disconnected when a connection ends that is older than its return."""
    subject, partner = connected_pair
    await lose_router_and_return(connected_pair.testbed, subject)
    await partner.close()
    await subject.wait_for(Disconnected, partner, within=connected_pair.patience.consent)


@requirement("EVT-11", waits=True)
async def test_a_client_that_is_back_is_told_of_announcements(unconnected: UnconnectedPair) -> None:
    """A client that is back receives PeerAnnounced for a client that attaches then."""
    pair = await unconnected.attach()
    pair.subject.needs("announce")
    await return_entirely(pair)
    newcomer = await unconnected.attach_another_partner("carol")
    with precondition("SIG-5"):
        await pair.testbed.until_published(newcomer, announces(newcomer.session_id), "an announcement")
    await pair.subject.wait_for(PeerAnnounced, newcomer)
