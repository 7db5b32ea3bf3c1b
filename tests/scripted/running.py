"""Running scenarios against mutants as a gate would, in one event loop and without pytest in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, nullcontext
from dataclasses import dataclass
from functools import cache

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.bundled_scenarios import load_scenarios
from clasp_e2e.execution.pairings import Subjects, pairings
from clasp_e2e.execution.run import place_of
from clasp_e2e.execution.run_context import Bench, Case
from clasp_e2e.execution.scheduler import Room, judge_all
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.scripted import Mutant
from clasp_e2e.scripted.mutant import Role
from clasp_e2e.spec.catalogue import Catalogue, load_catalogue
from clasp_e2e.testbed.scenario import Scenario
from clasp_e2e.testbed.waiting import Patience

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
    found = (each.scenario for each in load_scenarios())
    return tuple(sorted(found, key=lambda scenario: place_of(scenario, catalogue())))


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


class Afterwards:
    """The room of what waits, in which nobody is before the rest has ended."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()
        self._free = asyncio.Semaphore(AT_ONCE)

    def begin(self) -> None:
        self._begun.set()

    async def __aenter__(self) -> None:
        await self._begun.wait()
        await self._free.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._free.release()


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

    def beside(case: Case) -> Room | None:
        if case.scenario.slow or (eager and case.scenario.waits):
            return nullcontext()
        return afterwards if case.scenario.waits else None

    afterwards, results = Afterwards(), list[ScenarioResult]()
    in_turn = sum(beside(case) is None for case in to_run)
    if in_turn == 0:
        afterwards.begin()
    try:
        async with aclosing(judge_all(bench, to_run, beside)) as judged:
            async for _, each in judged:
                results.append(each.result)
                if len(results) == in_turn:
                    afterwards.begin()
    finally:
        await bench.close()
    return Run(results)


async def run_requirement(mutant: Mutant | None, requirement: str, role: Role) -> Run:
    """Run all scenarios of a requirement and of what it rests on."""
    needed = {each.id for each in catalogue().preconditions_of(requirement)} | {requirement}
    return await run(mutant, role, cases(role, lambda scenario: not needed.isdisjoint(scenario.requirements)))
