"""Glare: both peers call each other at once, and signaling delivers their offers in every order.

The implementation chooses which offer wins. The scenarios require the result: one connection that carries
data both ways, and events that agree with it.
"""

from __future__ import annotations

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    PeerPair,
    UnconnectedPair,
    call_behind_an_offer,
    closers,
    connect_again,
    end_connection,
    expect,
    glare,
    judging,
    marks,
    precondition,
    requirement,
    together,
    works_like_the_first,
)

STATES = (Connected, Disconnected, ConnectionFailed)


async def expect_one_usable_connection(pair: PeerPair) -> None:
    """Require Connected on both sides, direct data both ways, and no later state event than Connected."""
    for client, other in ((pair.offerer, pair.answerer), (pair.answerer, pair.offerer)):
        await client.wait_for(Connected, other, within=pair.connect_limit)
    await pair.signals_arrive()
    await pair.exchange()
    for client in pair:
        last = next(each.event for each in reversed(client.received) if isinstance(each.event, STATES))
        expect(type(last).__name__, f"the last state event that {client.name} received").equals("Connected")


@requirement("CON-8", waits=True)
async def test_the_offer_of_the_first_arrives_first(pair: PeerPair) -> None:
    """Both offers are sent; the offerer's is processed before the answerer's is delivered."""
    async with glare(pair) as crossing:
        await crossing.deliver_offer_of(pair.offerer)
        await crossing.deliver_offer_of(pair.answerer)
    await expect_one_usable_connection(pair)


@requirement("CON-8", waits=True)
async def test_the_offer_of_the_second_arrives_first(pair: PeerPair) -> None:
    """Both offers are sent; the answerer's is processed before the offerer's is delivered."""
    async with glare(pair) as crossing:
        await crossing.deliver_offer_of(pair.answerer)
        await crossing.deliver_offer_of(pair.offerer)
    await expect_one_usable_connection(pair)


@requirement("CON-8", waits=True)
async def test_both_offers_arrive_at_once(pair: PeerPair) -> None:
    """Both offers are sent, and are delivered at the same time."""
    async with glare(pair) as crossing:
        crossing.deliver_both_offers()
    await expect_one_usable_connection(pair)


@requirement("CON-8", waits=True)
async def test_both_offers_arrive_before_any_answer(pair: PeerPair) -> None:
    """Both offers are delivered, one after the other, before an answer to either reaches the router."""
    async with glare(pair) as crossing:
        crossing.hold_answers()
        await crossing.deliver_offer_of(pair.answerer)
        await crossing.deliver_offer_of(pair.offerer)
        crossing.release_answers()
    await expect_one_usable_connection(pair)


@requirement("CON-8", waits=True)
async def test_the_second_calls_with_the_offer_of_the_first_in_hand(pair: PeerPair) -> None:
    """The answerer calls after it has received the offer and before its answer is sent."""
    await call_behind_an_offer(pair, pair.offerer, pair.answerer)
    await expect_one_usable_connection(pair)


@requirement("CON-8", waits=True)
async def test_the_first_calls_with_the_offer_of_the_second_in_hand(pair: PeerPair) -> None:
    """The offerer calls after it has received the answerer's offer and before its own answer is sent."""
    await call_behind_an_offer(pair, pair.answerer, pair.offerer)
    await expect_one_usable_connection(pair)


@requirement("CON-13", waits=True)
async def test_peers_connect_again_after_a_glare(pair: PeerPair) -> None:
    """When the connection of two crossing offers has ended, each side connects again."""
    able = closers(pair)
    async with glare(pair) as crossing:
        crossing.deliver_both_offers()
    with precondition("CON-8"):
        await expect_one_usable_connection(pair)
    for caller in (pair.offerer, pair.answerer):
        since = marks(pair)
        await end_connection(pair, able[0])
        await connect_again(pair, caller, since)
        await works_like_the_first(pair)


@requirement("EVT-6", waits=True)
async def test_a_glare_has_one_outcome(unconnected: UnconnectedPair) -> None:
    """Two crossing offers are one attempt: each side receives one Connected and no ConnectionFailed."""
    config = P2PConfig(connection_timeout_secs=8)
    pair = await unconnected.attach(config, config)
    async with glare(pair) as crossing:
        crossing.deliver_both_offers()
    with precondition("CON-8"):
        await expect_one_usable_connection(pair)
    # A further attempt, which must fail, is a barrier: when it ends, the two have had their full time-out.
    silent = await pair.testbed.open_signaling_client("mallory")
    with precondition("TMO-2"):
        await together(
            *(client.attempt_fails(silent.session_id, within=client.timeout + 3.0) for client in pair)
        )
    with judging("EVT-6"):
        for client, other in ((pair.offerer, pair.answerer), (pair.answerer, pair.offerer)):
            failures = client.events(ConnectionFailed, other)
            expect([each.event for each in failures], f"failures that {client.name} received").is_empty()
            expect(
                len(client.events(Connected, other)), f"times that {client.name} received Connected"
            ).equals(1)
