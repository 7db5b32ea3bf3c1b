"""Sends before, while and right after the channels open, in each routing mode."""

from __future__ import annotations

from clasp_e2e.p2p_types import RoutingMode, SendResult
from clasp_e2e.testbed import EarlySends, PeerPair, connects, expect, judging, partners, requirement


async def set_mode(pair: PeerPair, mode: RoutingMode) -> None:
    """Set the routing mode of both peers."""
    for client in pair:
        await client.set_p2p_routing_mode(mode)


@requirement("SND-13")
async def test_sends_in_prefer_p2p_while_connecting(pair: PeerPair) -> None:
    """In PreferP2P, what is accepted while the peers connect arrives once, by the path of its result."""
    async with EarlySends(pair) as sends:
        await sends.while_connecting()
        await sends.expect_true_results()


@requirement("SND-13", "RTE-8")
async def test_sends_in_p2p_only_while_connecting(pair: PeerPair) -> None:
    """In P2POnly, a send while the peers connect is refused, or arrives directly; none is relayed."""
    await set_mode(pair, RoutingMode.P2P_ONLY)
    async with EarlySends(pair) as sends:
        await sends.while_connecting()
        with judging("RTE-8"):
            for send in sends.sends:
                expect(send.result is not SendResult.RELAY, f"{send}, not to be relayed").is_true("it was")
            for client in pair:
                await client.all_is_written()
                path = sends.path(client)
                expect(path.routed, f"bytes from {client.name} to the router").below(path.size)
        with judging("SND-13"):
            await sends.expect_true_results()


@requirement("SND-13", "RTE-9")
async def test_sends_in_server_only_while_connecting(pair: PeerPair) -> None:
    """In ServerOnly, each send while the peers connect returns Relay, and arrives once."""
    await set_mode(pair, RoutingMode.SERVER_ONLY)
    async with EarlySends(pair) as sends:
        await sends.while_connecting()
        with judging("RTE-9"):
            for send in sends.sends:
                expect(send.result is SendResult.RELAY, f"{send}, to be relayed").is_true("it was not")
        with judging("SND-13"):
            await sends.expect_true_results()


@requirement("SND-13", opposite=partners.SendsAsItConnects)
async def test_what_is_sent_as_the_channels_open_arrives(pair: PeerPair) -> None:
    """What the partner sends as soon as its channels are open arrives, once."""
    await connects(pair)
    await pair.subject.receives(partners.FIRST)
    # If it was altered, it has arrived: SND-1 judges that.
    expect(len(pair.subject.events_with(partners.FIRST)), "arrivals of what was sent first").at_most(1)
