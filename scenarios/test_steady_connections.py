"""Connections that nobody ends: they last, whatever else their clients do, and however long they are idle."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    AttemptStage,
    Client,
    PeerPair,
    Refused,
    StagedAttempt,
    UnconnectedPair,
    both_connect,
    both_ends,
    carries_data_directly,
    events_are_in_order,
    expect,
    judging,
    lasts,
    precondition,
    random_payload,
    requirement,
    send_in_turn,
    together,
)

LATE = 3.0
"""Seconds by which a time-out may be exceeded (TMO-1)."""

AMPLE = P2PConfig(connection_timeout_secs=4)
"""Long enough to connect on a busy machine, and short enough to be idle for longer."""

BLACKOUT = 8.0
"""Seconds: longer than ICE stacks wait before they report `disconnected` (5), far below consent (30)."""


@requirement("CON-11", waits=True)
async def test_an_idle_connection_outlasts_a_configured_time_out(unconnected: UnconnectedPair) -> None:
    """A connection that is idle for longer than its configured time-out lasts, and carries data."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    await pair.connect()
    await lasts(pair.subject.timeout + LATE, *both_ends(pair))
    await carries_data_directly(pair)


@requirement("CON-11", slow=True)
async def test_connections_outlast_the_default_time_out(unconnected: UnconnectedPair) -> None:
    """Of two connections, one is idle for longer than 30 s, and one carries data each second; both last."""
    two = await Two.connected(unconnected)
    subject, third = two.subject, two.third
    ends = (*both_ends(two.pair), (subject, third), (third, subject))
    for _ in range(int(subject.timeout + LATE)):
        await lasts(1.0, *ends, since_connected=True)
        await two.carries_data(third)
    await carries_data_directly(two.pair)


@requirement("CON-11", waits=True)
async def test_a_connection_lasts_through_a_short_black_out(connected_pair: PeerPair) -> None:
    """A connection whose link delivers nothing for 8 s lasts, and carries data when the link has healed."""
    connected_pair.link.cut()
    await lasts(BLACKOUT, *both_ends(connected_pair))
    connected_pair.link.heal()
    await carries_data_directly(connected_pair)
    await lasts(0.5, *both_ends(connected_pair))


# Two connections of one client, of which one ends.


class Two:
    """The subject with two connections: to the partner, made first, and to a third client."""

    def __init__(self, pair: PeerPair, third: Client) -> None:
        self.pair = pair
        self.subject = pair.subject
        self.partner = pair.partner
        self.third = third

    @classmethod
    async def connected(cls, unconnected: UnconnectedPair) -> Two:
        """Attach all three, and connect them."""
        pair = await unconnected.attach()
        await pair.connect()
        third = await unconnected.attach_another_partner()
        two = cls(pair, third)
        subject_offers = pair.subject is pair.offerer
        caller, called = (pair.subject, third) if subject_offers else (third, pair.subject)
        with precondition("CON-10"):
            await both_connect(caller, called)
            await two.carries_data(third)
        return two

    async def carries_data(self, other: Client) -> None:
        """Require a payload to arrive in each direction between the subject and `other`."""
        for sender, receiver in ((self.subject, other), (other, self.subject)):
            payload = random_payload(512)
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload)

    async def only_one_ends(self, ended: Client, lasting: Client, *, reported_by: str = "EVT-3") -> None:
        """Wait until the subject receives the end of one connection; require the event to name `ended`.

        Require the connection to `lasting` to last. `reported_by` is the requirement of the event.
        """
        with precondition(reported_by):
            event = await self.subject.wait_for(Disconnected, within=self.pair.patience.consent)
        with judging("EVT-10"):
            expect(event.peer_session_id, "the peer that Disconnected names").equals(ended.session_id)
        with judging("CON-11"):
            ends = (self.subject, lasting), (lasting, self.subject)
            await lasts(0.5, *ends, since_connected=True)
            await self.carries_data(lasting)


async def leaves(client: Client, other: Client) -> None:
    """End the connection of `client` and `other` by the client's own call: `disconnect_peer`, or `close`."""
    if "disconnect_peer" in client.capabilities:
        await client.disconnect_peer(other)
    else:
        await client.close()


@requirement("CON-11", "EVT-10")
async def test_the_later_of_two_connections_is_closed(unconnected: UnconnectedPair) -> None:
    """When the client that was connected last leaves, the other connection lasts; the event names it."""
    two = await Two.connected(unconnected)
    await leaves(two.third, two.subject)
    await two.only_one_ends(two.third, two.partner)


@requirement("CON-11", "EVT-10")
async def test_the_earlier_of_two_connections_is_closed(unconnected: UnconnectedPair) -> None:
    """When the client that was connected first leaves, the other connection lasts; the event names it."""
    two = await Two.connected(unconnected)
    await leaves(two.partner, two.subject)
    await two.only_one_ends(two.partner, two.third)


@requirement("CON-11", "EVT-10", slow=True)
async def test_one_of_two_connections_is_lost(unconnected: UnconnectedPair) -> None:
    """When the link to one client is cut for good, the connection to the other lasts."""
    two = await Two.connected(unconnected)
    two.pair.link.cut()
    await two.only_one_ends(two.partner, two.third, reported_by="EVT-4")


@requirement("EVT-3")
async def test_two_connections_end_at_once(unconnected: UnconnectedPair) -> None:
    """When both clients that a client is connected to leave at once, it receives Disconnected for each."""
    two = await Two.connected(unconnected)
    await together(*(leaves(other, two.subject) for other in (two.partner, two.third)))
    for other in (two.partner, two.third):
        await two.subject.wait_for(Disconnected, other, within=two.pair.patience.consent)


@requirement("EVT-7", waits=True)
async def test_an_orderly_close_is_told_to_each_peer(unconnected: UnconnectedPair) -> None:
    """After an orderly close, each of two clients that were connected receives Disconnected within 2 s."""
    two = await Two.connected(unconnected)
    await two.subject.close()
    others = (two.partner, two.third)
    await together(*(other.wait_for(Disconnected, two.subject, within=2.0) for other in others))


@requirement("CON-11")
async def test_ending_no_connection_ends_no_other(connected_pair: PeerPair) -> None:
    """`disconnect_peer` for a session that is not connected costs a client no connection."""
    subject, partner = connected_pair
    with suppress(Refused):
        await subject.disconnect_peer("nonexistent-session-12345")
    await lasts(0.5, (subject, partner), (partner, subject), since_connected=True)
    await connected_pair.exchange()


# A repeated call.


@requirement("CON-9")
async def test_what_is_in_transit_survives_a_second_call(connected_pair: PeerPair) -> None:
    """Reliable messages that are sent before, during and after a second call arrive, once and in order."""
    subject, partner = connected_pair
    payloads = [random_payload(4096) for _ in range(30)]
    second_call = len(payloads) // 2
    for number, payload in enumerate(payloads):
        if number == second_call:
            await call(subject, partner)
        await send_in_turn(connected_pair, subject, [payload])
    if partner.events(Disconnected, subject) or subject.events(Disconnected, partner):
        return  # A new connection replaced the old one, and both applications know it.
    limit = connected_pair.patience.retransmission
    await partner.receives_all(payloads, within=limit)
    arrived = [event.data for event in partner.data() if event.data in payloads]
    lost = [number for number, payload in enumerate(payloads, 1) if payload not in arrived]
    expect(
        lost, f"numbers of messages that were lost, with the second call after number {second_call}"
    ).equals([])
    expect(len(arrived), f"messages that arrived, of {len(payloads)}").equals(len(payloads))


async def call(caller: Client, called: Client) -> bool:
    """Call `connect_to_peer`; return whether it was not refused."""
    try:
        await caller.connect_to_peer(called)
    except Refused:
        return False
    return True


async def call_twice(pair: PeerPair, stage: AttemptStage) -> None:
    """Repeat the call when the attempt has reached `stage`; require one connection that lasts."""
    offerer, answerer = pair.offerer, pair.answerer
    limit = pair.connect_limit
    async with StagedAttempt(pair, stage, within=max(limit, offerer.timeout + LATE)) as attempt:
        second = asyncio.create_task(call(offerer, answerer))
        try:
            # Calls to one peer start in the order of arrival (driver protocol).
            await offerer.p2p_routing_mode()
            pair.link.heal()
            failure = await attempt.ended()
            if failure is not None:
                accepted = failure.by_call and await second
                expect(accepted, "one of the two calls leads to a connection").is_true(
                    f"the attempt failed: {failure.reason}"
                )
        finally:
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
    for client, other in both_ends(pair):
        await client.wait_for(Connected, other, within=limit)
    await pair.signals_arrive()
    await pair.exchange()
    await lasts(offerer.timeout + LATE, *both_ends(pair))
    await pair.exchange()
    for client, other in both_ends(pair):
        events_are_in_order(client, other)
        failures = client.events(ConnectionFailed, other)
        expect([each.event for each in failures], f"failures that {client.name} received").is_empty()


@requirement("CON-12", waits=True)
async def test_a_call_is_repeated_before_the_answer(unconnected: UnconnectedPair) -> None:
    """A second call while the first waits for its answer leads to one connection, which lasts."""
    await call_twice(await unconnected.attach(AMPLE, AMPLE), AttemptStage.OFFER_DELIVERED)


@requirement("CON-12", waits=True)
async def test_a_call_is_repeated_while_the_two_look_for_a_path(unconnected: UnconnectedPair) -> None:
    """A second call after the answer, before ICE finds a path, leads to one connection, which lasts."""
    pair = await unconnected.attach(AMPLE, AMPLE)
    pair.link.cut()
    await call_twice(pair, AttemptStage.ANSWER_DELIVERED)
