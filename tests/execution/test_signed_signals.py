"""Which implementations accept signals only as they were sent."""

from __future__ import annotations

import asyncio

import pytest

from clasp_e2e.drivers import Driver
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.signed_signals import SignedSignals
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.scripted.connecting import NeverOffers
from clasp_e2e.scripted.variants.guarded_signal_variants import ChecksSignatures, SignsItsSignals
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.waiting import Patience

pytestmark = pytest.mark.usefixtures("watched")


@pytest.mark.parametrize(
    ("driver", "signed"),
    [
        (ReferenceDriver(), False),
        (NeverOffers(), False),
        (SignsItsSignals(), True),
        (ChecksSignatures(), True),
    ],
    ids=["accepts any", "never connects", "accepts signed ones", "accepts unsigned ones, too"],
)
async def test_only_an_implementation_that_works_otherwise_signs(driver: Driver, *, signed: bool) -> None:
    testbeds: list[Testbed] = []

    def new_testbed() -> Testbed:
        routers = RouterSource(ReferenceDriver(), None)
        testbeds.append(Testbed(routers, Timeline(asyncio.get_running_loop().time), Patience(0.3)))
        return testbeds[-1]

    subject = Participant(driver, SubjectInfo("it", await driver.initialize()))
    found = SignedSignals()
    assert await found.are_used_by(subject, new_testbed) == signed
    measured = len(testbeds)
    assert await found.are_used_by(subject, new_testbed) == signed
    assert len(testbeds) == measured
