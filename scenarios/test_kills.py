"""A peer killed in each phase of the negotiation: the other receives one event in time, and keeps working."""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    AttemptStage,
    Client,
    Failure,
    PeerPair,
    StagedAttempt,
    UnconnectedPair,
    both_connect,
    expect,
    expect_consistent_events,
    judging,
    precondition,
    requirement,
)

CONFIG = P2PConfig(connection_timeout_secs=8)
"""Long enough to connect to a third client on a busy machine, and short enough to end soon."""

LATE = 3.0
"""Seconds by which a time-out may be exceeded (TMO-1)."""

WELL_BEYOND = 30 + LATE
"""Seconds after which an attempt has failed even if its configured time-out is ignored (TMO-2)."""


async def kill(client: Client) -> None:
    """Kill `client`, and drop what it has written and the router has not received yet."""
    client.leg.cut()
    await client.kill()


async def expect_next_connection(survivor: Client, third: Client) -> None:
    """Require `survivor` to connect to a third client."""
    with judging("TMO-7"):
        await both_connect(survivor, third)


def expect_one_outcome(
    pair: PeerPair, survivor: Client, killed: Client, failure: Failure | None = None
) -> None:
    """Require that the attempt failed once and never succeeded."""
    with judging("EVT-6"):
        expect_consistent_events(pair.testbed, survivor, killed, failure)
        connected = [each.event for each in survivor.events(Connected, killed)]
        expect(connected, f"Connected events of {survivor.name}, whose attempt failed").is_empty()


async def answerer_killed(
    unconnected: UnconnectedPair, stage: AttemptStage, pair: PeerPair, judged: str, within: float
) -> None:
    """Kill the answerer at `stage`, and require the offerer's attempt to fail as `judged` says."""
    async with StagedAttempt(pair, stage, within=within) as attempt:
        await kill(pair.answerer)
        with judging(judged):
            failure = await attempt.failed()
    await expect_next_connection(pair.offerer, await unconnected.attach_another_answerer())
    expect_one_outcome(pair, pair.offerer, pair.answerer, failure)


async def offerer_killed(unconnected: UnconnectedPair, stage: AttemptStage, pair: PeerPair) -> None:
    """Kill the offerer at `stage`, and require the answerer to receive ConnectionFailed."""
    async with StagedAttempt(pair, stage, within=WELL_BEYOND):
        await kill(pair.offerer)
    with judging("TMO-8"):
        limit = pair.answerer.timeout + LATE
        await pair.answerer.wait_for(ConnectionFailed, pair.offerer, within=limit)
    await expect_next_connection(pair.answerer, await unconnected.attach_another_offerer())
    expect_one_outcome(pair, pair.answerer, pair.offerer)


@requirement("TMO-3", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_killed_before_it_is_called(unconnected: UnconnectedPair) -> None:
    """An attempt to a peer that was killed before it fails; the next one, to another peer, succeeds."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await kill(pair.answerer)
    with judging("TMO-3"):
        failure = await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + LATE)
    await expect_next_connection(pair.offerer, await unconnected.attach_another_answerer())
    expect_one_outcome(pair, pair.offerer, pair.answerer, failure)


@requirement("TMO-4", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_answerer_killed_before_the_offer_arrives(unconnected: UnconnectedPair) -> None:
    """The answerer is killed before the offer reaches it: the attempt fails."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await answerer_killed(unconnected, AttemptStage.OFFER_SENT, pair, "TMO-4", WELL_BEYOND)


@requirement("TMO-4", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_answerer_killed_with_the_offer_in_hand(unconnected: UnconnectedPair) -> None:
    """The answerer is killed after it receives the offer, before its answer is sent: the attempt fails."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await answerer_killed(unconnected, AttemptStage.OFFER_DELIVERED, pair, "TMO-4", WELL_BEYOND)


@requirement("TMO-5", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_answerer_killed_with_its_answer_on_the_way(unconnected: UnconnectedPair) -> None:
    """The answerer is killed after its answer is sent, before it arrives: the attempt fails."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await answerer_killed(unconnected, AttemptStage.ANSWER_SENT, pair, "TMO-5", pair.offerer.timeout + LATE)


@requirement("TMO-5", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_answerer_killed_while_the_two_look_for_a_path(unconnected: UnconnectedPair) -> None:
    """The answerer is killed after its answer arrives, before ICE finds a path: the attempt fails."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    pair.link.cut()
    await answerer_killed(
        unconnected, AttemptStage.ANSWER_DELIVERED, pair, "TMO-5", pair.offerer.timeout + LATE
    )


@requirement("TMO-8", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_offerer_killed_before_the_answer_arrives(unconnected: UnconnectedPair) -> None:
    """The offerer is killed before the answer reaches it: the answerer receives ConnectionFailed."""
    await offerer_killed(unconnected, AttemptStage.ANSWER_SENT, await unconnected.attach(CONFIG, CONFIG))


@requirement("TMO-8", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_offerer_killed_while_the_two_look_for_a_path(unconnected: UnconnectedPair) -> None:
    """The offerer is killed with the answer received and no path found: the answerer's attempt fails."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    pair.link.cut()
    await offerer_killed(unconnected, AttemptStage.ANSWER_DELIVERED, pair)


@requirement("TMO-7", "EVT-6", slow=True, kills=True)
async def test_killed_when_connected(unconnected: UnconnectedPair) -> None:
    """When a connected peer is killed, the other receives only Disconnected, and can connect to another."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await pair.connect()
    survivor, killed = pair
    await kill(killed)
    with precondition("EVT-4"):
        await survivor.wait_for(Disconnected, killed, within=pair.patience.consent)
    await expect_next_connection(survivor, await unconnected.attach_another_answerer())
    with judging("EVT-6"):
        expect_consistent_events(pair.testbed, survivor, killed)
