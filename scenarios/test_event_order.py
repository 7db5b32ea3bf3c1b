"""What an application receives of a connection that is ended: all that was sent before, and nothing after."""

from __future__ import annotations

from clasp_e2e.p2p_types import Data, Disconnected
from clasp_e2e.testbed import (
    Client,
    NotOffered,
    PeerPair,
    both_ends,
    connect_again,
    events_are_in_order,
    expect,
    lasts,
    marks,
    precondition,
    random_payload,
    requirement,
)

AFTERMATH = 3.0
"""Seconds for which late events are awaited."""

CONSENT = 33.0
"""Seconds after which ICE has given up an ended connection that is still checked (RFC 7675: 30 s)."""


async def ends_after_a_burst(pair: PeerPair, closer: Client) -> tuple[list[bytes], bool]:
    """Send, and end the connection at once by `closer`.

    Return what was sent, and whether the peers can connect again.
    """
    other = pair.other(closer)
    single = "disconnect_peer" in closer.capabilities
    since = other.mark()
    payloads = [random_payload(1024) for _ in range(8)]
    with precondition("CON-6"):
        for payload in payloads:
            await closer.send_p2p(other, payload)
    await (closer.disconnect_peer(other) if single else closer.close())
    with precondition("EVT-3"):
        await other.wait_for(Disconnected, closer, within=pair.patience.consent, since=since)
    return payloads, single


async def nothing_follows_the_end(pair: PeerPair, seconds: float) -> None:
    """End the connection, connect again if possible, and check the events of the next `seconds`."""
    subject, partner = pair
    closer = subject if partner.capabilities.isdisjoint({"disconnect_peer", "close"}) else partner
    since = marks(pair)
    payloads, can_again = await ends_after_a_burst(pair, closer)
    if can_again:
        with precondition("CON-13"):
            await connect_again(pair, subject, since)
        await lasts(seconds, *both_ends(pair))
        await pair.drain()
    else:
        since_end = pair.other(closer).mark()
        ended = await pair.other(closer).first_of((Disconnected,), closer, within=seconds, since=since_end)
        expect(ended, "another Disconnected").equals(None)
    for client, other in both_ends(pair):
        events_are_in_order(client, other, own_ends=int(client is closer))
    remaining = pair.other(closer)
    ended = next(n for n, each in enumerate(remaining.received) if isinstance(each.event, Disconnected))
    late = [
        each.event
        for each in remaining.received[ended:]
        if isinstance(each.event, Data) and each.event.data in payloads
    ]
    expect(late, "Data of a connection after its Disconnected").is_empty()


@requirement("EVT-9", waits=True)
async def test_nothing_of_a_connection_follows_its_end(connected_pair: PeerPair) -> None:
    """No Data and no second Disconnected of a connection that was ended arrives, also during the next one."""
    await nothing_follows_the_end(connected_pair, AFTERMATH)


@requirement("EVT-9", slow=True)
async def test_an_ended_connection_is_not_lost_later(connected_pair: PeerPair) -> None:
    """A connection that was ended is not reported as lost when its consent would expire."""
    await nothing_follows_the_end(connected_pair, CONSENT)


LAST_SENDS = 6
"""Reliable sends right before an end, of `LAST_BYTES` each: together less than SCTP's first window of 4,380
bytes (RFC 9260 section 7.2.1), therefore all of them can have been sent when the last call returns."""
LAST_BYTES = 512


async def arrives_before_the_end(pair: PeerPair, sender: Client) -> None:
    """Send and end the connection at once, in each of the ways that `sender` has; what was sent arrives."""
    receiver = pair.other(sender)
    ways = [way for way in ("disconnect_peer", "close") if way in sender.capabilities]
    if not ways:
        raise NotOffered(f"{sender.name} declares neither the capability 'disconnect_peer' nor 'close'")
    for way in ways:
        since = marks(pair)
        payloads = [random_payload(LAST_BYTES) for _ in range(LAST_SENDS)]
        with precondition("CON-6"):
            for payload in payloads:
                await sender.send_p2p(receiver, payload)
        await (sender.close() if way == "close" else sender.disconnect_peer(receiver))
        with precondition("EVT-3"):
            await receiver.wait_for(Disconnected, sender, within=pair.patience.consent, since=since[receiver])
        for payload in payloads:
            await receiver.receives(payload, since=since[receiver])
        if way != ways[-1]:
            with precondition("CON-13"):
                await connect_again(pair, pair.subject, since)


@requirement("SND-15", waits=True)
async def test_what_is_sent_right_before_an_end_arrives(connected_pair: PeerPair) -> None:
    """What the peer sends right before it ends the connection arrives at its partner."""
    await arrives_before_the_end(connected_pair, connected_pair.subject)


@requirement("SND-15", waits=True)
async def test_what_arrives_right_before_an_end_is_received(connected_pair: PeerPair) -> None:
    """What the partner sends right before it ends the connection is received by the application."""
    await arrives_before_the_end(connected_pair, connected_pair.partner)
