"""The methods of a client in a scenario."""

from __future__ import annotations

from typing import Any

import pytest

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.testbed import UnconnectedPair

from .cases import case, judge, judged, opened_run
from .fakes import FakeDriver, FakePeer

pytestmark = pytest.mark.usefixtures("watched")


class OpensKillablePeers(FakeDriver):
    """A driver that has another way to open what is to be killed."""

    killable = 0

    async def open_killable_peer(self, **how: Any) -> FakePeer:
        self.killable += 1
        return await self.open_peer(**how)


async def kills(unconnected: UnconnectedPair) -> None:
    """A peer is killed."""
    await (await unconnected.attach()).offerer.kill()


async def test_undeclared_kill_is_error() -> None:
    driver = OpensKillablePeers()
    found = await judged(kills, driver=driver)
    assert found.result.outcome is Outcome.ERROR
    assert "add kills=True to its @requirement" in found.result.message
    assert driver.killable == 0


async def test_declared_kill_gets_killable_peers() -> None:
    driver = OpensKillablePeers()
    found = await judge(await opened_run(driver), case(kills, kills=True))
    assert found.result.outcome is Outcome.PASSED
    assert driver.killable == 2


async def test_driver_with_own_processes_serves_scenario_that_kills() -> None:
    found = await judge(await opened_run(FakeDriver()), case(kills, kills=True))
    assert found.result.outcome is Outcome.PASSED
