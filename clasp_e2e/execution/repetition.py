"""Repetition of the cases of a run, to find those whose outcome changes."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from clasp_e2e.execution.plan import Case, ChosenScenarios, RunPlan
from clasp_e2e.execution.run_session import RunSession, SharedResources
from clasp_e2e.execution.shared_observations import SharedObservations
from clasp_e2e.results.run_record import ScenarioResult


@dataclass(frozen=True, slots=True)
class Repetition:
    """The rounds of a plan: in each, all chosen cases run with a seed of its own."""

    plan: RunPlan
    chosen: ChosenScenarios
    replay: Callable[[str, int], str]
    """Makes the command that repeats a case, from its name and the seed of its round."""

    async def run(self, rounds: int, on_result: Callable[[ScenarioResult], None]) -> None:
        """Run `rounds` rounds, and pass each result to `on_result`. Raises `DriverFault`.

        Rounds of few cases run in parallel, in the slots of one scheduler.
        """
        plan = self.plan
        shared = SharedResources.for_machine(plan.patience, jobs=plan.jobs, attack_router=plan.attack_router)
        try:
            cases = self._cases(RunSession(plan), plan.seed)
            lanes = asyncio.Semaphore(math.ceil(2 * shared.scheduler.limits.active / max(1, len(cases))))

            async def in_lane(number: int) -> None:
                async with lanes:
                    # Each round observes its cases itself.
                    own = replace(shared, observations=SharedObservations())
                    await self._round(number, own, on_result)

            async with asyncio.TaskGroup() as group:
                for number in range(rounds):
                    group.create_task(in_lane(number))
        finally:
            await shared.implementations.close()

    async def _round(
        self, number: int, shared: SharedResources, on_result: Callable[[ScenarioResult], None]
    ) -> None:
        seed = (self.plan.seed + number) % 2**32
        run = RunSession(replace(self.plan, seed=seed))
        cases = self._cases(run, seed)
        await run.open(shared)
        try:
            async for _, judged in run.judge(cases):
                on_result(judged.result)
        finally:
            await run.close()

    def _cases(self, run: RunSession, seed: int) -> list[Case]:
        return run.cases.add_chosen(self.chosen, lambda name: self.replay(name, seed))


@contextmanager
def busy_processors() -> Generator[None]:
    """Keep every processor busy during the block, each with a process that ends with this one."""
    loop = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(10**5))"
    count = len(os.sched_getaffinity(0))
    spinning = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(count)]  # noqa: S603
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()
