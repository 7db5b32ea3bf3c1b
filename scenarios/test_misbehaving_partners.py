"""Misbehaving partners: a peer must still serve its application and other peers."""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    Blocked,
    Nat,
    PeerPair,
    Refused,
    UnconnectedPair,
    Unmet,
    all_has_come_or_is_lost,
    carries_data_directly,
    connects,
    expect,
    holds_sdp,
    partners,
    precondition,
    prompt_partner,
    random_payload,
    requirement,
    subject_still_works,
    until_described,
)

LATE = 3.0
"""Seconds by which a time-out may be exceeded (TMO-1: 33 s)."""

SHORT = P2PConfig(connection_timeout_secs=1)
"""For attempts that must fail."""


# Signals: for unknown attempts, out of order, malformed, trickled.


@requirement("SIG-3", opposite=partners.NamesAnotherAttempt)
async def test_signals_of_an_unknown_attempt_disturb_nothing(pair: PeerPair) -> None:
    """An answer, a candidate and a disconnected for an unknown attempt do not prevent the connection."""
    await connects(pair)


@requirement("SIG-6", opposite=partners.MumblesFirst)
async def test_malformed_signals_of_the_partner_are_ignored(pair: PeerPair) -> None:
    """Offers or answers without a usable SDP and malformed candidates do not prevent the connection."""
    await connects(pair)


@requirement("SIG-6", opposite=partners.AnswersTwice, role="offerer")
async def test_an_answer_that_comes_twice_is_used_once(pair: PeerPair) -> None:
    """The peers connect although the partner sends its answer twice."""
    await connects(pair)


@requirement("SIG-6", opposite=partners.OffersTwice, role="answerer")
async def test_an_offer_that_comes_twice_is_used_once(pair: PeerPair) -> None:
    """The peers connect although the partner sends its offer twice."""
    await connects(pair)


@requirement("SIG-6", opposite=partners.SaysConnectedTooEarly)
async def test_connected_before_any_channel_stands_is_no_hindrance(pair: PeerPair) -> None:
    """The peers connect although the partner sends `connected` along with its offer or answer."""
    await connects(pair)


def let_nothing_in_unasked(pair: PeerPair) -> None:
    """Put the subject behind a NAT: without checks of the partner's candidates, there is no connection.

    Otherwise the partner's own checks would connect a subject that uses no candidate.
    """
    pair.link.put_behind(Nat.RESTRICTED, pair.side(pair.subject))


@requirement("ICE-4", opposite=partners.Trickles)
async def test_candidates_that_come_one_by_one_are_used(pair: PeerPair) -> None:
    """The peers connect although the partner's SDP has no candidates and each arrives in its own signal."""
    let_nothing_in_unasked(pair)
    await connects(pair)


@requirement("ICE-4", opposite=partners.TricklesEarlyToo)
async def test_candidates_of_a_partner_that_come_early_do_no_harm(pair: PeerPair) -> None:
    """The peers connect although the partner's candidates arrive before its SDP, and again after it."""
    let_nothing_in_unasked(pair)
    await connects(pair)


@requirement("ICE-4", opposite=partners.TricklesTwice)
async def test_candidates_that_come_twice_do_no_harm(pair: PeerPair) -> None:
    """The peers connect although each of the partner's candidates arrives twice."""
    let_nothing_in_unasked(pair)
    await connects(pair)


@requirement("ICE-4", opposite=partners.TricklesLate)
async def test_candidates_that_come_late_do_no_harm(connected_pair: PeerPair) -> None:
    """The connection keeps carrying data after the partner repeats its candidates."""
    await prompt_partner(connected_pair)
    await all_has_come_or_is_lost(connected_pair)
    await carries_data_directly(connected_pair)


# A `connected` signal or a late answer does not make a connection.


@requirement("TMO-5", waits=True, opposite=partners.SaysConnectedTooEarly)
async def test_saying_connected_makes_no_connection(unconnected: UnconnectedPair) -> None:
    """The attempt fails by its time-out if there is no path, although the partner sends `connected`."""
    pair = await unconnected.attach(SHORT, SHORT)
    pair.link.cut()
    await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + LATE)
    if not any(attempt.answer for attempt in pair.attempts):
        raise Blocked("CON-3", "the offer was not answered")


@requirement("TMO-8", waits=True, opposite=partners.SaysConnectedTooEarly)
async def test_saying_connected_makes_no_connection_for_the_answerer(unconnected: UnconnectedPair) -> None:
    """The answerer receives ConnectionFailed if there is no path, although the offerer sends `connected`."""
    pair = await unconnected.attach(SHORT, SHORT)
    pair.link.cut()
    with precondition("TMO-5"):
        await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + LATE)
    await pair.answerer.wait_for(ConnectionFailed, pair.offerer, within=pair.answerer.timeout + LATE)


@requirement("EVT-6", waits=True, role="offerer")
async def test_an_answer_after_the_time_out_is_too_late(unconnected: UnconnectedPair) -> None:
    """An answer that arrives after the attempt has failed does not lead to Connected."""
    pair = await unconnected.attach(offerer=SHORT)
    offerer, answerer = pair.offerer, pair.answerer
    answerer.leg.pause("up")
    try:
        with precondition("TMO-4"):
            await offerer.attempt_fails(answerer, within=offerer.timeout + LATE)
    finally:
        answerer.leg.resume("up")
    await until_described(pair, answerer, "answer", delivered=False)
    await pair.testbed.until_delivered(offerer, holds_sdp, "the answer")
    # Another attempt, which must fail, is a barrier: when it ends, the late answer has been processed.
    silent = await pair.testbed.open_signaling_client("mallory")
    with precondition("TMO-2"):
        await offerer.attempt_fails(silent.session_id, within=offerer.timeout + LATE)
    connected = [entry.event for entry in offerer.events(Connected, answerer)]
    expect(connected, "Connected events after ConnectionFailed").is_empty()


# Partly closed connections.


@requirement("DIR-2", opposite=partners.LeavesTheRouter)
async def test_direct_data_flows_after_the_partner_left_the_router(connected_pair: PeerPair) -> None:
    """After the partner leaves the router, reliable messages still arrive directly in both directions."""
    await prompt_partner(connected_pair)
    await connected_pair.partner.has_left_the_router()
    for _ in range(2):
        for sender, receiver in (tuple(connected_pair), tuple(connected_pair)[::-1]):
            payload = random_payload()
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload)


@requirement("EVT-3", opposite=partners.ClosesWithoutASignal)
async def test_disconnected_is_told_of_a_close_without_a_signal(connected_pair: PeerPair) -> None:
    """When the partner closes its channels without a signal, a client receives Disconnected."""
    subject, partner = connected_pair
    await partner.disconnect_peer(subject)
    await subject.wait_for(Disconnected, partner, within=connected_pair.patience.consent)


@requirement("SEC-3", opposite=partners.ClosesOneChannel)
async def test_nothing_is_lost_in_silence_when_one_channel_is_closed(connected_pair: PeerPair) -> None:
    """If the partner closes its unreliable channel, a reliable send arrives or its sender learns of it."""
    subject, partner = connected_pair
    await prompt_partner(connected_pair)
    payload = random_payload(64)
    try:
        await subject.send_p2p(partner, payload)
        await partner.receives(payload)
    except Refused:
        pass
    except Unmet:
        if not subject.events(Disconnected, partner):
            raise
    await subject_still_works(connected_pair)


# Channels in another order, and additional channels.


@requirement("SIG-7", opposite=partners.OpensChannelsTheOtherWayRound, role="answerer")
async def test_channels_are_known_by_their_labels(connected_pair: PeerPair) -> None:
    """If the partner opens the reliable channel first, Data still reports each message's reliability."""
    subject, partner = connected_pair
    for reliable in (True, False):
        payload = random_payload(64)
        await partner.send_p2p(subject, payload, reliable=reliable)
        kind = "reliable" if reliable else "unreliable"
        received = (await subject.receives(payload)).reliable
        expect(received, f"the reliable flag of Data from the {kind} channel").equals(reliable)


@requirement("SIG-7", opposite=partners.OpensAnotherChannel)
async def test_a_channel_of_another_label_does_no_harm(connected_pair: PeerPair) -> None:
    """The connection keeps carrying data after the partner opens a third channel and sends on it."""
    await prompt_partner(connected_pair)
    await carries_data_directly(connected_pair)


# Floods and oversized messages.


@requirement("SEC-3", opposite=partners.FloodsWithSignals)
async def test_a_flood_of_signals_is_survived(connected_pair: PeerPair) -> None:
    """After the partner sends 300 signals at once, a client can still connect to others."""
    await prompt_partner(connected_pair)
    await all_has_come_or_is_lost(connected_pair)
    await subject_still_works(connected_pair)


@requirement("SEC-3", opposite=partners.FloodsWithData)
async def test_a_flood_of_data_is_survived(connected_pair: PeerPair) -> None:
    """After the partner sends 300 messages at once, a client can still connect to others."""
    await prompt_partner(connected_pair)
    await all_has_come_or_is_lost(connected_pair)
    await subject_still_works(connected_pair)


@requirement("SEC-3", opposite=partners.SendsTooMuchAtOnce)
async def test_a_message_that_is_too_large_is_survived(connected_pair: PeerPair) -> None:
    """After the partner sends a message of 300000 bytes, a client can still connect to others."""
    await prompt_partner(connected_pair)
    await all_has_come_or_is_lost(connected_pair)
    await subject_still_works(connected_pair)
