"""Running scenarios against mutants as a gate would, in one event loop and without pytest in between."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.results.model import ScenarioResult
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.scripted import Mutant
from clasp_e2e.scripted.mutant import Role
from clasp_e2e.spec.catalogue import Catalogue, load_catalogue
from clasp_e2e.testbed.bench import Bench, Case
from clasp_e2e.testbed.pairing import REFERENCE, SCRIPTED, Subjects, pairings
from clasp_e2e.testbed.runner import judge, judge_when_free, settle
from clasp_e2e.testbed.scenario import Scenario, scenario_of
from clasp_e2e.testbed.waiting import Patience

SCENARIOS = Path(__file__).parents[2] / "scenarios"
MUTANT = "mutant"
OTHERS = {REFERENCE, SCRIPTED}
SCALE = 0.5
"""Of the harness's patience: a mutant is most often waited for in vain."""

AT_ONCE = 8
"""Cases of one run that wait at the same time, as in the gate."""

BROKEN = (Outcome.FAILED, Outcome.DEVIATION)


@cache
def catalogue() -> Catalogue:
    return load_catalogue()


@cache
def scenarios() -> tuple[Scenario, ...]:
    """All scenarios, in the order in which the gate runs them."""
    found: list[Scenario] = []
    for path in sorted(SCENARIOS.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"scenarios_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += filter(None, map(scenario_of, vars(module).values()))
    order = {requirement.id: place for place, requirement in enumerate(catalogue().ordered())}
    return tuple(sorted(found, key=lambda s: (s.waits + s.slow, max(order[name] for name in s.requirements))))


def subjects(role: Role) -> Subjects:
    """Who stands where when a mutant is judged in `role`."""
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
    for scenario in scenarios():
        if not wanted(scenario):
            continue
        cast = pairings(scenario, catalogue().get(scenario.requirements[0]), subjects(role))
        if role == "both":
            cast = [pairing for pairing in cast if {pairing.offerer, pairing.answerer}.isdisjoint(OTHERS)]
        found += [Case(f"{scenario.name}[{pairing.id}]", scenario, pairing) for pairing in cast]
    return found


@dataclass(frozen=True)
class Run:
    """What became of some cases."""

    results: list[ScenarioResult]

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
        ]

    def __str__(self) -> str:
        return "\n".join(
            f"{result.id}: {result.outcome} {result.blocked_by or ''} {result.message}"
            for result in self.results
        )


async def run(mutant: Mutant | None, role: Role, to_run: list[Case], *, eager: bool = False) -> Run:
    """Run `to_run` and settle all in their order; what is slow, or if `eager` waits, beside the rest.

    What waits begins otherwise when the rest has ended, all of it at once.
    """
    sound = ReferenceDriver()
    broken = sound if mutant is None else mutant()
    is_router = role == "router"
    bench = Bench(
        catalogue(),
        subjects(role),
        {REFERENCE: sound} if is_router else {MUTANT: broken, REFERENCE: sound},
        broken if is_router else sound,
        patience=Patience(1.0 if mutant is not None and mutant.slow else SCALE),
    )
    await bench.open()
    waiting = {
        case.id: asyncio.create_task(judge(bench, case))
        for case in to_run
        if case.scenario.slow or (eager and case.scenario.waits)
    }
    results: list[ScenarioResult] = []
    try:
        for case in to_run:
            if case.scenario.waits and case.id not in waiting:
                left = (each for each in to_run if each.scenario.waits and each.id not in waiting)
                free = asyncio.Semaphore(AT_ONCE)
                waiting |= {
                    each.id: asyncio.create_task(judge_when_free(free, bench, each)) for each in list(left)
                }
            judged = await (waiting.get(case.id) or judge(bench, case))
            results.append(settle(bench, case, judged).result)
    finally:
        for task in waiting.values():
            task.cancel()
        await asyncio.gather(*waiting.values(), return_exceptions=True)
        await bench.close()
    return Run(results)


async def run_requirement(mutant: Mutant | None, requirement: str, role: Role) -> Run:
    """Run all scenarios of a requirement and of what it rests on."""
    needed = {each.id for each in catalogue().preconditions_of(requirement)} | {requirement}
    return await run(mutant, role, cases(role, lambda scenario: not needed.isdisjoint(scenario.requirements)))
