"""Sessions that come and go, stop reading or share a name, and bursts of signals."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from clasp_e2e import wire
from clasp_e2e.testbed import (
    Blocked,
    RouterClients,
    SignalingClient,
    Unmet,
    Unobserved,
    expect,
    judging,
    remark,
    requirement,
    together,
)

BURST = 1000
"""Signals sent in a row: many more than one connection attempt needs."""

EACH = 100
"""Signals in a row of each of several senders."""

FLOOD, PORTION, SIZE = 1800, 450, 8192
"""Signals to a client that does not read, by `PORTION`s, each of `SIZE` bytes."""

PORTION_S = 0.5
"""Seconds between portions of signals: a router may refuse 1000 messages a second, as the public one does."""

PINGS = 8
"""PING messages of a client that otherwise only listens."""

REPEAT_S = 0.2
"""Seconds after which a signal to a session that has gone is repeated."""


async def becomes_unknown(alice: SignalingClient, gone: str, limit: float) -> None:
    """Require that, within `limit` seconds, signals to the session `gone` cause an ERROR to their sender."""
    before = len(alice.received)
    end = asyncio.get_running_loop().time() + limit
    while True:
        await alice.mark(gone, "to-the-departed")
        try:
            await alice.gets(wire.Error, lambda error: error in alice.received[before:], within=REPEAT_S)
        except Unmet as unmet:
            if asyncio.get_running_loop().time() < end:
                continue
            expected = f"signals to a session that has ended to cause an ERROR within {limit:.3g} s"
            raise Unmet(expected, unmet.seen) from None
        return


@requirement("RTR-4", waits=True, own_router=True)
async def test_a_session_that_was_closed_is_unknown(router: RouterClients) -> None:
    """When a client has closed its connection, signals to its session cause an ERROR to their sender."""
    alice, bob, carol = [await router.client(name) for name in ("alice", "bob", "carol")]
    await bob.close()
    await becomes_unknown(alice, bob.session_id, router.patience.event)
    await alice.barrier()
    await carol.barrier()
    expect(carol.ids().count("to-the-departed"), "signals that reached another session").equals(0)


@requirement("RTR-4", waits=True, own_router=True)
async def test_a_session_that_was_reset_is_unknown(router: RouterClients) -> None:
    """When a client's TCP connection was reset, signals to its session cause an ERROR to their sender."""
    alice, bob, carol = [await router.client(name) for name in ("alice", "bob", "carol")]
    await bob.reset()
    await becomes_unknown(alice, bob.session_id, router.patience.event)
    await alice.barrier()
    await carol.barrier()
    expect(carol.ids().count("to-the-departed"), "signals that reached another session").equals(0)


@requirement("RTR-5", own_router=True)
async def test_an_announcement_passes_subscribers_that_have_gone(router: RouterClients) -> None:
    """An announcement reaches its subscribers although others of them have left or were reset."""
    names = ("alice", "bob", "carol", "dave", "erin")
    alice, bob, carol, dave, erin = [await router.client(name) for name in names]
    for client in (dave, bob, erin, carol):
        await client.subscribe(wire.ANNOUNCE_ADDRESS)
    await dave.close()
    await erin.reset()
    await reaches_subscribers(alice, bob, carol)


async def reaches_subscribers(announcer: SignalingClient, *subscribers: SignalingClient) -> None:
    """Require two announcements to reach all `subscribers`.

    A router may notice only by the first that another subscriber has gone.
    """
    for number in range(2):
        features = (f"feature-{number}",)
        announcement = wire.encode_announcement(wire.Announcement(announcer.session_id, features=features))
        await announcer.send(wire.Publish(address=wire.ANNOUNCE_ADDRESS, value=announcement))
        for client in subscribers:
            await client.gets(wire.Publish, lambda message, sent=announcement: message.value == sent)


@requirement("CON-2", "RTR-1")
async def test_clients_of_one_name_have_sessions_of_their_own(router: RouterClients) -> None:
    """Two clients of one name get different session ids and their own signals, also when one leaves."""
    alice, first, second = [await router.client(name) for name in ("alice", "twin", "twin")]
    with judging("CON-2"):
        ids = {client.session_id for client in (alice, first, second)}
        expect(len(ids), "different session ids of three clients, two of one name").equals(3)
    with judging("RTR-1"):
        await alice.mark(first.session_id, "for-the-first")
        await alice.mark(second.session_id, "for-the-second")
        await first.gets_signal(correlation_id="for-the-first")
        await second.gets_signal(correlation_id="for-the-second")
        await first.close()
        await alice.mark(second.session_id, "still-there")
        await second.gets_signal(correlation_id="still-there")


@requirement("RTR-1")
async def test_signals_arrive_after_others_have_left(router: RouterClients) -> None:
    """After clients have come and gone, those before, between and after them exchange signals."""
    early, *leaving = [await router.client(name) for name in ("early", "bob", "carol", "dave")]
    middle = await router.client("middle")
    await leaving[0].close()
    await leaving[1].reset()
    await leaving[2].close()
    present = [early, middle, await router.client("late")]
    for sender in present:
        for target in present:
            await sender.mark(target.session_id, sender.name)
    for target in present:
        for sender in present:
            if sender is not target:  # A router may deliver nothing to its sender.
                await target.gets_signal(correlation_id=sender.name)


@requirement("RTR-11", waits=True, own_router=True)
async def test_a_client_that_stops_reading_holds_up_no_others(router: RouterClients) -> None:
    """While one client reads nothing, others exchange signals, and get announcements like it."""
    alice, bob, carol = [await router.client(name) for name in ("alice", "bob", "carol")]
    sender = await router.unruly_client("erin")
    await bob.subscribe(wire.ANNOUNCE_ADDRESS)
    stalled = await router.client_that_stops_reading("stalled")
    flooder = await router.client_that_stops_reading("flooder")
    await carol.subscribe(wire.ANNOUNCE_ADDRESS)
    limit = router.patience.event
    for _ in range(0, FLOOD, PORTION):
        try:
            async with asyncio.timeout(limit):
                await flooder.flood(stalled.session_id, PORTION, SIZE)
        except TimeoutError:  # The router reads no more from it, which is its way to limit a flood.
            break
        await asyncio.sleep(PORTION_S)
    await bob.mark(carol.session_id, "of-others")
    await carol.gets_signal(correlation_id="of-others")
    # The router may have ended the stalled session, and end one that signals to none.
    with suppress(Blocked, Unobserved):
        await sender.mark(stalled.session_id, "to-the-stalled")
        await sender.mark(carol.session_id, "of-a-sender")
    try:
        await carol.gets_signal(correlation_id="of-a-sender")
    except Unmet:
        if not sender.has_ended:
            raise
    newcomer = await router.client("dave")
    await newcomer.mark(carol.session_id, "of-a-newcomer")
    await carol.gets_signal(correlation_id="of-a-newcomer")
    # One subscribed before the stalled client, and one after it.
    await reaches_subscribers(alice, bob, carol)


@requirement("RTR-1", "RTR-3", "RTR-10", waits=True, own_router=True)
async def test_a_burst_arrives_or_is_refused(router: RouterClients) -> None:
    """Of 1000 signals in a row none is lost, unless the sender gets an ERROR or its session is ended."""
    alice, bob = await router.unruly_client("alice"), await router.client("bob")
    await expect_burst(bob, alice, BURST)


@requirement("RTR-1", "RTR-3", "RTR-10", waits=True, own_router=True)
async def test_bursts_of_several_senders_arrive_or_are_refused(router: RouterClients) -> None:
    """Of 100 signals in a row of each of four senders none is lost, unless its sender receives an ERROR."""
    bob = await router.client("bob")
    senders = [await router.unruly_client(name) for name in ("alice", "carol", "dave", "erin")]
    await together(*(expect_burst(bob, sender, EACH) for sender in senders))


@requirement("RTR-1", "RTR-3", "RTR-10", extended=True, own_router=True, heavy=True)
async def test_thousands_of_signals_arrive(router: RouterClients) -> None:
    """Thousands of signals of one session to another, at a rate that routers allow, arrive in order."""
    alice, bob = await router.unruly_client("alice"), await router.client("bob")
    await expect_burst(bob, alice, 2 * router.patience.many, pause=PORTION_S)


@requirement("RTR-12", extended=True, own_router=True)
async def test_a_session_that_only_listens_stays_reachable(router: RouterClients) -> None:
    """A client that says nothing for minutes, or only PING, gets its signals, or its session is ended."""
    _, carol = listeners = [await router.unruly_client(name) for name in ("bob", "carol")]
    for _ in range(PINGS):
        await asyncio.sleep(router.patience.idle / PINGS)
        with suppress(Unobserved):
            await carol.send(wire.Ping())
    alice = await router.client("alice")
    for listener in listeners:
        if listener.has_ended:
            remark(f"the router has ended the idle session of {listener.name}")
            continue
        await alice.mark(listener.session_id, "after-the-silence")
        await listener.gets_signal(correlation_id="after-the-silence")


async def expect_burst(
    receiver: SignalingClient, sender: SignalingClient, count: int, *, pause: float = 0
) -> None:
    """Require `count` signals to arrive in order and once each; those that the router refuses may be lost.

    `pause`: seconds between portions.
    """
    sent = [f"{sender.name}-{number}" for number in range(count)]
    try:
        for number, correlation_id in enumerate(sent):
            await sender.candidate(receiver.session_id, correlation_id)
            if number % 50 == 0:  # Sending alone does not let other tasks run.
                await asyncio.sleep(0 if number % PORTION else pause)
        await sender.mark(receiver.session_id, "end")
        await sender.barrier()
    except (Blocked, Unobserved):  # The router has ended the session, or refuses the barrier too.
        pass
    arrived = await receiver.gets_all(sent, unless=lambda: sender.is_refused)
    lost = len(set(sent).difference(arrived))
    with judging("RTR-1"):
        if lost and not sender.is_refused:
            raise Unmet(
                f"each of {count} signals to arrive, or an ERROR or the end of the session for {sender.name}",
                f"{lost} of them were lost, and {sender.name} was told nothing",
            )
    if lost:
        how = "its session was ended" if sender.has_ended else "it got an ERROR"
        remark(f"{lost} of {count} signals in a row of {sender.name} were lost: {how}")
    with judging("RTR-3"):
        came = set(arrived)
        in_order = [each for each in sent if each in came]
        expect(list(dict.fromkeys(arrived)) == in_order, "signals arrive in the order sent").is_true()
    with judging("RTR-10"):
        repeated = [each for each, times in Counter(arrived).items() if times > 1]
        expect(repeated, "signals that arrived more than once").is_empty()
