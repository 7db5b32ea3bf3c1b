from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from clasp_e2e.scripted import Mutant
from clasp_e2e.scripted.mutant import Role

from .running import MutantRun, ParallelRuns, cases, run, run_requirement

HERE = Path(__file__).parent
NIGHTLY = "--whole-gate"
NIGHT_S = 6 * 3600


class Runs(ParallelRuns[MutantRun]):
    """The runs of mutants. `thorough`: of all scenarios of each precondition, and not of one."""

    def __init__(self, *, thorough: bool) -> None:
        super().__init__()
        self._thorough = thorough
        self._room = asyncio.Semaphore(60)
        """For runs at the same time: the start of all would hold up the event loop for seconds."""

    async def run(self, mutant: Mutant, role: Role, *, whole: bool) -> MutantRun:
        """Run the scenarios of the requirement of `mutant`, or (`whole`) all scenarios but the slow."""
        async with self._room:
            if whole:
                return await run(mutant, role, cases(role, lambda scenario: not scenario.slow), self.shared)
            return await run_requirement(
                mutant, mutant.requirement, role, self.shared, thorough=self._thorough
            )

    async def of(self, mutant: Mutant, role: Role, *, whole: bool = False) -> MutantRun:
        """Return the run, which was started."""
        found = await self.result((mutant.name, role, whole))
        if not found.lacks_a_verdict(mutant.requirement):
            return found
        return await self.run(mutant, role, whole=whole)  # Once, when fewer runs share the event loop.


def started_runs(request: pytest.FixtureRequest, fixture: str) -> Runs:
    """Start what collected tests with `fixture` await: the runs of their marks `starts`, and of mutants."""
    wanted: list[tuple[Mutant, Role, bool]] = []
    items = [each for each in request.session.items if fixture in getattr(each, "fixturenames", ())]
    for item in items:
        parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
        match parameters:
            case {"mutant": Mutant() as mutant, "role": role}:
                wanted.append((mutant, role, item.path.stem == "test_one_cause"))  # pyright: ignore
            case _:
                pass
    started = Runs(thorough=bool(request.config.getoption(NIGHTLY, default=False)))
    for start in dict.fromkeys(mark.kwargs["by"] for item in items for mark in item.iter_markers("starts")):
        start(started)
    wanted.sort(key=lambda each: not (each[2] or each[0].slow))  # The longest first.
    for mutant, role, whole in wanted:
        started.start((mutant.name, role, whole), started.run(mutant, role, whole=whole))
    return started


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def runs(request: pytest.FixtureRequest) -> AsyncIterator[Runs]:
    started = started_runs(request, "runs")
    yield started
    await started.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def sending_runs(request: pytest.FixtureRequest) -> AsyncIterator[Runs]:
    """The same for tests that another worker of xdist can run at the same time."""
    started = started_runs(request, "sending_runs")
    yield started
    await started.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def router_runs(request: pytest.FixtureRequest) -> AsyncIterator[Runs]:
    """The same for a third worker."""
    started = started_runs(request, "router_runs")
    yield started
    await started.close()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "starts(by): call `by` with `runs`, to start what the test awaits")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        NIGHTLY, action="store_true", help="judge variants by all cases, mutants by all that they rest on"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test the time of a night, if `NIGHTLY` is chosen: the first one waits for nearly all runs."""
    if config.getoption(NIGHTLY, default=False):
        for item in items:
            if item.path.parent == HERE:
                item.add_marker(pytest.mark.timeout(NIGHT_S), append=False)
