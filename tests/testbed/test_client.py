"""A client of a scenario: what may be done to it."""

from __future__ import annotations

from typing import Any

import pytest
from testbed.cases import case, judged, open_bench
from testbed.fakes import FakeDriver, FakePeer

from clasp_e2e.execution.run_context import Case
from clasp_e2e.execution.runner import judge
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.testbed import Sides, requirement
from clasp_e2e.testbed.scenario import scenario_of

pytestmark = pytest.mark.usefixtures("watched")


class SharesAProcess(FakeDriver):
    """A driver that has another way to open what is to be killed."""

    killable = 0

    async def open_killable_peer(self, **how: Any) -> FakePeer:
        self.killable += 1
        return await self.open_peer(**how)


async def kills(sides: Sides) -> None:
    """A peer is killed."""
    await (await sides.attach()).offerer.kill()


async def test_a_scenario_that_kills_without_declaring_it_is_an_error() -> None:
    driver = SharesAProcess()
    found = await judged(kills, driver=driver)
    assert found.result.outcome is Outcome.ERROR
    assert "add kills=True to its @requirement" in found.result.message
    assert driver.killable == 0


async def test_a_scenario_that_declares_that_it_kills_has_killable_peers() -> None:
    driver = SharesAProcess()
    scenario = scenario_of(requirement("RTE-1", kills=True)(kills))
    assert scenario is not None
    one = case(kills)
    found = await judge(await open_bench(driver), Case(one.id, scenario, one.pairing))
    assert found.result.outcome is Outcome.PASSED
    assert driver.killable == 2


async def test_a_driver_with_one_way_to_open_peers_serves_what_kills() -> None:
    scenario = scenario_of(requirement("RTE-1", kills=True)(kills))
    assert scenario is not None
    one = case(kills)
    found = await judge(await open_bench(FakeDriver()), Case(one.id, scenario, one.pairing))
    assert found.result.outcome is Outcome.PASSED
