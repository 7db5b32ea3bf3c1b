"""Connections whose link is cut: which events the clients receive, and which path their sends take."""

from __future__ import annotations

from clasp_e2e.p2p_types import Disconnected, SendResult
from clasp_e2e.testbed import (
    PeerPair,
    expect,
    judging,
    meanwhile,
    precondition,
    random_payload,
    requirement,
    send_in_turn,
    together,
)


async def cut_and_heal(pair: PeerPair) -> None:
    """Cut the link until a reliable message of each side is dropped, then heal it; both messages arrive."""
    payloads = {client: random_payload(512) for client in pair}
    dropped = {client: pair.dropped(client) for client in pair}
    pair.link.cut()
    with precondition("SND-4"):
        sending = (send_in_turn(pair, client, [payload]) for client, payload in payloads.items())
        async with meanwhile(together(*sending)):
            for client, payload in payloads.items():
                await pair.until_dropped(client, dropped[client] + len(payload))
            pair.link.heal()
        for client, payload in payloads.items():
            await pair.other(client).receives(payload, within=pair.patience.retransmission)


@requirement("EVT-4", "RTE-5", slow=True)
async def test_a_cut_after_one_that_healed(connected_pair: PeerPair) -> None:
    """After a cut that heals and one that does not, a client receives Disconnected and PreferP2P relays."""
    sender, receiver = connected_pair
    await cut_and_heal(connected_pair)
    mark = sender.mark()
    connected_pair.link.cut()
    with judging("EVT-4"):
        await sender.wait_for(Disconnected, receiver, within=connected_pair.patience.consent, since=mark)
    payload = random_payload()
    with judging("RTE-5"):
        async with connected_pair.path_of(sender, payload) as path:
            result = await sender.send_p2p(receiver, payload)
            expect(result, "the result of a send after Disconnected").equals(SendResult.RELAY)
            await receiver.receives(payload)
        path.took(SendResult.RELAY)


@requirement("EVT-4", slow=True)
async def test_disconnected_is_told_when_the_peer_is_not_heard(connected_pair: PeerPair) -> None:
    """A peer whose own datagrams are all dropped loses consent too, and receives Disconnected."""
    subject, partner = connected_pair
    connected_pair.link.cut(connected_pair.side(subject))
    await subject.wait_for(Disconnected, partner, within=connected_pair.patience.consent)
