"""Sending over a bad network. The peers connect before it turns bad: only sending is judged."""

from __future__ import annotations

from clasp_e2e.testbed import (
    Blocked,
    Impairment,
    PeerPair,
    SelectiveLoss,
    delayed,
    every_nth_lost,
    exchange_under,
    expect,
    judging,
    lost,
    lost_in_bursts,
    reordered,
    requirement,
)


async def expect_reliability(pair: PeerPair, impairment: Impairment, *, sends: int) -> None:
    """Require every reliable send under `impairment` to arrive once and in order, in both directions."""
    flows = await exchange_under(pair, impairment, sends=sends)
    for flow in flows:
        with judging("SND-4"):
            expect(flow.missing, f"sends of {flow.sender.name} that never arrived").none_missing()
            expect(flow.repeated, f"sends of {flow.sender.name} that arrived more than once").equals(0)
    for flow in flows:
        with judging("SND-9"):
            expect(flow.order, f"the order in which {flow.sender.name}'s sends arrived").equals(
                list(range(sends))
            )


@requirement("SND-4", "SND-9", "CON-11", waits=True)
async def test_reliable_sends_under_1_percent_loss(connected_pair: PeerPair) -> None:
    """At 1 % datagram loss, each of 120 reliable sends per direction arrives once and in order."""
    await expect_reliability(connected_pair, every_nth_lost(100), sends=120)


@requirement("SND-4", "SND-9", "CON-11", waits=True)
async def test_reliable_sends_under_10_percent_loss(connected_pair: PeerPair) -> None:
    """At 10 % datagram loss, each of 60 reliable sends per direction arrives once and in order."""
    await expect_reliability(connected_pair, lost(0.1, seed=10), sends=60)


@requirement("SND-4", "SND-9", "CON-11", waits=True)
async def test_reliable_sends_under_30_percent_loss(connected_pair: PeerPair) -> None:
    """At 30 % datagram loss, each of 20 reliable sends per direction arrives once and in order."""
    await expect_reliability(connected_pair, lost(0.3, seed=30), sends=20)


@requirement("SND-4", "SND-9", "CON-11", waits=True)
async def test_reliable_sends_under_bursts_of_loss(connected_pair: PeerPair) -> None:
    """With 10 % of datagrams lost in bursts, 60 reliable sends per direction arrive once and in order."""
    await expect_reliability(connected_pair, lost_in_bursts(0.1, length=5, seed=10), sends=60)


@requirement("SND-4", "SND-9", "CON-11", waits=True)
async def test_reliable_sends_under_reordering(connected_pair: PeerPair) -> None:
    """With 20 % of datagrams reordered, each of 60 reliable sends per direction arrives once and in order."""
    await expect_reliability(connected_pair, reordered(0.2, by=0.03, seed=20), sends=60)


async def expect_no_hold_up_and_no_repetition(pair: PeerPair, *, sends: int, affected: int) -> None:
    """Require unreliable messages not to wait for lost ones, and lost ones not to be retransmitted."""
    messages = SelectiveLoss(pair)
    await messages.send(sends=sends, affected=affected)
    receiver = pair.partner
    if not messages.lost:
        raise Blocked("SND-4", "a reliable message did not arrive, although none was lost yet")
    with judging("SND-7"):
        arrived = await receiver.receives_any(messages.later, within=pair.patience.event)
        expect(arrived, "one or more messages after a lost one arrive").is_true(
            f"none of {len(messages.later)} did"
            if messages.later
            else "a reliable message after it did not arrive, so that none followed"
        )
    with judging("SND-8"):
        reliable = await messages.send_large(reliable=True)
        # This message was lost after them: a retransmission of them would arrive before it.
        await receiver.receives(reliable, within=pair.patience.retransmission)
        await pair.drain()
        repeated = [payload for payload in messages.lost if receiver.events_with(payload)]
        expect(repeated, "unreliable messages that arrived although the link had lost them").is_empty()


@requirement("SND-7", "SND-8", waits=True)
async def test_unreliable_sends_under_1_percent_loss(connected_pair: PeerPair) -> None:
    """Of 100 unreliable messages one is lost: later ones arrive, and the lost one never does."""
    await expect_no_hold_up_and_no_repetition(connected_pair, sends=100, affected=1)


@requirement("SND-7", "SND-8", waits=True)
async def test_unreliable_sends_under_10_percent_loss(connected_pair: PeerPair) -> None:
    """Of 50 unreliable messages five are lost: later ones arrive, and the lost ones never do."""
    await expect_no_hold_up_and_no_repetition(connected_pair, sends=50, affected=5)


@requirement("SND-7", "SND-8", waits=True)
async def test_unreliable_sends_under_30_percent_loss(connected_pair: PeerPair) -> None:
    """Of 30 unreliable messages nine are lost: later ones arrive, and the lost ones never do."""
    await expect_no_hold_up_and_no_repetition(connected_pair, sends=30, affected=9)


@requirement("SND-7", waits=True)
async def test_unreliable_sends_under_reordering(connected_pair: PeerPair) -> None:
    """An unreliable message delayed by 1 s does not hold up the messages sent after it."""
    messages = SelectiveLoss(connected_pair, delayed(1.0))
    await messages.send(sends=10, affected=1)
    receiver = connected_pair.partner
    arrived = await receiver.receives_any(messages.later, within=connected_pair.patience.event)
    expect(arrived, "a message sent after the delayed one arrives").is_true("none did")
    first = next(event.data for event in receiver.data() if event.data in messages.lost + messages.later)
    expect(first in messages.later, "it arrives before the delayed one").is_true("it arrived after it")
