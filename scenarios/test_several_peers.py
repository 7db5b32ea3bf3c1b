"""Several peers of one client at once: what is sent, received and reported is kept apart."""

from __future__ import annotations

from collections.abc import Sequence

from clasp_e2e.p2p_types import Disconnected, RoutingMode, SendResult
from clasp_e2e.testbed import (
    Client,
    PeerPair,
    Refused,
    UnconnectedPair,
    Unmet,
    both_connect,
    expect,
    judging,
    precondition,
    random_payload,
    requirement,
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
