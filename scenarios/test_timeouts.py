"""The connection time-out: when an attempt fails, and what comes after."""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    Blocked,
    Client,
    Failure,
    PeerPair,
    SinglePeer,
    UnconnectedPair,
    expect,
    precondition,
    requirement,
)

EARLY, LATE = 0.5, 3.0
"""Seconds by which a time-out may be missed, either way (TMO-1: 29.5 s to 33 s)."""

SHORT = P2PConfig(connection_timeout_secs=1)
"""For attempts that are to fail."""

AMPLE = P2PConfig(connection_timeout_secs=3)
"""For connections that are to be made in time, also on a busy machine, and timed out soon after."""


def latest(client: Client) -> float:
    """Return the seconds from the request by which an attempt must have failed, with room to see it late."""
    return client.timeout + LATE + 2.0


async def fails_after(seconds: float, single: SinglePeer, client: Client) -> None:
    """Require an attempt that nobody answers to fail after so long.

    The clock may start at the request or with the offer, which leaves later, and much later on a busy
    machine: each end is counted from where there is more room.
    """
    silent = await single.signaling_client()
    failure: Failure = await client.attempt_fails(
        silent.session_id, within=max(client.timeout, 30) + LATE + 2
    )
    if not silent.signals():
        raise Blocked("CON-3", "no signal reached the peer that was to be connected to")
    offers = [d.sent_at for d in single.testbed.switchboard.descriptions if d.leg == client.name]
    of_request = failure.failed - failure.requested
    of_offer = failure.failed - max([failure.requested, *offers[:1]])
    expect(of_request, "seconds from the request until the attempt failed").at_least(seconds - EARLY)
    expect(of_offer, "seconds from the offer until the attempt failed").at_most(seconds + LATE)


@requirement("TMO-1", slow=True)
async def test_the_default_time_out_is_30_seconds(single: SinglePeer) -> None:
    """With no time-out configured, an attempt that nobody answers fails after 29.5 s to 33 s."""
    await fails_after(30, single, await single.attach(P2PConfig()))


@requirement("TMO-2", waits=True)
async def test_a_configured_time_out_is_kept(single: SinglePeer) -> None:
    """With 2 s configured, an attempt that nobody answers fails after 1.5 s to 5 s."""
    await fails_after(2, single, await single.attach(P2PConfig(connection_timeout_secs=2)))


@requirement("TMO-3", waits=True)
async def test_an_attempt_to_nobody_fails(single: SinglePeer) -> None:
    """An attempt to reach a session that does not exist fails: by the call, at once, or by the time-out."""
    client = await single.attach(SHORT)
    await client.attempt_fails("nonexistent-session-12345", within=client.timeout + LATE)


@requirement("TMO-4", waits=True)
async def test_an_offer_that_nobody_answers_fails(single: SinglePeer) -> None:
    """An attempt whose offer is delivered and never answered fails by the time-out, be it the default."""
    client = await single.attach(SHORT)
    silent = await single.signaling_client()
    await client.attempt_fails(silent.session_id, within=30 + LATE)
    if not silent.signals():
        raise Blocked("CON-3", "no signal reached the peer that was to be connected to")


@requirement("TMO-5", waits=True)
async def test_an_attempt_without_a_path_fails(unconnected: UnconnectedPair) -> None:
    """An attempt that is answered but finds the link black fails by the time-out at the latest."""
    pair = await unconnected.attach(AMPLE, AMPLE)  # The answer is to come in time, on a busy machine too.
    pair.link.cut()
    await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + LATE)
    if not any(attempt.answer for attempt in pair.attempts):
        raise Blocked("CON-3", "the offer was not answered")


@requirement("TMO-6", waits=True)
async def test_a_connection_made_in_time_is_not_failed_by_its_timer(unconnected: UnconnectedPair) -> None:
    """When a later attempt of the same client has timed out, the connection made before it still stands."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    await pair.connect()
    subject, partner = pair
    silent = await pair.testbed.open_signaling_client("mallory")
    with precondition("TMO-2"):
        await subject.attempt_fails(silent.session_id, within=latest(subject))
    await pair.drain()
    for client, other in ((subject, partner), (partner, subject)):
        ended = client.events(ConnectionFailed, other) + client.events(Disconnected, other)
        expect(
            [told.event for told in ended], f"what {client.name} was told against the connection"
        ).is_empty()


@requirement("TMO-7", waits=True)
async def test_the_attempt_after_a_failed_one_succeeds(unconnected: UnconnectedPair) -> None:
    """After an attempt failed on a black link, the next one connects when the link has healed."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    pair.link.cut()
    with precondition("TMO-5"):
        await pair.offerer.attempt_fails(pair.answerer, within=latest(pair.offerer))
    pair.link.heal()
    marks = pair.offerer.mark(), pair.answerer.mark()
    await pair.offerer.connect_to_peer(pair.answerer)
    limit = pair.patience.connect
    await pair.offerer.wait_for(Connected, pair.answerer, within=limit, since=marks[0])
    await pair.answerer.wait_for(Connected, pair.offerer, within=limit, since=marks[1])
    await pair.drain()


@requirement("TMO-8", waits=True)
async def test_the_answerer_is_told_of_the_failure_too(unconnected: UnconnectedPair) -> None:
    """The answerer's side of a connection that does not come about receives ConnectionFailed."""
    pair: PeerPair = await unconnected.attach(SHORT, SHORT)
    pair.link.cut()
    with precondition("TMO-5"):
        await pair.offerer.attempt_fails(pair.answerer, within=latest(pair.offerer))
    await pair.answerer.wait_for(ConnectionFailed, pair.offerer, within=latest(pair.answerer))
