from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from clasp_e2e.execution.ownership import watch
from clasp_e2e.scripted import Mutant
from clasp_e2e.scripted.mutant import Role

from .running import Run, cases, run, run_requirement

AT_ONCE = 12
"""Mutants that are judged at the same time, beside those that take long: most of it is waiting."""

Key = tuple[str, Role, bool]


class Runs:
    """The runs that the tests of this session ask about, all started together.

    What takes long starts at once, the rest in turn. `whole` is a run of all scenarios but the slow.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[Key, asyncio.Task[Run]] = {}

    def start(self, mutant: Mutant, role: Role, *, whole: bool) -> None:
        name = f"{mutant.name} as {role}"
        self._tasks[mutant.name, role, whole] = asyncio.create_task(
            self._run(mutant, role, whole=whole), name=name
        )

    async def _run(self, mutant: Mutant, role: Role, *, whole: bool) -> Run:
        if mutant.slow:
            return await run_requirement(mutant, mutant.requirement, role)
        async with self._turn:
            if whole:
                # One as the gate does it: there the long waits begin before it is known what fails.
                eager = mutant.name == "NeverAnswers"
                return await run(mutant, role, cases(role, lambda scenario: not scenario.slow), eager=eager)
            return await run_requirement(mutant, mutant.requirement, role)

    async def of(self, mutant: Mutant, role: Role, *, whole: bool = False) -> Run:
        return await self._tasks[mutant.name, role, whole]

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def runs(request: pytest.FixtureRequest) -> AsyncIterator[Runs]:
    """The runs of the mutants whose tests were collected."""
    watch(asyncio.get_running_loop())
    asked: list[tuple[Mutant, Role, bool]] = []
    for item in request.session.items:
        parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
        match parameters:
            case {"mutant": Mutant() as mutant, "role": role}:
                asked.append((mutant, role, item.path.stem == "test_one_cause"))  # pyright: ignore
            case _:
                pass
    started = Runs()
    for mutant, role, whole in sorted(asked, key=lambda one: (not one[0].slow, not one[2])):
        started.start(mutant, role, whole=whole)
    yield started
    await started.close()
