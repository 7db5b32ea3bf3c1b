"""An attempt that is held at a stage has reached it and not passed it; released, it continues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.p2p_types import Connected
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed import AttemptStage, PeerPair, StagedAttempt, UnconnectedPair, glare
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.waiting import Patience


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[PeerPair]:
    driver = ReferenceDriver()
    participant = Participant(driver, SubjectInfo("reference", await driver.initialize()))
    testbed = Testbed(RouterSource(driver, None), Timeline(asyncio.get_running_loop().time), Patience())
    await testbed.open()
    yield await UnconnectedPair(testbed, participant, participant, "offerer").attach()
    assert await testbed.close() == []


@pytest.mark.parametrize(
    "stage", [AttemptStage.OFFER_SENT, AttemptStage.OFFER_DELIVERED, AttemptStage.ANSWER_SENT]
)
async def test_attempt_is_held_and_continues(pair: PeerPair, stage: AttemptStage) -> None:
    async with StagedAttempt(pair, stage, within=20) as attempt:
        (offer, *answers) = pair.testbed.switchboard.descriptions
        assert (offer.delivered_at is not None) == (stage is not AttemptStage.OFFER_SENT)
        assert all(answer.delivered_at is None for answer in answers)
        assert not pair.offerer.events(Connected)
        assert await attempt.ended() is None
    assert pair.offerer.events(Connected, pair.answerer)


async def test_two_offers_cross(pair: PeerPair) -> None:
    async with glare(pair) as crossing:
        offers = pair.testbed.switchboard.descriptions
        assert {offer.leg for offer in offers} == {"alice", "bob"}
        assert all(offer.facts.is_offer and offer.delivered_at is None for offer in offers)
        await crossing.deliver_offer_of(pair.answerer)
        assert next(offer for offer in offers if offer.leg == "alice").delivered_at is None
        crossing.deliver_both_offers()
    await pair.both_connected()
