"""A peer killed in each phase of the negotiation: the other is told, once, in time, and lives on."""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    AttemptStage,
    Client,
    PeerPair,
    StagedAttempt,
    UnconnectedPair,
    expect,
    judging,
    precondition,
    requirement,
)

CONFIG = P2PConfig(connection_timeout_secs=8)
"""Time enough for the connection to a third client, also on a busy machine, and soon over."""

LATE = 3.0
"""Seconds by which a time-out may be kept late (TMO-1)."""

WELL_BEYOND = 30 + LATE
"""Seconds by which an attempt has failed even where its configured time-out is not kept (TMO-2)."""


def told_about(client: Client, other: Client) -> list[str]:
    """Return the names of all that `client` was told about `other`, but for Data."""
    about = (told.event for told in client.received if told.event.peer_session_id == other.session_id)
    return [
        type(event).__name__
        for event in about
        if isinstance(event, (Connected, ConnectionFailed, Disconnected))
    ]


async def kill(client: Client) -> None:
    """End `client`, and with it what it had written and the router had not got."""
    client.leg.cut()
    await client.kill()


async def expect_a_life_after(survivor: Client, third: Client) -> None:
    """Require `survivor` to connect to a third client."""
    with judging("TMO-7"):
        await survivor.connect_to_peer(third)
        for client, other in ((survivor, third), (third, survivor)):
            await client.wait_for(Connected, other, within=survivor.timeout + LATE)


def expect_one_outcome(survivor: Client, killed: Client, *, failed_by_call: bool) -> None:
    """Require the attempt to have failed once, and never to have succeeded."""
    with judging("EVT-6"):
        told = ["an error of the call"] * failed_by_call + told_about(survivor, killed)
        expect(len(told), f"what was told of the attempt ({', '.join(told)})").equals(1)


async def answerer_killed(
    unconnected: UnconnectedPair, stage: AttemptStage, pair: PeerPair, judged: str, within: float
) -> None:
    """Kill the answerer at `stage`: the offerer's attempt fails, as `judged` requires."""
    async with StagedAttempt(pair, stage, within=within) as attempt:
        await kill(pair.answerer)
        with judging(judged):
            failure = await attempt.failed()
    await expect_a_life_after(pair.offerer, await unconnected.attach_another_answerer())
    expect_one_outcome(pair.offerer, pair.answerer, failed_by_call=failure.by_call)


async def offerer_killed(unconnected: UnconnectedPair, stage: AttemptStage, pair: PeerPair) -> None:
    """Kill the offerer at `stage`: the answerer is told that the attempt failed."""
    async with StagedAttempt(pair, stage, within=WELL_BEYOND):
        await kill(pair.offerer)
    with judging("TMO-8"):
        limit = pair.answerer.timeout + LATE
        await pair.answerer.wait_for(ConnectionFailed, pair.offerer, within=limit)
    await expect_a_life_after(pair.answerer, await unconnected.attach_another_offerer())
    expect_one_outcome(pair.answerer, pair.offerer, failed_by_call=False)


@requirement("TMO-3", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_killed_before_it_is_called(unconnected: UnconnectedPair) -> None:
    """An attempt to a peer that was killed before fails, and the next one, to another, succeeds."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await kill(pair.answerer)
    with judging("TMO-3"):
        failure = await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + LATE)
    await expect_a_life_after(pair.offerer, await unconnected.attach_another_answerer())
    expect_one_outcome(pair.offerer, pair.answerer, failed_by_call=failure.by_call)


@requirement("TMO-4", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_answerer_killed_before_the_offer_arrives(unconnected: UnconnectedPair) -> None:
    """The answerer is killed when the offer is on its way: nobody answers, and the attempt fails."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await answerer_killed(unconnected, AttemptStage.OFFER_SENT, pair, "TMO-4", WELL_BEYOND)


@requirement("TMO-4", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_answerer_killed_with_the_offer_in_hand(unconnected: UnconnectedPair) -> None:
    """The answerer is killed when it has the offer, before the router has its answer: the attempt fails."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await answerer_killed(unconnected, AttemptStage.OFFER_DELIVERED, pair, "TMO-4", WELL_BEYOND)


@requirement("TMO-5", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_answerer_killed_with_its_answer_on_the_way(unconnected: UnconnectedPair) -> None:
    """The answerer is killed when its answer has left: the offerer gets it, finds nobody, and fails."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await answerer_killed(unconnected, AttemptStage.ANSWER_SENT, pair, "TMO-5", pair.offerer.timeout + LATE)


@requirement("TMO-5", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_answerer_killed_while_the_two_look_for_a_path(unconnected: UnconnectedPair) -> None:
    """The answerer is killed when its answer has arrived and no path is found yet: the attempt fails."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    pair.link.cut()
    await answerer_killed(
        unconnected, AttemptStage.ANSWER_DELIVERED, pair, "TMO-5", pair.offerer.timeout + LATE
    )


@requirement("TMO-8", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_offerer_killed_before_the_answer_arrives(unconnected: UnconnectedPair) -> None:
    """The offerer is killed when the answer has left: the answerer is told that the attempt failed."""
    await offerer_killed(unconnected, AttemptStage.ANSWER_SENT, await unconnected.attach(CONFIG, CONFIG))


@requirement("TMO-8", "TMO-7", "EVT-6", waits=True, kills=True)
async def test_offerer_killed_while_the_two_look_for_a_path(unconnected: UnconnectedPair) -> None:
    """The offerer is killed when it has the answer and no path is found: the answerer is told."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    pair.link.cut()
    await offerer_killed(unconnected, AttemptStage.ANSWER_DELIVERED, pair)


@requirement("TMO-7", "EVT-6", slow=True, kills=True)
async def test_killed_when_connected(unconnected: UnconnectedPair) -> None:
    """The one whose connected peer is killed receives Disconnected, no failure, and connects to another."""
    pair = await unconnected.attach(CONFIG, CONFIG)
    await pair.connect()
    survivor, killed = pair
    await kill(killed)
    with precondition("EVT-4"):
        await survivor.wait_for(Disconnected, killed, within=pair.patience.consent)
    await expect_a_life_after(survivor, await unconnected.attach_another_answerer())
    with judging("EVT-6"):
        told = told_about(survivor, killed)
        expect(told, "what was told of the connection").equals(["Connected", "Disconnected"])
