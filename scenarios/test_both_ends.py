"""Connections and attempts that are ended by both sides at once, or before they are established."""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    AttemptStage,
    NotOffered,
    PeerPair,
    Refused,
    StagedAttempt,
    UnconnectedPair,
    Unobserved,
    both_ends,
    connect_again,
    events_are_in_order,
    expect,
    judging,
    marks,
    requirement,
    together,
    works_like_the_first,
)

AMPLE = P2PConfig(connection_timeout_secs=6)
"""Long enough to connect on a busy machine, and short enough for an attempt that is given up."""

AFTERMATH = 1.0
"""Seconds for which events are awaited that must not come."""


@requirement("EVT-9", "CON-13", waits=True)
async def test_both_sides_end_the_connection_at_once(connected_pair: PeerPair) -> None:
    """When both sides disconnect at once, each receives one Disconnected at most; they can connect again."""
    pair = connected_pair
    if any("disconnect_peer" not in client.capabilities for client in pair):
        raise NotOffered("one side does not declare the capability 'disconnect_peer'")
    for caller in pair:
        since = marks(pair)
        with judging("EVT-9"):
            await together(*(client.disconnect_peer(other) for client, other in both_ends(pair)))
        await pair.signals_arrive()
        for client, other in both_ends(pair):
            with judging("EVT-9"):
                await client.first_of((ConnectionFailed,), other, within=AFTERMATH, since=since[client])
                ends = client.events(Disconnected, other, since[client])
                expect(len(ends), f"Disconnected events of {client.name} for one connection").at_most(1)
        with judging("CON-13"):
            await connect_again(pair, caller, since)
            await works_like_the_first(pair)
    with judging("EVT-9"):
        for client, other in both_ends(pair):
            events_are_in_order(client, other, own_ends=2)


@requirement("CON-18", waits=True, role="offerer")
async def test_an_attempt_can_be_given_up(unconnected: UnconnectedPair) -> None:
    """After `disconnect_peer` during an attempt, its answer leads to no connection; the next attempt does."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    caller, called = pair.offerer, pair.answerer
    caller.needs("disconnect_peer")
    async with StagedAttempt(pair, AttemptStage.ANSWER_SENT, within=caller.attempt_limit) as attempt:
        try:
            await caller.disconnect_peer(called)
        except Refused as refusal:  # There is no connection yet.
            raise Unobserved(f"{caller.name} does not give up an attempt: {refusal}") from refusal
        attempt.release()
        # Its failure may be told late, and is not that of the next attempt.
        await caller.first_of((Connected, ConnectionFailed), called, within=pair.patience.event, since=0)
        event = await caller.first_of((Connected,), called, within=AFTERMATH, since=0)
    expect(event, f"the Connected of {caller.name} after it gave the attempt up").equals(None)
    await connect_again(pair, caller, marks(pair))
    await works_like_the_first(pair)
