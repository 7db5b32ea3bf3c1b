"""The connection time-out: when an attempt fails, and what follows."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig, SendResult
from clasp_e2e.testbed import (
    Blocked,
    Client,
    Failure,
    PeerPair,
    Refused,
    SinglePeer,
    UnconnectedPair,
    both_connect,
    expect,
    in_use,
    judging,
    lasts,
    precondition,
    random_payload,
    requirement,
    together,
)

EARLY, LATE = 0.5, 3.0
"""Seconds by which an attempt may fail before (TMO-9) and after its time-out (TMO-1: up to 33 s)."""

SHORT = P2PConfig(connection_timeout_secs=1)
"""For attempts that must fail."""

APART = 1.5
"""Seconds between the beginnings of two attempts whose time-outs must not be mixed up."""

TRICKLE_S = 0.3
"""Seconds between candidates that keep arriving."""

AMPLE = P2PConfig(connection_timeout_secs=5)
"""For connections that must be established in time on a busy machine, and attempts that time out soon."""


def latest(client: Client) -> float:
    """Return the seconds from the request within which an attempt must fail, with a margin to observe it."""
    return client.timeout + LATE + 2.0


async def fails_after(
    seconds: float,
    single: SinglePeer,
    client: Client,
    judged: str,
    silent_name: str = "mallory",
    *,
    is_only_attempt: bool = True,
) -> None:
    """Require an unanswered attempt to fail not later than `seconds` (`judged`), and not earlier (TMO-9).

    An implementation may start its timer with the request or with the offer, which leaves later, in
    particular on a busy machine. Each bound is measured from the start that gives more tolerance.
    """
    silent = await single.signaling_client(silent_name)
    failure: Failure = await client.attempt_fails(
        silent.session_id, within=max(client.timeout, 30) + LATE + 2
    )
    if not (is_only_attempt or failure.by_call or failure.peer == silent.session_id):
        raise Blocked("EVT-5", f"ConnectionFailed names {failure.peer}, which is neither attempt's session")
    signals = [at for at in client.published_at if at >= failure.requested]
    of_request = failure.failed - failure.requested
    of_offer = failure.failed - max([failure.requested, *signals[:1]])
    with judging(judged):
        expect(of_offer, "seconds from the offer until the attempt failed").at_most(seconds + LATE)
    with judging("TMO-9"):
        expect(of_request, "seconds from the request until the attempt failed").at_least(seconds - EARLY)


@requirement("TMO-1", "TMO-9", slow=True)
async def test_the_default_time_out_is_30_seconds(single: SinglePeer) -> None:
    """Without a configured time-out, an unanswered attempt fails after 29.5 s to 33 s."""
    await fails_after(30, single, await single.attach(P2PConfig()), "TMO-1")


@requirement("TMO-2", "TMO-9", waits=True)
async def test_a_configured_time_out_is_kept(single: SinglePeer) -> None:
    """With a configured time-out of 2 s, an unanswered attempt fails after 1.5 s to 5 s."""
    await fails_after(2, single, await single.attach(P2PConfig(connection_timeout_secs=2)), "TMO-2")


@requirement("TMO-2", "TMO-9", waits=True)
async def test_retries_do_not_extend_the_time_out(single: SinglePeer) -> None:
    """With `max_retries` 3 and a time-out of 2 s, an unanswered attempt fails after 1.5 s to 5 s."""
    client = await single.attach(P2PConfig(connection_timeout_secs=2, max_retries=3))
    await fails_after(2, single, client, "TMO-2")


@requirement("TMO-2", "TMO-9", waits=True)
async def test_attempts_at_once_keep_their_own_time_out(single: SinglePeer) -> None:
    """Of two unanswered attempts, the second begun 1.5 s later, each fails after its own time-out of 2 s."""
    client = await single.attach(P2PConfig(connection_timeout_secs=2))

    async def fails_later() -> None:
        await asyncio.sleep(APART)
        await fails_after(2, single, client, "TMO-2", "trudy", is_only_attempt=False)

    first = fails_after(2, single, client, "TMO-2", is_only_attempt=False)
    await together(first, fails_later())


@requirement("TMO-4", waits=True)
async def test_attempts_that_fail_at_once_are_both_told(single: SinglePeer) -> None:
    """Of two unanswered attempts that begin at once, each leads to a ConnectionFailed that names its peer."""
    client = await single.attach(P2PConfig(connection_timeout_secs=2))
    silent = [await single.signaling_client(name) for name in ("mallory", "trudy")]
    await together(*(client.attempt_fails(each.session_id, within=latest(client)) for each in silent))


@requirement("TMO-2", waits=True)
async def test_signals_do_not_extend_the_time_out(single: SinglePeer) -> None:
    """With a time-out of 2 s, an attempt fails after 5 s at most, although candidates keep arriving."""
    client = await single.attach(P2PConfig(connection_timeout_secs=2))
    silent = await single.signaling_client()

    async def trickles_on() -> None:
        offer = await silent.gets_signal(kind="offer", within=client.attempt_limit)
        while True:
            await silent.candidate(client.session_id, str(offer.get("correlation_id")))
            await asyncio.sleep(TRICKLE_S)

    trickling = asyncio.create_task(trickles_on())
    try:
        failure = await client.attempt_fails(silent.session_id, within=client.timeout + LATE + 2)
    finally:
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)
    signals = [at for at in client.published_at if at >= failure.requested]
    took = failure.failed - max([failure.requested, *signals[:1]])
    expect(took, "seconds from the offer until the attempt failed").at_most(client.timeout + LATE)


@requirement("CON-17", waits=True)
async def test_a_call_to_the_own_session_has_an_outcome(unconnected: UnconnectedPair) -> None:
    """A call or a send to the client's own session has an outcome in time, and costs it no connection."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    await pair.connect()
    subject = pair.subject
    for own in (subject.session_id, ""):
        since = subject.mark()
        limit = subject.timeout + LATE + 2
        try:
            await subject.connect_to_peer(own, within=limit)
        except Refused:
            continue
        kinds = (Connected, ConnectionFailed)
        event = await subject.first_of(kinds, own, within=limit, since=since)
        expect(event is not None, "the call to fail, or an event with its outcome").is_true("neither came")
    for own in (subject.session_id, ""):
        with suppress(Refused):
            if await subject.send_p2p(own, payload := random_payload(64)) is SendResult.P2P:
                await subject.receives(payload)
    await lasts(0.5, (subject, pair.partner), since_connected=True)
    await pair.exchange()


@requirement("TMO-3", waits=True)
async def test_an_attempt_to_nobody_fails(single: SinglePeer) -> None:
    """An attempt to connect to an unknown session fails, by the call or by its time-out."""
    client = await single.attach(SHORT)
    await client.attempt_fails("nonexistent-session-12345", within=client.timeout + LATE)


@requirement("TMO-4", waits=True)
async def test_an_offer_that_nobody_answers_fails(single: SinglePeer) -> None:
    """Two attempts in a row that are never answered fail, at the latest by the default time-out."""
    client = await single.attach(SHORT)
    silent = await single.signaling_client()
    for _ in range(2):
        await client.attempt_fails(silent.session_id, within=30 + LATE)


@requirement("TMO-5", waits=True)
async def test_an_attempt_without_a_path_fails(unconnected: UnconnectedPair) -> None:
    """An attempt that is answered but has no path fails, at the latest by its time-out."""
    pair = await unconnected.attach(AMPLE, AMPLE)  # Long enough for the answer on a busy machine.
    pair.link.cut()
    await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + LATE)
    if not any(attempt.answer for attempt in pair.attempts):
        raise Blocked("CON-3", "the offer was not answered")


@requirement("TMO-6", waits=True)
async def test_a_connection_made_in_time_is_not_failed_by_its_timer(unconnected: UnconnectedPair) -> None:
    """A connection survives when a later attempt of the same client times out."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    await pair.connect()
    subject, partner = pair
    silent = await pair.testbed.open_signaling_client("mallory")
    async with in_use(pair):
        with precondition("TMO-2"):
            await subject.attempt_fails(silent.session_id, within=latest(subject))
    await pair.drain()
    for client, other in ((subject, partner), (partner, subject)):
        ended = client.events(ConnectionFailed, other) + client.events(Disconnected, other)
        expect(
            [each.event for each in ended], f"failures that {client.name} received for the connection"
        ).is_empty()


@requirement("TMO-7", waits=True)
async def test_the_attempt_after_a_failed_one_succeeds(unconnected: UnconnectedPair) -> None:
    """After an attempt fails on a cut link, the next one connects when the link has healed."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    pair.link.cut()
    since = pair.answerer.mark()
    with precondition("TMO-5"):
        await pair.offerer.attempt_fails(pair.answerer, within=latest(pair.offerer))
    # The answerer's attempt ends later, whether or not it says so (TMO-8).
    limit = pair.answerer.timeout + LATE
    await pair.answerer.first_of((ConnectionFailed,), pair.offerer, within=limit, since=since)
    pair.link.heal()
    await both_connect(pair.offerer, pair.answerer)
    await pair.drain()


@requirement("TMO-8", "EVT-5", waits=True)
async def test_the_answerer_is_told_of_the_failure_too(unconnected: UnconnectedPair) -> None:
    """The answerer receives ConnectionFailed, naming the offerer, when an attempt does not succeed."""
    pair: PeerPair = await unconnected.attach(SHORT, SHORT)
    pair.link.cut()
    with precondition("TMO-5"):
        await pair.offerer.attempt_fails(pair.answerer, within=latest(pair.offerer))
    with judging("TMO-8"):
        limit = latest(pair.answerer)
        failed = await pair.answerer.wait_for(ConnectionFailed, pair.offerer, within=limit)
    with judging("EVT-5"):
        named = "the session that ConnectionFailed names"
        expect(failed.peer_session_id, named).equals(pair.offerer.session_id)
        expect(bool(failed.reason), "ConnectionFailed gives a reason").is_true("it is empty")
