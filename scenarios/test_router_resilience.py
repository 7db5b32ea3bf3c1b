"""Loss and return of the router in each phase of a negotiation, and attacks on the router.

The specification does not require a client to attach to its router again. It still requires that an
attempt ends, at the latest by its time-out, and that direct data needs no router.
"""

from __future__ import annotations

from clasp_e2e.p2p_types import ConnectionFailed, Disconnected, P2PConfig, RoutingMode
from clasp_e2e.testbed import (
    AttackedRouter,
    AttemptStage,
    Client,
    Failure,
    PeerPair,
    StagedAttempt,
    UnconnectedPair,
    both_ends,
    expect,
    expect_consistent_events,
    judging,
    lasts,
    precondition,
    requirement,
    together,
)

AMPLE = P2PConfig(connection_timeout_secs=8)
"""Long enough to connect on a busy machine, and short enough that a failing attempt ends soon."""

CONFIG = P2PConfig(connection_timeout_secs=2)

LATE = 3.0
"""Seconds by which a time-out may be exceeded (TMO-1)."""

WELL_BEYOND = 30 + LATE
"""Seconds after which an attempt has failed even if its configured time-out is ignored (TMO-2)."""

IDLE = 1.0
"""Seconds until a gateway closes a WebSocket on which a client sends nothing. Real ones wait minutes."""

NOBODY = "nonexistent-session-12345"


async def expect_calls_to_end(client: Client) -> None:
    """Require an attempt to an unknown session to fail: after losing the router, no call may hang."""
    with judging("TMO-3"):
        await client.attempt_fails(NOBODY, within=client.timeout + LATE)


def expect_one_outcome(pair: PeerPair, failure: Failure | None) -> None:
    """Require exactly one outcome of an attempt: that it failed, or that it succeeded."""
    with judging("EVT-6"):
        expect_consistent_events(pair.testbed, pair.offerer, pair.answerer, failure)


async def router_lost_and_back(
    unconnected: UnconnectedPair, stage: AttemptStage, judged: str, within: float | None = None
) -> None:
    """Cut off the router at `stage`, drop what is in transit, and heal it; require the attempt to end."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    limit = pair.offerer.timeout + LATE if within is None else within
    async with StagedAttempt(pair, stage, within=limit) as attempt:
        pair.cut_router()
        attempt.release()
        pair.heal_router()
        with judging(judged):
            failure = await attempt.ended()
    await expect_calls_to_end(pair.offerer)
    expect_one_outcome(pair, failure)


@requirement("TMO-4", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_before_the_attempt(unconnected: UnconnectedPair) -> None:
    """With the router lost for good, an attempt fails by its call or its time-out, and so does the next."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    pair.cut_router()
    with judging("TMO-4"):
        failure = await pair.offerer.attempt_fails(pair.answerer, within=WELL_BEYOND)
    await expect_calls_to_end(pair.offerer)
    expect_one_outcome(pair, failure)


@requirement("TMO-4", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_with_the_offer_on_the_way(unconnected: UnconnectedPair) -> None:
    """The router is lost with the offer in transit, and returns: the attempt has exactly one outcome."""
    await router_lost_and_back(unconnected, AttemptStage.OFFER_SENT, "TMO-4", WELL_BEYOND)


@requirement("TMO-4", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_before_the_answer_is_there(unconnected: UnconnectedPair) -> None:
    """The router is lost before it has the answer, and returns: the attempt has exactly one outcome."""
    await router_lost_and_back(unconnected, AttemptStage.OFFER_DELIVERED, "TMO-4", WELL_BEYOND)


@requirement("TMO-4", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_with_the_answer_on_the_way(unconnected: UnconnectedPair) -> None:
    """The router is lost with the answer in transit, and returns: the attempt has exactly one outcome."""
    await router_lost_and_back(unconnected, AttemptStage.ANSWER_SENT, "TMO-4", WELL_BEYOND)


@requirement("TMO-5", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_when_the_answer_was_delivered(unconnected: UnconnectedPair) -> None:
    """The router is lost after it delivered the answer, and returns: the attempt has exactly one outcome."""
    await router_lost_and_back(unconnected, AttemptStage.ANSWER_DELIVERED, "TMO-5")


@requirement("DIR-2", waits=True)
async def test_direct_data_flows_without_the_router(unconnected: UnconnectedPair) -> None:
    """Connected peers exchange data directly while the router is lost, and after it has returned."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    await pair.connect()
    pair.cut_router()
    await pair.exchange()
    # The failing attempts are a barrier: when they end, each side has noticed that the router is gone.
    await both_attempts_fail(pair)
    for mode in (RoutingMode.P2P_ONLY, RoutingMode.PREFER_P2P):
        for client in pair:
            await client.set_p2p_routing_mode(mode)
        await pair.exchange()
    pair.heal_router()
    await both_attempts_fail(pair)
    await pair.exchange()
    expect_no_end(pair)


@requirement("EVT-8", waits=True)
async def test_is_peer_connected_is_true_without_the_router(unconnected: UnconnectedPair) -> None:
    """`is_peer_connected` stays true for a connected peer while the router is lost."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    pair.subject.needs("is_peer_connected")
    await pair.connect()
    pair.cut_router()
    await both_attempts_fail(pair)
    expect_no_end(pair)
    answer = await pair.subject.is_peer_connected(pair.partner)
    expect(answer, "is_peer_connected without the router").equals(True)


@requirement("DIR-2", waits=True)
async def test_direct_data_flows_while_idle_websockets_are_closed(unconnected: UnconnectedPair) -> None:
    """Connected peers exchange data directly while a gateway closes each WebSocket that is idle for 1 s."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    await pair.connect()
    for client in pair:
        client.leg.close_idle(IDLE)
    await lasts(4 * IDLE, *both_ends(pair))
    await pair.exchange()
    # The barrier as above, for a client that notices the end only when it signals.
    await both_attempts_fail(pair)
    await pair.exchange()
    expect_no_end(pair)


def expect_no_end(pair: PeerPair) -> None:
    """Require that neither client has received the end of its connection, or the failure of its attempt."""
    for client in pair:
        ended = client.events(Disconnected) + client.events(ConnectionFailed, pair.answerer)
        expect([each.event for each in ended], f"failures that {client.name} received").is_empty()


async def both_attempts_fail(pair: PeerPair) -> None:
    """Require both clients to fail to connect to an unknown session."""
    with precondition("TMO-3"):
        await together(*(client.attempt_fails(NOBODY, within=client.timeout + LATE) for client in pair))


@requirement("RTR-7", waits=True)
async def test_broken_frames_end_at_most_their_session(attacked_router: AttackedRouter) -> None:
    """Invalid CLASP frames, text frames and invalid WebSocket frames do not affect other sessions."""
    async with attacked_router.others_keep_working():
        await attacked_router.send_broken_frames()


@requirement("RTR-7", waits=True)
async def test_nested_values_end_at_most_their_session(attacked_router: AttackedRouter) -> None:
    """A value of lists nested 20,000 deep, which fits into one frame, does not affect other sessions."""
    async with attacked_router.others_keep_working():
        await attacked_router.send_nested_values()


@requirement("RTR-7", waits=True)
async def test_oversized_frames_end_at_most_their_session(attacked_router: AttackedRouter) -> None:
    """A message of 4 MiB, and a frame that announces 2^62 bytes, do not affect other sessions."""
    async with attacked_router.others_keep_working():
        await attacked_router.send_oversized_frames()


@requirement("RTR-7", waits=True)
async def test_silent_connections_hold_up_nobody(attacked_router: AttackedRouter) -> None:
    """Open TCP connections that send nothing affect neither existing sessions nor new ones."""
    async with attacked_router.others_keep_working():
        await attacked_router.open_silent_connections()


@requirement("RTR-7", waits=True)
async def test_half_open_handshakes_hold_up_nobody(attacked_router: AttackedRouter) -> None:
    """Open connections that stop in the HTTP request affect neither existing sessions nor new ones."""
    async with attacked_router.others_keep_working():
        await attacked_router.open_half_handshakes()


@requirement("RTR-7", waits=True)
async def test_sessions_without_hello_hold_up_nobody(attacked_router: AttackedRouter) -> None:
    """Open WebSockets with no HELLO, or half a frame, affect neither existing sessions nor new ones."""
    async with attacked_router.others_keep_working():
        await attacked_router.open_sessions_without_hello()


@requirement("RTR-7", waits=True)
async def test_abrupt_departures_end_at_most_their_session(attacked_router: AttackedRouter) -> None:
    """Connections reset before, in and after the handshake, or in a frame, do not affect other sessions."""
    async with attacked_router.others_keep_working():
        await attacked_router.depart_abruptly()
