"""A connection whose path is cut, in part or for a while: what is told, and which way sends take."""

from __future__ import annotations

from clasp_e2e.model import Disconnected, SendResult
from clasp_e2e.testbed import Client, Pair, expect, ground, random_payload, requirement


async def cut_and_heal(pair: Pair) -> None:
    """Cut the link until a reliable message of each has been lost in it, and heal it; both then arrive."""
    sent: list[tuple[Client, bytes]] = []
    dropped = {client: pair.dropped(client) for client in pair}
    pair.link.cut()
    for client in pair:
        payload = random_payload(512)
        await client.send_p2p(pair.other(client), payload)
        await pair.until_dropped(client, dropped[client] + len(payload))
        sent.append((pair.other(client), payload))
    pair.link.heal()
    with ground("SND-4"):
        for receiver, payload in sent:
            await receiver.receives(payload, within=pair.patience.retransmission)


@requirement("EVT-4", slow=True)
async def test_disconnected_is_told_of_a_cut_after_one_that_healed(connected_pair: Pair) -> None:
    """The link goes black, heals, and goes black for good: Disconnected is told once consent has run out."""
    subject, partner = connected_pair
    await cut_and_heal(connected_pair)
    mark = subject.mark()
    connected_pair.link.cut()
    await subject.is_told(Disconnected, partner, within=connected_pair.patience.consent, since=mark)


@requirement("EVT-4", slow=True)
async def test_disconnected_is_told_when_nothing_gets_out(connected_pair: Pair) -> None:
    """The peer hears and is not heard: consent runs out, and it is told Disconnected."""
    subject, partner = connected_pair
    connected_pair.link.cut(connected_pair.side(subject))
    await subject.is_told(Disconnected, partner, within=connected_pair.patience.consent)


@requirement("EVT-4", slow=True)
async def test_disconnected_is_told_when_nothing_gets_in(connected_pair: Pair) -> None:
    """The peer is heard and hears nothing: consent runs out, and it is told Disconnected."""
    subject, partner = connected_pair
    connected_pair.link.cut(connected_pair.side(partner))
    await subject.is_told(Disconnected, partner, within=connected_pair.patience.consent)


@requirement("RTE-5", slow=True)
async def test_prefer_p2p_relays_after_a_cut_that_followed_one_that_healed(connected_pair: Pair) -> None:
    """PreferP2P, cut off, healed, and cut off for good: Relay, from the sender's own Disconnected on."""
    sender, receiver = connected_pair
    await cut_and_heal(connected_pair)
    mark = sender.mark()
    connected_pair.link.cut()
    with ground("EVT-4"):
        await sender.is_told(Disconnected, receiver, within=connected_pair.patience.consent, since=mark)
    payload = random_payload()
    async with connected_pair.path_of(sender, payload) as path:
        result = await sender.send_p2p(receiver, payload)
        expect(result, "the result of a send after Disconnected").equals(SendResult.RELAY)
        await receiver.receives(payload)
    path.took(SendResult.RELAY)
