"""Several peers of one client at once: what is sent, received and reported is kept apart."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, RoutingMode, SendResult
from clasp_e2e.testbed import (
    Client,
    PeerPair,
    Refused,
    UnconnectedPair,
    Unmet,
    both_connect,
    expect,
    judging,
    lasts,
    precondition,
    random_payload,
    requirement,
    together,
)


async def connect_to_another(pair: PeerPair, other: Client) -> None:
    """Connect the subject to `other`, in the role that it has in the pair."""
    is_offerer = pair.subject is pair.offerer
    caller, called = (pair.subject, other) if is_offerer else (other, pair.subject)
    try:
        await both_connect(caller, called)
    except Refused as refusal:
        raise Unmet(
            "a further connection in addition to the first", f"it was refused: {refusal}"
        ) from refusal


async def expect_kept_apart(
    subject: Client, others: Sequence[Client], result: SendResult = SendResult.P2P
) -> None:
    """Require messages between `subject` and each of `others` that return `result` to arrive there only.

    RTE-3 and RTE-9 judge whether a send may return another result, or be refused.
    """
    for other in others:
        for sender, receiver in ((subject, other), (other, subject)):
            payload = random_payload(512)
            try:
                if await sender.send_p2p(receiver, payload) is not result:
                    continue
            except Refused:
                continue
            await receiver.receives(payload)
            for third in {subject, *others} - {receiver}:
                foreign = third.events_with(payload)
                expect(foreign, f"payloads for {receiver.name} that {third.name} received").is_empty()


@requirement("CON-10", "EVT-10", "SND-3")
async def test_three_peers_are_kept_apart(unconnected: UnconnectedPair) -> None:
    """With three connections, messages reach, directly and by relay, the peer that they were sent to."""
    pair = await unconnected.attach()
    await pair.connect()
    subject = pair.subject
    others = [pair.partner]
    for name in ("carol", "dave"):
        others.append(await unconnected.attach_another_partner(name))
        with judging("CON-10"):
            await connect_to_another(pair, others[-1])
    with judging("CON-10"):
        await expect_kept_apart(subject, others)
    with judging("EVT-10"):
        for client, senders in ((subject, others), *((other, [subject]) for other in others)):
            named = {event.peer_session_id for event in client.data()}
            expect(named, f"the senders that Data names at {client.name}").equals(
                {sender.session_id for sender in senders}
            )
    with judging("SND-3"):
        for client in (subject, *others):
            await client.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
        await expect_kept_apart(subject, others, SendResult.RELAY)


@requirement("CON-10", "EVT-10")
async def test_five_peers_connect_at_once(unconnected: UnconnectedPair) -> None:
    """Five connections of one client that begin at the same time are established, and kept apart."""
    pair = await unconnected.attach()
    subject = pair.subject
    names = ("carol", "dave", "erin", "frank")
    others = [pair.partner, *[await unconnected.attach_another_partner(name) for name in names]]
    with judging("CON-10"):
        await together(*(connect_to_another(pair, other) for other in others))
        await expect_kept_apart(subject, others)
        ends = [*((subject, other) for other in others), *((other, subject) for other in others)]
        await lasts(0.5, *ends, since_connected=True)
    with judging("EVT-10"):
        connected = Counter(each.event.peer_session_id for each in subject.events(Connected))
        expected = Counter(other.session_id for other in others)
        expect(connected, f"how often {subject.name} received Connected for each of five peers").equals(
            expected
        )


@requirement("CON-10", waits=True)
async def test_pending_attempts_hold_up_no_others(unconnected: UnconnectedPair) -> None:
    """While an attempt is pending and another one fails, the client connects to others, in both roles."""
    pair = await unconnected.attach()
    subject, partner = pair
    third = await unconnected.attach_another_partner()
    mallory = await pair.testbed.open_signaling_client("mallory")
    silent = mallory.session_id
    now = asyncio.get_running_loop().time
    began = now()
    async with subject.connecting_to(silent):
        with precondition("CON-3"):
            await mallory.gets(wire.Publish, within=subject.attempt_limit)
        async with refused_or_failing(subject, "nonexistent-session-12345"):
            await both_connect(partner, subject)
            await both_connect(subject, third)
        await expect_kept_apart(subject, [partner, third])
        # If they are slow to connect, the time-out of the pending attempt has elapsed.
        pending = [silent] if now() - began < subject.timeout else []
        for session in (partner, third, *pending):
            ended = subject.events(Disconnected, session) + subject.events(ConnectionFailed, session)
            expect([each.event for each in ended], f"ends that {subject.name} received").is_empty()


@asynccontextmanager
async def refused_or_failing(client: Client, target: str) -> AsyncGenerator[None]:
    """Request a connection to `target`, which nobody can establish, and run the block meanwhile."""
    call = asyncio.create_task(client.connect_to_peer(target))
    try:
        yield
    finally:
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


@requirement("EVT-8")
async def test_is_peer_connected_tells_peers_apart(unconnected: UnconnectedPair) -> None:
    """`is_peer_connected` is true for the peers with a connection, and for no other, at any time."""
    pair = await unconnected.attach()
    subject, partner = pair
    subject.needs("is_peer_connected")
    third = await unconnected.attach_another_partner()
    silent = (await pair.testbed.open_signaling_client("mallory")).session_id

    async def expect_answers(*, to_partner: bool, to_third: bool, when: str) -> None:
        for other, connected in ((partner, to_partner), (third, to_third), (silent, False)):
            name = other if isinstance(other, str) else other.name
            answer = await subject.is_peer_connected(other)
            expect(answer, f"is_peer_connected for {name} {when}").equals(connected)

    async with subject.connecting_to(silent):
        await expect_answers(to_partner=False, to_third=False, when="during an attempt")
        await pair.connect()
        await expect_answers(to_partner=True, to_third=False, when="with one connection")
        with precondition("CON-10"):
            await connect_to_another(pair, third)
        await expect_answers(to_partner=True, to_third=True, when="with two connections")
    if "close" in partner.capabilities:
        await partner.close()
        with precondition("EVT-3"):
            await subject.wait_for(Disconnected, partner, within=pair.patience.consent)
        await expect_answers(to_partner=False, to_third=True, when="after one of two Disconnected")


@requirement("SND-3", "RTE-8")
async def test_a_send_takes_no_connection_to_another_peer(unconnected: UnconnectedPair) -> None:
    """While connected to one peer, what is sent to another one reaches that one, and never the first."""
    pair = await unconnected.attach()
    await pair.connect()
    subject, partner = pair
    third = await unconnected.attach_another_partner()
    with judging("SND-3"):
        for reliable in (True, False):
            payload = random_payload()
            try:
                await subject.send_p2p(third, payload, reliable=reliable)
            except Refused:
                continue  # A refusal claims no path.
            if reliable:
                await third.receives(payload, within=subject.attempt_limit)
            await expect_not_at(partner, subject, payload)
    await subject.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    payload = random_payload()
    with judging("RTE-8"):
        async with pair.path_of(subject, payload) as path:
            try:
                await subject.send_p2p(third, payload)
            except Refused:
                pass
            else:  # It has connected first.
                await third.receives(payload)
            await expect_not_at(partner, subject, payload)
        path.avoided_the_router()


async def expect_not_at(partner: Client, subject: Client, payload: bytes) -> None:
    """Require that `partner` has not received `payload` when a later message of `subject` arrives there."""
    behind = random_payload(32)
    with precondition("CON-6"):
        await subject.send_p2p(partner, behind)
        await partner.receives(behind)
    foreign = partner.events_with(payload)
    expect(foreign, f"payloads for another peer that {partner.name} received").is_empty()
