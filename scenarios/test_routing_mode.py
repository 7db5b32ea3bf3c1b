"""Routing modes: which path a send takes with a connection, without one, and after a connection was lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from clasp_e2e.p2p_types import Disconnected, P2PConfig, RoutingMode, SendResult
from clasp_e2e.testbed import (
    Client,
    PeerPair,
    Refused,
    SinglePeer,
    UnconnectedPair,
    arrivals,
    closers,
    end_connection,
    expect,
    expect_refusal,
    judging,
    precondition,
    random_payload,
    requirement,
    together,
)

LATE = 3.0
"""Seconds by which a time-out may be exceeded (TMO-1: 33 s)."""

P2P, RELAY = SendResult.P2P, SendResult.RELAY


async def expect_send(
    pair: PeerPair, sender: Client, receiver: Client, result: SendResult, what: str
) -> None:
    """Send a payload; require the call to return `result`, and the payload to arrive by that path only."""
    payload = random_payload()
    async with pair.path_of(sender, payload) as path:
        returned = await sender.send_p2p(receiver, payload)
        expect(returned, what).equals(result)
        await receiver.receives(payload)
    path.took(result)


@requirement("RTE-1")
async def test_the_mode_is_prefer_p2p_until_it_is_set(single: SinglePeer) -> None:
    """A client whose routing mode was never set is in PreferP2P."""
    client = await single.attach(P2PConfig())
    expect(await client.p2p_routing_mode(), "the mode of a new client").equals(RoutingMode.PREFER_P2P)


@requirement("RTE-2")
async def test_the_mode_that_was_set_is_read(single: SinglePeer) -> None:
    """After each routing mode is set, that mode is read."""
    client = await single.attach(P2PConfig())
    for mode in (RoutingMode.SERVER_ONLY, RoutingMode.P2P_ONLY, RoutingMode.PREFER_P2P):
        await client.set_p2p_routing_mode(mode)
        expect(await client.p2p_routing_mode(), f"the mode after {mode} was set").equals(mode)


@requirement("RTE-3")
async def test_prefer_p2p_connected_sends_directly(connected_pair: PeerPair) -> None:
    """In PreferP2P, a send while connected returns P2P and takes the direct path."""
    sender, receiver = connected_pair
    await expect_send(connected_pair, sender, receiver, P2P, "the result of a send while connected")


@requirement("RTE-4", waits=True)
async def test_prefer_p2p_without_a_path_relays(unconnected: UnconnectedPair) -> None:
    """In PreferP2P, a send on a cut link without a connection returns Relay within the time-out."""
    config = P2PConfig(connection_timeout_secs=1)
    pair = await unconnected.attach(config, config)
    pair.link.cut()
    sender, receiver = pair
    began = asyncio.get_running_loop().time()
    await expect_send(pair, sender, receiver, RELAY, "the result of a send without a path")
    took = asyncio.get_running_loop().time() - began
    expect(took, "seconds until a send without a path was relayed").at_most(sender.timeout + LATE)


@requirement("RTE-5", "RTE-8", "RTE-9", slow=True)
async def test_modes_hold_after_the_connection_was_lost(connected_pair: PeerPair) -> None:
    """After the sender's own Disconnected, PreferP2P and ServerOnly relay, and P2POnly refuses."""
    sender, receiver = connected_pair
    connected_pair.link.cut()
    with precondition("EVT-4"):
        await sender.wait_for(Disconnected, receiver, within=connected_pair.patience.consent)
    with judging("RTE-5"):
        await expect_send(connected_pair, sender, receiver, RELAY, "the result of a send after Disconnected")
    await expect_modes_without_a_path(connected_pair, sender, receiver, "after a loss")


async def expect_modes_without_a_path(pair: PeerPair, sender: Client, receiver: Client, when: str) -> None:
    """Require ServerOnly to relay, and P2POnly to refuse, on a link that is cut."""
    with judging("RTE-9"):
        await sender.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
        await expect_send(pair, sender, receiver, RELAY, f"the result of a send in ServerOnly {when}")
    with judging("RTE-8"):
        await sender.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
        payload = random_payload()
        async with pair.path_of(sender, payload) as path:
            for reliable in (True, False):
                sending = sender.send_p2p(receiver, payload, reliable=reliable)
                limit = sender.attempt_limit  # It may try to connect first.
                await expect_refusal(sending, f"a send in P2POnly {when}", within=limit)
        path.avoided_the_router()


@requirement("RTE-6", "RTE-8", "RTE-9", waits=True)
async def test_modes_hold_after_the_attempt_failed(unconnected: UnconnectedPair) -> None:
    """After a failed attempt, on a link still cut, PreferP2P and ServerOnly relay, and P2POnly refuses."""
    config = P2PConfig(connection_timeout_secs=1)
    pair = await unconnected.attach(config, config)
    pair.link.cut()
    with precondition("TMO-5"):
        await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + 3.0)
    with judging("RTE-6"):
        await expect_send(
            pair, pair.offerer, pair.answerer, RELAY, "the result of a send after ConnectionFailed"
        )
    await expect_modes_without_a_path(pair, pair.subject, pair.partner, "after a failed attempt")


@requirement("RTE-7")
async def test_p2p_only_connected_sends_directly(connected_pair: PeerPair) -> None:
    """In P2POnly, a send while connected returns P2P and takes the direct path."""
    sender, receiver = connected_pair
    await sender.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    await expect_send(connected_pair, sender, receiver, P2P, "the result of a send while connected")


@requirement("RTE-8", waits=True)
async def test_p2p_only_refuses_to_relay(unconnected: UnconnectedPair) -> None:
    """In P2POnly, reliable and unreliable sends without a path are refused, and reach nobody."""
    config = P2PConfig(connection_timeout_secs=1)
    pair = await unconnected.attach(config, config)
    pair.link.cut()
    sender, receiver = pair
    await sender.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    payload, unreliable = random_payload(), [random_payload(1000) for _ in range(20)]
    async with pair.path_of(sender, payload) as path:
        await together(
            expect_refusal(sender.send_p2p(receiver, payload), "a send in P2POnly without a path"),
            *(
                expect_refusal(
                    sender.send_p2p(receiver, data, reliable=False),
                    "an unreliable send in P2POnly without a path",
                )
                for data in unreliable
            ),
        )
    path.avoided_the_router()
    received = sum(arrivals(receiver, [payload, *unreliable]))
    expect(received, "payloads of refused sends that the peer received").equals(0)


@requirement("RTE-9")
async def test_server_only_relays_while_connected(connected_pair: PeerPair) -> None:
    """In ServerOnly, a send while connected returns Relay and does not use the data channel."""
    sender, receiver = connected_pair
    await sender.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    payload, barrier = random_payload(), random_payload(32)
    async with connected_pair.path_of(sender, payload) as path:
        result = await sender.send_p2p(receiver, payload)
        await receiver.receives(payload)
        # The reliable channel is ordered: a copy of the payload on it would have arrived before this one.
        await sender.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
        await sender.send_p2p(receiver, barrier)
        await receiver.receives(barrier)
    expect(result, "the result of a send in ServerOnly").equals(RELAY)
    path.took(RELAY)


@requirement("RTE-10")
async def test_a_change_of_mode_holds_from_the_next_send(connected_pair: PeerPair) -> None:
    """A routing mode set while connected applies from the next send, in either direction of the change."""
    sender, receiver = connected_pair
    modes = {RoutingMode.SERVER_ONLY: RELAY, RoutingMode.P2P_ONLY: P2P, RoutingMode.PREFER_P2P: P2P}
    order = [RoutingMode.SERVER_ONLY, RoutingMode.PREFER_P2P, RoutingMode.SERVER_ONLY, RoutingMode.P2P_ONLY]
    for mode in order:
        await sender.set_p2p_routing_mode(mode)
        what = f"the result of the first send after the change to {mode}"
        await expect_send(connected_pair, sender, receiver, modes[mode], what)


@requirement("RTE-8", "RTE-2", "RTE-9", "SND-3")
async def test_modes_hold_after_the_end_of_a_connection(connected_pair: PeerPair) -> None:
    """After an orderly end, P2POnly relays nothing, ServerOnly relays, and results are the truth."""
    sender, receiver = connected_pair
    await sender.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    await end_connection(connected_pair, closers(connected_pair)[0])
    with judging("RTE-2"):
        mode = await sender.p2p_routing_mode()
        expect(mode, "the mode after the end of a connection").equals(RoutingMode.P2P_ONLY)
    payload = random_payload()
    with judging("RTE-8"):
        async with connected_pair.path_of(sender, payload) as path:
            with suppress(Refused):  # An implementation may connect again by itself.
                result = await sender.send_p2p(receiver, payload)
                expect(result, "the result of a send in P2POnly after Disconnected").equals(P2P)
        path.avoided_the_router()
    with judging("SND-3"):
        await sender.set_p2p_routing_mode(RoutingMode.PREFER_P2P)
        payload = random_payload()
        with suppress(Refused):  # A refusal claims no path; RTE-5 judges whether it is allowed.
            async with connected_pair.path_of(sender, payload) as path:
                result = await sender.send_p2p(receiver, payload)
                await receiver.receives(payload)
            path.took(result)
    with judging("RTE-9"):  # Last, because it rests on SND-3.
        await sender.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
        what = "the result of a send in ServerOnly after Disconnected"
        await expect_send(connected_pair, sender, receiver, RELAY, what)


@requirement("RTE-11")
async def test_a_mode_concerns_the_own_sends_only(connected_pair: PeerPair) -> None:
    """In each mode, a client receives what its peer sends directly, and what it sends by relay."""
    subject, partner = connected_pair
    for own in (RoutingMode.SERVER_ONLY, RoutingMode.P2P_ONLY, RoutingMode.PREFER_P2P):
        await subject.set_p2p_routing_mode(own)
        for theirs in (RoutingMode.P2P_ONLY, RoutingMode.SERVER_ONLY):
            await partner.set_p2p_routing_mode(theirs)
            payload = random_payload(512)
            with precondition("RTE-7" if theirs is RoutingMode.P2P_ONLY else "RTE-9"):
                await partner.send_p2p(subject, payload)
            await subject.receives(payload)
