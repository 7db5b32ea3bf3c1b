"""An attempt that is held at a stage is there, and not beyond it; what is released goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.model import Connected
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed import Pair, Sides, Stage, StagedAttempt, glare
from clasp_e2e.testbed.client import Side
from clasp_e2e.testbed.testbed import Participant, RouterSource, Testbed
from clasp_e2e.testbed.waiting import Patience


@pytest_asyncio.fixture
async def pair() -> AsyncIterator[Pair]:
    driver = ReferenceDriver()
    participant = Participant(driver, Side("reference", await driver.initialize()))
    testbed = Testbed(RouterSource(driver, None), Timeline(asyncio.get_running_loop().time), Patience())
    await testbed.open()
    yield await Sides(testbed, participant, participant, "offerer").attach()
    assert await testbed.close() == []


@pytest.mark.parametrize("stage", [Stage.OFFER_SENT, Stage.OFFER_DELIVERED, Stage.ANSWER_SENT])
async def test_an_attempt_is_held_and_goes_on(pair: Pair, stage: Stage) -> None:
    async with StagedAttempt(pair, stage, within=20) as attempt:
        (offer, *answers) = pair.testbed.switchboard.descriptions
        assert (offer.delivered_at is not None) == (stage is not Stage.OFFER_SENT)
        assert all(answer.delivered_at is None for answer in answers)
        assert not pair.offerer.events(Connected)
        assert await attempt.ended() is None
    assert pair.offerer.events(Connected, pair.answerer)


async def test_two_offers_cross(pair: Pair) -> None:
    async with glare(pair) as crossing:
        offers = pair.testbed.switchboard.descriptions
        assert {offer.leg for offer in offers} == {"alice", "bob"}
        assert all(offer.facts.is_offer and offer.delivered_at is None for offer in offers)
        await crossing.deliver_offer_of(pair.answerer)
        assert next(offer for offer in offers if offer.leg == "alice").delivered_at is None
        crossing.deliver_both_offers()
    await pair.both_told_connected()
