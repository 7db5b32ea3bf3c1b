"""Run scenarios against mutants as a gate does, through the one engine and without pytest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Generic, TypeVar

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.bundled_scenarios import load_scenarios
from clasp_e2e.execution.implementations import Implementations
from clasp_e2e.execution.pairings import Subjects, pairings
from clasp_e2e.execution.plan import Case, RunPlan, case_id
from clasp_e2e.execution.run_session import SharedResources, open_run
from clasp_e2e.execution.scheduler import Limits, Scheduler
from clasp_e2e.execution.selection import Selection
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.scripted import Mutant
from clasp_e2e.scripted.mutant import Role
from clasp_e2e.spec.catalogue import Catalogue, load_catalogue
from clasp_e2e.testbed.scenario import Scenario
from clasp_e2e.testbed.waiting import Patience

R = TypeVar("R")

MUTANT = "mutant"
OTHERS = {REFERENCE, SCRIPTED}
IDLE_S = 2.0
"""Seconds for which an idle session is watched, instead of minutes."""
MANY = 700
"""Messages that a session exchanges, instead of thousands."""

LIMITS = Limits(active=8, waiting=200, slow=200)
"""Cases at the same time. More that are active would starve cases that depend on time; what a case that waits
needs is little memory, as no case starts a process."""

BROKEN = (Outcome.FAILED, Outcome.DEVIATION)


class ParallelRuns(Generic[R]):
    """Runs in one scheduler, which overlaps their waits."""

    def __init__(self) -> None:
        self.shared = SharedResources(Scheduler(LIMITS), Implementations(Patience()))
        self._tasks: dict[Hashable, asyncio.Task[R]] = {}

    def start(self, key: Hashable, run: Coroutine[object, object, R]) -> None:
        self._tasks[key] = asyncio.create_task(run, name=f"run of {key}")

    async def result(self, key: Hashable) -> R:
        return await self._tasks[key]

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.shared.implementations.close()


@cache
def catalogue() -> Catalogue:
    return load_catalogue()


@cache
def scenarios() -> tuple[tuple[Path, Scenario], ...]:
    """All scenarios that need no lab, each with its file."""
    return tuple((Path(each.file), each.scenario) for each in load_scenarios() if not each.scenario.lab)


def subjects(role: Role) -> Subjects:
    """Who has which role when a mutant is judged in `role`."""
    match role:
        case "offerer":
            return Subjects(offerer=MUTANT, judged=frozenset({"offerer"}))
        case "answerer":
            return Subjects(answerer=MUTANT, judged=frozenset({"answerer"}))
        case "both":
            return Subjects(offerer=MUTANT, answerer=MUTANT, judged=frozenset({"offerer", "answerer"}))
        case "router":
            return Subjects(router=MUTANT, judged=frozenset({"router"}))


def cases(role: Role, wanted: Callable[[Scenario], bool]) -> list[Case]:
    """The cases of the scenarios that are `wanted`; a pair of mutants meets itself alone."""
    found: list[Case] = []
    for path, scenario in scenarios():
        if not wanted(scenario):
            continue
        paired = pairings(scenario, catalogue().get(scenario.requirements[0]), subjects(role))
        if role == "both":
            paired = [each for each in paired if {each.offerer, each.answerer}.isdisjoint(OTHERS)]
        found += [Case(case_id(path, scenario, pairing), scenario, pairing) for pairing in paired]
    return found


@dataclass(frozen=True)
class MutantRun:
    """What became of some cases."""

    results: list[ScenarioResult]

    def lacks_a_verdict(self, requirement: str) -> bool:
        """Whether a case, or `requirement`, has none, such as after a stall of the shared event loop."""
        judged = self.outcomes().get(requirement, set())
        is_unobserved = Outcome.UNOBSERVED in judged and judged.isdisjoint(BROKEN)
        return is_unobserved or any(result.outcome is Outcome.ERROR for result in self.results)

    def outcomes(self) -> dict[str, set[str]]:
        """What became of each requirement, over all cases."""
        found: dict[str, set[str]] = {}
        for result in self.results:
            for requirement, outcome in result.judgments.items():
                found.setdefault(requirement, set()).add(outcome)
        return found

    def broken(self) -> set[str]:
        """The requirements that failed or deviated."""
        return {name for name, outcomes in self.outcomes().items() if outcomes.intersection(BROKEN)}

    def others(self, requirement: str) -> list[str]:
        """A line for each case that neither passed nor was blocked by `requirement`, nor judged it."""
        return [
            f"{result.id} {result.requirements}: {result.outcome} {result.message}"
            for result in self.results
            if requirement not in result.requirements
            and result.outcome != Outcome.PASSED
            and not (result.outcome == Outcome.BLOCKED and result.blocked_by == requirement)
            # One per cent of a few hundred datagrams is at times none.
            and not (
                result.outcome == Outcome.UNOBSERVED and "dropped or delayed no datagram" in result.message
            )
        ]

    def __str__(self) -> str:
        return "\n".join(
            f"{result.id}: {result.outcome} {result.blocked_by or ''} {result.message}"
            for result in self.results
        )


async def run(
    mutant: Mutant | None, role: Role, to_run: list[Case], shared: SharedResources | None = None
) -> MutantRun:
    """Run `to_run` and return all results as the run has them."""
    sound = ReferenceDriver()
    broken = sound if mutant is None else mutant()
    is_router = role == "router"
    drivers = {REFERENCE: sound} if is_router else {MUTANT: broken, REFERENCE: sound}
    plan = RunPlan(
        catalogue=catalogue(),
        selection=Selection(subjects(role), drivers, broken if is_router else sound, {}),
        seed=0,
        patience=Patience(idle=IDLE_S, many=MANY),
    )
    async with open_run(plan, shared) as opened:
        return MutantRun([judged.result async for _, judged in opened.judge(to_run)])


def cases_of(requirement: str, role: Role, *, thorough: bool = False) -> list[Case]:
    """All cases of a requirement, and of each precondition all, or those of the scenario that waits least."""
    if thorough:
        needed = {each.id for each in catalogue().preconditions_of(requirement)} | {requirement}
        return cases(role, lambda scenario: not needed.isdisjoint(scenario.requirements))
    found = cases(role, lambda scenario: requirement in scenario.requirements)
    covered: set[str] = set()
    for needed in reversed(list(catalogue().preconditions_of(requirement))):
        if needed.id in covered:
            continue
        judging = cases(role, partial(_judges_without, needed.id, requirement))
        if judging:
            least = min((case.scenario for case in judging), key=partial(_waits_for, needed.id))
            found += [case for case in judging if case.scenario is least]
            covered.update(least.requirements)
    return found


def _judges_without(wanted: str, unwanted: str, scenario: Scenario) -> bool:
    return wanted in scenario.requirements and unwanted not in scenario.requirements


def _waits_for(requirement: str, scenario: Scenario) -> tuple[bool, bool, int]:
    return scenario.slow, bool(scenario.waits), scenario.requirements.index(requirement)


async def run_requirement(
    mutant: Mutant | None,
    requirement: str,
    role: Role,
    shared: SharedResources | None = None,
    *,
    thorough: bool = False,
) -> MutantRun:
    """Run the scenarios of a requirement, and one or (`thorough`) all of each precondition.

    If not `thorough`, the extended scenarios run only for the mutants that the others do not find.
    """
    to_run = cases_of(requirement, role, thorough=thorough)
    short = [case for case in to_run if not case.scenario.extended]
    if len(short) == len(to_run) or thorough:
        return await run(mutant, role, to_run, shared)
    found = await run(mutant, role, short, shared)
    return found if requirement in found.broken() else await run(mutant, role, to_run, shared)
