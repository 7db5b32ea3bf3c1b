"""Running scenarios against mutants and variants as a gate would, without pytest in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.bundled_scenarios import load_scenarios
from clasp_e2e.execution.pairings import Subjects, pairings
from clasp_e2e.execution.plan import Case, RunPlan, case_id
from clasp_e2e.execution.run_session import SharedResources, open_run
from clasp_e2e.execution.selection import Selection
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.scripted import Mutant
from clasp_e2e.scripted.mutant import Role
from clasp_e2e.scripted.variant import Variant
from clasp_e2e.spec.catalogue import Catalogue, load_catalogue
from clasp_e2e.testbed.scenario import Scenario
from clasp_e2e.testbed.waiting import Patience

MUTANT = "mutant"
VARIANT = "variant"
OTHERS = {REFERENCE, SCRIPTED}
SCALE = 0.5
"""Of the harness's patience: most waits for a mutant time out."""
IDLE_S = 2.0
"""Seconds for which an idle session is watched, instead of minutes."""

BROKEN = (Outcome.FAILED, Outcome.DEVIATION)


@cache
def catalogue() -> Catalogue:
    return load_catalogue()


@cache
def scenarios() -> tuple[tuple[Path, Scenario], ...]:
    """All scenarios, each with its file."""
    return tuple((Path(each.file), each.scenario) for each in load_scenarios())


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
        patience=Patience(1.0 if mutant is not None and mutant.slow else SCALE, idle=IDLE_S),
    )
    async with open_run(plan, shared) as opened:
        return MutantRun([judged.result async for _, judged in opened.judge(to_run)])


async def run_requirement(
    mutant: Mutant | None, requirement: str, role: Role, shared: SharedResources | None = None
) -> MutantRun:
    """Run all scenarios of a requirement and of what it rests on."""
    needed = {each.id for each in catalogue().preconditions_of(requirement)} | {requirement}
    wanted = cases(role, lambda scenario: not needed.isdisjoint(scenario.requirements))
    return await run(mutant, role, wanted, shared)


def variant_cases(touches: frozenset[str], *, is_router: bool) -> list[Case]:
    """The cases that judge one of `touches`, in all pairings of a gate for an implementation `VARIANT`."""
    judged = subjects_of_variant(is_router=is_router)
    return [
        Case(case_id(path, scenario, pairing), scenario, pairing)
        for path, scenario in scenarios()
        if not touches.isdisjoint(scenario.requirements)
        for pairing in pairings(scenario, catalogue().get(scenario.requirements[0]), judged)
        if not is_router or {pairing.offerer, pairing.answerer} <= {REFERENCE, None}
    ]


def subjects_of_variant(*, is_router: bool) -> Subjects:
    """Who is judged when a variant is."""
    if is_router:
        # Two sound peers are judged over the router, in addition to the router itself.
        everyone = frozenset({"router", "offerer", "answerer"})
        return Subjects(offerer=REFERENCE, answerer=REFERENCE, router=VARIANT, judged=everyone)
    return Subjects(offerer=VARIANT, answerer=VARIANT, judged=frozenset({"offerer", "answerer"}))


async def run_variant(
    variant: Variant | None, to_run: list[Case], shared: SharedResources | None = None, *, is_router: bool
) -> list[ScenarioResult]:
    """Judge `variant`, or the reference under its label, and return all results as the run has them."""
    sound = ReferenceDriver()
    subject = ReferenceDriver() if variant is None else variant()
    drivers = {REFERENCE: sound} if is_router else {VARIANT: subject, REFERENCE: sound}
    judged = subjects_of_variant(is_router=is_router)
    selection = Selection(judged, drivers, subject if is_router else sound, {})
    plan = RunPlan(catalogue=catalogue(), selection=selection, seed=0, patience=Patience(idle=IDLE_S))
    async with open_run(plan, shared) as opened:
        return [judged.result async for _, judged in opened.judge(to_run)]


def condemned(variant: Variant, results: list[ScenarioResult], reference: list[ScenarioResult]) -> list[str]:
    """A line for each judgment of `variant` that an innocent does not deserve.

    What was not judged of the reference either is no fault of the variant.
    """
    as_reference = {result.id: result.judgments for result in reference}
    found: list[str] = []
    for result in results:
        assert result.roles is not None
        is_mixed = not OTHERS.isdisjoint((result.roles.offerer, result.roles.answerer))
        for requirement, outcome in result.judgments.items():
            unjudged = outcome not in (Outcome.PASSED, *BROKEN)
            needed = {requirement, *(each.id for each in catalogue().preconditions_of(requirement))}
            if (
                outcome == Outcome.PASSED
                or (outcome == Outcome.DEVIATION and requirement in variant.deviations)
                or (unjudged and as_reference[result.id].get(requirement) == outcome)
                or (
                    unjudged and (is_mixed or variant.is_router) and not variant.not_judged.isdisjoint(needed)
                )
                or (unjudged and requirement in variant.deviations)
            ):
                continue
            found.append(f"{result.id} {requirement}: {outcome} {result.message}")
    return found
