"""Unreliable sends: their path in each routing mode, their sizes and contents, and that none is repeated."""

from __future__ import annotations

from clasp_e2e.p2p_types import P2PConfig, RoutingMode, SendResult
from clasp_e2e.testbed import (
    Client,
    PeerPair,
    Refused,
    UnconnectedPair,
    altered,
    arrivals,
    expect,
    random_payload,
    requirement,
    samples,
    send_unreliably,
)

P2P, RELAY = SendResult.P2P, SendResult.RELAY

LARGEST = 1000
"""Bytes of the largest unreliable payload that each implementation must take: a datagram holds it."""
LARGER = (1_200, 1_500, 4_096, 16_000)
"""Bytes of unreliable payloads that take several datagrams, and may be refused."""
COUNT = 20
"""Sends of the largest size whose path can be recognized by the volume of traffic."""
TRIES = 3
"""Sends of one payload or one size, of which some may be lost."""


def burst() -> list[bytes]:
    """Return payloads for one send each."""
    return [random_payload(LARGEST) for _ in range(COUNT)]


def expect_results(results: list[SendResult], expected: SendResult, mode: RoutingMode) -> None:
    """Require all unreliable sends in `mode` to have returned `expected`."""
    wrong = [str(result) for result in results if result is not expected]
    expect(
        wrong, f"results other than {expected} of {len(results)} unreliable sends in {mode}, while connected"
    ).is_empty()


@requirement("RTE-3")
async def test_unreliable_sends_in_prefer_p2p_are_direct(connected_pair: PeerPair) -> None:
    """In PreferP2P, each of 20 unreliable sends while connected returns P2P."""
    sender, receiver = connected_pair
    expect_results(await send_unreliably(sender, receiver, burst()), P2P, RoutingMode.PREFER_P2P)


@requirement("RTE-7")
async def test_unreliable_sends_in_p2p_only_are_direct(connected_pair: PeerPair) -> None:
    """In P2POnly, each of 20 unreliable sends while connected returns P2P."""
    sender, receiver = connected_pair
    await sender.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    expect_results(await send_unreliably(sender, receiver, burst()), P2P, RoutingMode.P2P_ONLY)


@requirement("RTE-9")
async def test_unreliable_sends_in_server_only_are_relayed(connected_pair: PeerPair) -> None:
    """In ServerOnly, each of 20 unreliable sends while connected returns Relay, and none goes directly."""
    sender, receiver = connected_pair
    await sender.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    payloads, barrier = burst(), random_payload(32)
    async with connected_pair.path_of(sender, b"".join(payloads)) as path:
        results = await send_unreliably(sender, receiver, payloads)
        await sender.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
        await sender.send_p2p(receiver, barrier)
        await receiver.receives(barrier)
    expect_results(results, RELAY, RoutingMode.SERVER_ONLY)
    path.avoided_the_direct_path()


@requirement("DIR-1")
async def test_unreliable_data_between_connected_peers_avoids_the_router(connected_pair: PeerPair) -> None:
    """In PreferP2P and P2POnly, unreliable payloads for a connected peer do not pass through the router."""
    sender, receiver = connected_pair
    for mode in (RoutingMode.PREFER_P2P, RoutingMode.P2P_ONLY):
        await sender.set_p2p_routing_mode(mode)
        payloads = burst()
        async with connected_pair.path_of(sender, b"".join(payloads)) as path:
            await send_unreliably(sender, receiver, payloads)
        path.avoided_the_router()


@requirement("SND-3")
async def test_the_result_of_an_unreliable_send_is_the_truth(connected_pair: PeerPair) -> None:
    """While connected, in PreferP2P and ServerOnly, unreliable sends take the path that they return."""
    sender, receiver = connected_pair
    for mode in (RoutingMode.PREFER_P2P, RoutingMode.SERVER_ONLY):
        await sender.set_p2p_routing_mode(mode)
        payloads, before = burst(), len(receiver.data())
        try:
            async with connected_pair.path_of(sender, b"".join(payloads)) as path:
                results = await send_unreliably(sender, receiver, payloads)
        except Refused:
            continue  # A refusal claims no path; RTE-3 and RTE-9 judge whether it is allowed.
        path.carried(
            direct=len(b"".join(of_result(payloads, results, P2P))),
            routed=len(b"".join(relayed := of_result(payloads, results, RELAY))),
        )
        if relayed:
            arrived = await receiver.receives_any(relayed, within=connected_pair.patience.event)
            arrived = arrived or len(receiver.data()) > before  # SND-1 judges whether it is unchanged.
            expect(arrived, f"one or more of {len(relayed)} relayed sends arrive").is_true("none did")


def of_result(payloads: list[bytes], results: list[SendResult], result: SendResult) -> list[bytes]:
    """Return the payloads whose send returned `result`."""
    return [payload for payload, returned in zip(payloads, results, strict=True) if returned is result]


@requirement("SND-2")
async def test_unreliable_sends_of_each_size_arrive(connected_pair: PeerPair) -> None:
    """Of three unreliable sends of each size up to 1,000 bytes, in each direction, at least one arrives."""
    for sender, receiver in both_ways(connected_pair):
        for size in (2, 16, 100, 255, 256, 500, 501, 512, 750, 900, 999, LARGEST):
            payloads = [random_payload(size) for _ in range(TRIES)]
            results = await send_unreliably(sender, receiver, payloads)
            await expect_some(connected_pair, receiver, payloads, f"{size} bytes", results)


@requirement("SND-2")
async def test_unreliable_sends_of_any_content_arrive_unchanged(connected_pair: PeerPair) -> None:
    """Of three unreliable sends of text, JSON, frames and others, one or more arrive, none changed."""
    contents = samples()
    for sender, receiver in both_ways(connected_pair):
        results = await send_unreliably(sender, receiver, [*contents.values()] * TRIES)
        for place, (name, payload) in enumerate(contents.items()):
            own = results[place :: len(contents)]
            await expect_some(connected_pair, receiver, [payload], f"{name} ({len(payload)} bytes)", own)
        changed = altered([data for data in receiver.data() if data.reliable is False], contents.values())
        expect([*changed], "unreliable Data that was not sent like this").is_empty()


async def expect_some(
    pair: PeerPair, receiver: Client, payloads: list[bytes], what: str, results: list[SendResult]
) -> None:
    """Require one of `payloads` to arrive, and `reliable` to be false if they went directly."""
    arrived = await receiver.receives_any(payloads, within=pair.patience.event)
    expect(arrived, f"one or more of {TRIES} unreliable sends of {what} arrive").is_true("none did")
    if set(results) == {P2P}:
        marks = {event.reliable for event in receiver.data() if event.data in payloads}
        expect(marks, f"the values of `reliable` of unreliable Data with {what}").equals({False})


@requirement("SND-6")
async def test_large_unreliable_sends_arrive_or_are_refused(connected_pair: PeerPair) -> None:
    """Of four unreliable sends of each size above 1,000 bytes, one or more arrive, or one is refused."""
    for sender, receiver in both_ways(connected_pair):
        for size in LARGER:
            payloads = [random_payload(size) for _ in range(4)]
            try:
                await send_unreliably(sender, receiver, payloads)
            except Refused:
                continue
            arrived = await receiver.receives_any(payloads, within=connected_pair.patience.event)
            expect(arrived, f"one or more of 4 unreliable sends of {size} bytes arrive").is_true("none did")


def both_ways(pair: PeerPair) -> list[tuple[Client, Client]]:
    """Return sender and receiver, in each direction."""
    return [(pair.subject, pair.partner), (pair.partner, pair.subject)]


@requirement("SND-10")
async def test_an_unreliable_send_arrives_at_most_once(connected_pair: PeerPair) -> None:
    """Of 20 unreliable sends in each direction, none arrives twice."""
    for sender, receiver in both_ways(connected_pair):
        payloads = burst()
        await send_unreliably(sender, receiver, payloads)
        await connected_pair.drain()
        repeated = sum(count > 1 for count in arrivals(receiver, payloads))
        expect(repeated, f"unreliable sends of {sender.name} that arrived more than once").equals(0)


@requirement("RTE-4", waits=True)
async def test_unreliable_sends_without_a_path_are_relayed(unconnected: UnconnectedPair) -> None:
    """In PreferP2P, unreliable sends on a cut link without a connection return Relay, and one arrives."""
    config = P2PConfig(connection_timeout_secs=1)
    pair = await unconnected.attach(config, config)
    pair.link.cut()
    sender, receiver = pair
    payloads = burst()
    for payload in payloads[:TRIES]:
        result = await sender.send_p2p(receiver, payload, reliable=False)
        expect(result, "the result of an unreliable send without a path").equals(RELAY)
    arrived = await receiver.receives_any(payloads, within=pair.patience.event)
    expect(arrived, f"one or more of {TRIES} relayed sends arrive").is_true("none did")
