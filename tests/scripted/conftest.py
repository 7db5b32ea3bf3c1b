from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from clasp_e2e.execution.run_session import SharedResources
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.scripted import Mutant
from clasp_e2e.scripted.mutant import Role
from clasp_e2e.scripted.variant import Variant
from clasp_e2e.testbed.waiting import Patience

from .running import MutantRun, cases, condemned, run, run_requirement, run_variant, variant_cases

Key = tuple[str, Role, bool]


class Runs:
    """The runs that the tests of this session ask about: all cases of all mutants in one scheduler.

    `whole` is a run of all scenarios but the slow.
    """

    def __init__(self) -> None:
        self._shared = SharedResources.for_machine(Patience(), jobs=8)
        self._tasks: dict[Key, asyncio.Task[MutantRun]] = {}
        self._variants: dict[str, asyncio.Task[list[ScenarioResult]]] = {}

    def start(self, mutant: Mutant, role: Role, *, whole: bool) -> None:
        self._tasks[mutant.name, role, whole] = asyncio.create_task(
            self._run(mutant, role, whole=whole), name=f"{mutant.name} as {role}"
        )

    async def _run(self, mutant: Mutant, role: Role, *, whole: bool) -> MutantRun:
        if whole:
            return await run(mutant, role, cases(role, lambda scenario: not scenario.slow), self._shared)
        return await run_requirement(mutant, mutant.requirement, role, self._shared)

    async def of(self, mutant: Mutant, role: Role, *, whole: bool = False) -> MutantRun:
        return await self._tasks[mutant.name, role, whole]

    def start_variants(self, variants: list[Variant]) -> None:
        """Start the cases that each variant touches, and the same cases of the reference."""
        for is_router in (False, True):
            some = [variant for variant in variants if variant.is_router == is_router]
            touched = frozenset[str]().union(*(variant.touches for variant in some))
            self._start_variant(None, touched, is_router=is_router)
            for variant in some:
                self._start_variant(variant, variant.touches, is_router=is_router)

    def _start_variant(self, variant: Variant | None, touches: frozenset[str], *, is_router: bool) -> None:
        name = f"{'router' if is_router else 'peer'} reference" if variant is None else variant.name
        to_run = variant_cases(touches, is_router=is_router)
        running = run_variant(variant, to_run, self._shared, is_router=is_router)
        self._variants[name] = asyncio.create_task(running, name=f"variant {name}")

    async def condemned(self, variant: Variant) -> list[str]:
        """What `variant` was condemned for (`running.condemned`)."""
        reference = await self._variants[f"{'router' if variant.is_router else 'peer'} reference"]
        return condemned(variant, await self._variants[variant.name], reference)

    async def close(self) -> None:
        tasks: list[asyncio.Task[Any]] = [*self._tasks.values(), *self._variants.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._shared.implementations.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def runs(request: pytest.FixtureRequest) -> AsyncIterator[Runs]:
    """The runs of the mutants and variants whose tests were collected."""
    started = Runs()
    variants: list[Variant] = []
    for item in request.session.items:
        parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
        match parameters:
            case {"mutant": Mutant() as mutant, "role": role}:
                started.start(mutant, role, whole=item.path.stem == "test_one_cause")  # pyright: ignore
            case {"variant": Variant() as variant}:
                variants.append(variant)
            case _:
                pass
    started.start_variants(variants)
    yield started
    await started.close()
