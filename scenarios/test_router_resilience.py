"""The router lost and back in each phase of a negotiation, and a router that is attacked.

The specification does not say that a client attaches to its router again. What it says holds all the
same: an attempt comes to an end, by its time-out at the latest, and what flows directly needs no router.
"""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    AttackedRouter,
    AttemptStage,
    Client,
    Failure,
    PeerPair,
    StagedAttempt,
    UnconnectedPair,
    expect,
    judging,
    precondition,
    requirement,
    together,
)

AMPLE = P2PConfig(connection_timeout_secs=8)
"""Time enough for a connection, also on a busy machine, and soon over for an attempt that fails."""

TIMEOUT = 2
CONFIG = P2PConfig(connection_timeout_secs=TIMEOUT)

LATE = 3.0
"""Seconds by which a time-out may be kept late (TMO-1)."""

WELL_BEYOND = 30 + LATE
"""Seconds by which an attempt has failed even where its configured time-out is not kept (TMO-2)."""

NOBODY = "nonexistent-session-12345"


async def expect_calls_to_end(client: Client) -> None:
    """Require an attempt to reach nobody to fail: the client hangs on nothing, whatever it lost."""
    with judging("TMO-3"):
        await client.attempt_fails(NOBODY, within=client.timeout + LATE)


def expect_one_outcome(client: Client, other: Client, failure: Failure | None) -> None:
    """Require what was told of an attempt to be one thing: that it failed, or that it succeeded."""
    with judging("EVT-6"):
        outcomes = len(client.events(Connected, other)) + len(client.events(ConnectionFailed, other))
        by_call = failure is not None and failure.by_call
        expect(outcomes + by_call, "outcomes that were told of one attempt").equals(1)


async def router_lost_and_back(
    unconnected: UnconnectedPair, stage: AttemptStage, judged: str, within: float
) -> None:
    """Lose the router at `stage`, and with it what was on its way: the attempt ends, one way or the other."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    async with StagedAttempt(pair, stage, within=within) as attempt:
        pair.cut_router()
        attempt.release()
        pair.heal_router()
        with judging(judged):
            failure = await attempt.ended()
    await expect_calls_to_end(pair.offerer)
    expect_one_outcome(pair.offerer, pair.answerer, failure)


@requirement("TMO-4", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_before_the_attempt(unconnected: UnconnectedPair) -> None:
    """With the router lost for good, an attempt fails, by its call or its time-out, and so does the next."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    pair.cut_router()
    with judging("TMO-4"):
        failure = await pair.offerer.attempt_fails(pair.answerer, within=WELL_BEYOND)
    await expect_calls_to_end(pair.offerer)
    expect_one_outcome(pair.offerer, pair.answerer, failure)


@requirement("TMO-4", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_with_the_offer_on_the_way(unconnected: UnconnectedPair) -> None:
    """The router is lost with the offer, and comes back: the attempt succeeds or fails, once."""
    await router_lost_and_back(unconnected, AttemptStage.OFFER_SENT, "TMO-4", WELL_BEYOND)


@requirement("TMO-4", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_before_the_answer_is_there(unconnected: UnconnectedPair) -> None:
    """The router is lost before it has the answer, and comes back: the attempt succeeds or fails, once."""
    await router_lost_and_back(unconnected, AttemptStage.OFFER_DELIVERED, "TMO-4", WELL_BEYOND)


@requirement("TMO-4", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_with_the_answer_on_the_way(unconnected: UnconnectedPair) -> None:
    """The router is lost with the answer, and comes back: the attempt succeeds or fails, once."""
    await router_lost_and_back(unconnected, AttemptStage.ANSWER_SENT, "TMO-4", WELL_BEYOND)


@requirement("TMO-5", "TMO-3", "EVT-6", waits=True)
async def test_router_lost_when_the_answer_was_delivered(unconnected: UnconnectedPair) -> None:
    """The router is lost once the answer is there, and comes back: the attempt succeeds or fails, once."""
    await router_lost_and_back(unconnected, AttemptStage.ANSWER_DELIVERED, "TMO-5", TIMEOUT + LATE)


@requirement("DIR-2", waits=True)
async def test_direct_data_flows_without_the_router(unconnected: UnconnectedPair) -> None:
    """With the router lost, and when it is back, what is sent arrives directly, each way."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    await pair.connect()
    pair.cut_router()
    await pair.exchange()
    # An attempt that must fail is the barrier: by its end each has noticed that the router is gone.
    await both_fail_to_reach_nobody(pair)
    await pair.exchange()
    pair.heal_router()
    await both_fail_to_reach_nobody(pair)
    await pair.exchange()
    for client in pair:
        ended = client.events(Disconnected) + client.events(ConnectionFailed, pair.answerer)
        expect([told.event for told in ended], f"what {client.name} was told against it").is_empty()


async def both_fail_to_reach_nobody(pair: PeerPair) -> None:
    """Have both try to reach a session that is not there, and fail."""
    with precondition("TMO-3"):
        await together(*(client.attempt_fails(NOBODY, within=client.timeout + LATE) for client in pair))


@requirement("RTR-7", waits=True)
async def test_broken_frames_end_at_most_their_session(attacked_router: AttackedRouter) -> None:
    """Frames that are no CLASP, text and broken WebSocket frames: the other sessions go on."""
    async with attacked_router.others_go_on():
        await attacked_router.send_broken_frames()


@requirement("RTR-7", waits=True)
async def test_nested_values_end_at_most_their_session(attacked_router: AttackedRouter) -> None:
    """A value of lists in lists, 20,000 deep, fits into one frame: the other sessions go on."""
    async with attacked_router.others_go_on():
        await attacked_router.send_nested_values()


@requirement("RTR-7", waits=True)
async def test_oversized_frames_end_at_most_their_session(attacked_router: AttackedRouter) -> None:
    """A message of 4 MiB, and a frame that announces 2^62 bytes: the other sessions go on."""
    async with attacked_router.others_go_on():
        await attacked_router.send_oversized_frames()


@requirement("RTR-7", waits=True)
async def test_silent_connections_hold_up_nobody(attacked_router: AttackedRouter) -> None:
    """TCP connections on which nothing is said stay open: the other sessions go on, and new ones begin."""
    async with attacked_router.others_go_on():
        await attacked_router.open_silent_connections()


@requirement("RTR-7", waits=True)
async def test_half_open_handshakes_hold_up_nobody(attacked_router: AttackedRouter) -> None:
    """Connections that stop in the HTTP request stay open: the others go on, and new ones begin."""
    async with attacked_router.others_go_on():
        await attacked_router.open_half_handshakes()


@requirement("RTR-7", waits=True)
async def test_sessions_without_hello_hold_up_nobody(attacked_router: AttackedRouter) -> None:
    """WebSockets that say no HELLO, or stop in a frame, stay open: the others go on, and new ones begin."""
    async with attacked_router.others_go_on():
        await attacked_router.open_sessions_without_hello()


@requirement("RTR-7", waits=True)
async def test_abrupt_departures_end_at_most_their_session(attacked_router: AttackedRouter) -> None:
    """Connections reset before, in and after the handshake, and in a frame: the other sessions go on."""
    async with attacked_router.others_go_on():
        await attacked_router.depart_abruptly()
