"""Events: which events each application receives, how often, when, and in which order."""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    PeerPair,
    SinglePeer,
    UnconnectedPair,
    both_connect,
    expect,
    expect_consistent_events,
    precondition,
    random_payload,
    requirement,
)

DEFAULT_LATEST = 33.0
"""Seconds after which an attempt has failed even if its configured time-out is ignored (TMO-1)."""

EARLY = 0.5
"""Seconds before its time-out at which the failure of an attempt counts as the time-out (TMO-9)."""


@requirement("EVT-1")
async def test_each_side_is_told_connected(pair: PeerPair) -> None:
    """Each side receives a Connected event that names the session of the other."""
    await both_connect(pair.offerer, pair.answerer)


@requirement("EVT-2")
async def test_connected_is_told_once(connected_pair: PeerPair) -> None:
    """Each side receives Connected exactly once, even after all signals have arrived and data has flowed."""
    await connected_pair.drain()
    for client in connected_pair:
        expect(len(client.events(Connected)), f"times that {client.name} received Connected").equals(1)


@requirement("EVT-3", waits=True, kills=True)
async def test_disconnected_is_told_when_the_peer_closes(connected_pair: PeerPair) -> None:
    """When a peer closes (or ends, if it cannot close), the other receives Disconnected naming it."""
    remaining, leaving = connected_pair
    if "close" in leaving.capabilities:
        await leaving.close()
    else:
        await leaving.kill()
    await remaining.wait_for(Disconnected, leaving, within=connected_pair.patience.consent)


@requirement("EVT-4", slow=True)
async def test_disconnected_is_told_when_the_peer_is_cut_off(connected_pair: PeerPair) -> None:
    """When the link is cut, each side receives Disconnected after ICE consent expires."""
    connected_pair.link.cut()
    limit = connected_pair.patience.consent
    subject, partner = connected_pair
    await subject.wait_for(Disconnected, partner, within=limit)


@requirement("EVT-4", slow=True, kills=True)
async def test_disconnected_is_told_when_the_peer_is_killed(connected_pair: PeerPair) -> None:
    """When a peer is killed, the other receives Disconnected after ICE consent expires."""
    remaining, killed = connected_pair
    await killed.kill()
    await remaining.wait_for(Disconnected, killed, within=connected_pair.patience.consent)


@requirement("EVT-5", waits=True, role="offerer")
async def test_a_failed_attempt_is_told_with_a_reason(single: SinglePeer) -> None:
    """A time-out is reported by ConnectionFailed, naming the peer, with a reason, even if the call fails."""
    client = await single.attach(P2PConfig(connection_timeout_secs=2))
    silent = await single.signaling_client()
    with precondition("TMO-4"):
        failure = await client.attempt_fails(silent.session_id, within=DEFAULT_LATEST)
    if failure.by_call and failure.failed - failure.requested < client.timeout - EARLY:
        return  # Not by the time-out: any other failure may be reported by the call alone.
    failed = await client.wait_for(ConnectionFailed, silent.session_id)
    expect(failed.peer_session_id, "the session that ConnectionFailed names").equals(silent.session_id)
    expect(bool(failed.reason), "ConnectionFailed gives a reason").is_true("it is empty")


@requirement("EVT-5", waits=True)
async def test_a_failed_attempt_next_to_a_connection_names_its_peer(unconnected: UnconnectedPair) -> None:
    """ConnectionFailed names the session that was called, and not that of an existing connection."""
    config = P2PConfig(connection_timeout_secs=3)
    pair = await unconnected.attach(config, config)
    await pair.connect()
    silent = (await pair.testbed.open_signaling_client("mallory")).session_id
    failure = await pair.subject.attempt_fails(silent, within=pair.subject.timeout + 5.0)
    if not failure.by_call:  # A failure that is no time-out may be reported by the call alone.
        expect(failure.peer, "the session that ConnectionFailed names").equals(silent)


@requirement("EVT-6")
async def test_no_direct_data_before_connected(pair: PeerPair) -> None:
    """If its peer sends immediately after Connected, a client receives Connected before direct Data."""
    subject, partner = pair
    payload = random_payload(256)

    async with pair.connecting():
        await partner.wait_for(Connected, subject, within=pair.connect_limit)
        await partner.send_p2p(subject, payload)
    await subject.receives(payload)
    await subject.wait_for(Connected, partner)
    [connected, *_] = subject.events(Connected)
    data = next(each for each in subject.received if isinstance(each.event, Data) and each.event.reliable)
    early = connected.at - data.at
    order = subject.received.index(connected) < subject.received.index(data)
    expect(order, "Connected is received before direct Data").is_true(f"Data came {early:.3f} s before it")


@requirement("EVT-6", waits=True)
async def test_a_failed_attempt_has_one_outcome(unconnected: UnconnectedPair) -> None:
    """An attempt that failed on a cut link causes no second failure and no Connected when the link heals."""
    config = P2PConfig(connection_timeout_secs=1)
    pair = await unconnected.attach(config, config)
    pair.link.cut()
    with precondition("TMO-5"):
        failure = await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + 3.0)
    pair.link.heal()
    # A second attempt, which must fail, is a barrier: when it ends, the first has had its time-out again.
    silent = await pair.testbed.open_signaling_client("mallory")
    with precondition("TMO-2"):
        await pair.offerer.attempt_fails(silent.session_id, within=pair.offerer.timeout + 3.0)
    expect_consistent_events(pair.testbed, pair.offerer, pair.answerer, failure)


@requirement("EVT-7", waits=True)
async def test_an_orderly_close_is_told_at_once(connected_pair: PeerPair) -> None:
    """After an orderly close, the other side receives Disconnected within 2 s."""
    remaining, closing = connected_pair
    await closing.close()
    await remaining.wait_for(Disconnected, closing, within=2.0)


@requirement("EVT-8", waits=True)
async def test_is_peer_connected_agrees_with_the_events(pair: PeerPair) -> None:
    """`is_peer_connected` is false before the connection, true during it, and false after Disconnected."""
    subject, partner = pair
    expect(await subject.is_peer_connected(partner), "is_peer_connected before the attempt").equals(False)
    await pair.connect()
    expect(await subject.is_peer_connected(partner), "is_peer_connected after Connected").equals(True)
    if "close" in partner.capabilities:
        await partner.close()
        await subject.wait_for(Disconnected, partner, within=pair.patience.consent)
        expect(await subject.is_peer_connected(partner), "is_peer_connected after Disconnected").equals(False)


@requirement("EVT-8", waits=True)
async def test_is_peer_connected_is_false_after_its_own_end(connected_pair: PeerPair) -> None:
    """`is_peer_connected` is false after a client has ended the connection, and its peer was told."""
    subject, partner = connected_pair
    subject.needs("is_peer_connected")
    await subject.disconnect_peer(partner)
    with precondition("EVT-3"):
        await partner.wait_for(Disconnected, subject, within=connected_pair.patience.consent)
    expect(await subject.is_peer_connected(partner), "is_peer_connected after the own end").equals(False)


@requirement("EVT-8", waits=True)
async def test_is_peer_connected_is_false_after_a_failure(unconnected: UnconnectedPair) -> None:
    """`is_peer_connected` is false after an attempt has failed."""
    config = P2PConfig(connection_timeout_secs=1)
    pair = await unconnected.attach(config, config)
    pair.subject.needs("is_peer_connected")
    pair.link.cut()
    with precondition("TMO-5"):
        await pair.subject.attempt_fails(pair.partner, within=pair.subject.timeout + 3.0)
    answer = await pair.subject.is_peer_connected(pair.partner)
    expect(answer, "is_peer_connected after the attempt failed").equals(False)
