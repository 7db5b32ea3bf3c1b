"""Run scenarios against legal variants: those that they affect, or all, in all pairings."""

from __future__ import annotations

import asyncio

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.pairings import Subjects, pairings
from clasp_e2e.execution.plan import Case, RunPlan, case_id
from clasp_e2e.execution.run_session import SharedResources, open_run
from clasp_e2e.execution.selection import Selection
from clasp_e2e.peer.libwebrtc_transport import LibwebrtcTransport
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.scripted.variant import Variant
from clasp_e2e.testbed.scenario import Scenario
from clasp_e2e.testbed.waiting import Patience

from .running import BROKEN, IDLE_S, MANY, OTHERS, ParallelRuns, catalogue, scenarios

VARIANT = "variant"
SOUND = "the reference"
OF_SECONDS = frozenset({"EndsIdleSessions"})
"""Variants with a limit of seconds instead of minutes, which the cases of a whole gate exceed."""
BASIC = frozenset({"CON-3", "CON-5", "CON-6", "EVT-1", "SND-3"})
"""The requirements without which a case judges nothing of what follows."""
WHOLE_GATES = 3
"""Whole gates at the same time: 8 starve cases that depend on time, and all would need much memory."""


def is_on_libwebrtc(variant: Variant) -> bool:
    return getattr(variant.script, "webrtc", None) is LibwebrtcTransport


def touched_scenarios(touches: frozenset[str]) -> list[Scenario]:
    """For each requirement, the scenario of its own that waits least: all scenarios are for the night."""
    found: list[Scenario] = []
    for name in sorted(touches):
        judging = [scenario for _, scenario in scenarios() if name in scenario.requirements]
        found.append(min(judging, key=lambda each: (each.slow, each.waits, each.requirements.index(name))))
    return found


def variant_cases(touches: frozenset[str] | None, *, is_router: bool) -> list[Case]:
    """The cases that judge `touches`, or all cases, in all pairings of a gate for `VARIANT`."""
    judged = subjects_of_variant(is_router=is_router)
    wanted = None if touches is None else touched_scenarios(touches)
    return [
        Case(case_id(path, scenario, pairing), scenario, pairing)
        for path, scenario in scenarios()
        if wanted is None or scenario in wanted
        for pairing in pairings(scenario, catalogue().get(scenario.requirements[0]), judged)
        if not is_router or {pairing.offerer, pairing.answerer} <= {REFERENCE, ""}
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
    patience = Patience(idle=IDLE_S, many=MANY)
    plan = RunPlan(catalogue=catalogue(), selection=selection, seed=0, patience=patience)
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
        # A case without its connection leaves all its requirements unjudged, also those that need none.
        needed = {each for name in result.requirements for each in (name, *preconditions(name))}
        for requirement, outcome in result.judgments.items():
            unjudged = outcome not in (Outcome.PASSED, *BROKEN)
            if (
                outcome == Outcome.PASSED
                or (outcome == Outcome.DEVIATION and requirement in variant.deviations)
                or (unjudged and as_reference[result.id].get(requirement) == outcome)
                or (
                    unjudged
                    and (is_mixed or variant.is_router or variant.unreadable)
                    and not variant.not_judged.isdisjoint(needed)
                )
                or (unjudged and requirement in variant.deviations)
                # Two that cannot connect to each other do not in any case, whatever it judges.
                or (is_mixed and outcome is Outcome.NOT_JUDGED and not BASIC.isdisjoint(variant.not_judged))
            ):
                continue
            found.append(f"{result.id} {requirement}: {outcome} {result.message}")
    return found


def preconditions(requirement: str) -> list[str]:
    return [each.id for each in catalogue().preconditions_of(requirement)]


class VariantRuns(ParallelRuns[list[ScenarioResult]]):
    """The runs of variants that are peers, or of those that are routers, and of the reference."""

    def __init__(self, variants: list[Variant], *, whole: bool, is_router: bool) -> None:
        super().__init__()
        self._room = asyncio.Semaphore(WHOLE_GATES if whole else len(variants) + 1)
        touched = frozenset[str]().union(*(variant.touches for variant in variants))
        for variant in (None, *variants):
            touches = touched if variant is None else variant.touches
            key = SOUND if variant is None else variant.name
            is_whole = whole and key not in OF_SECONDS
            cases = variant_cases(None if is_whole else touches, is_router=is_router)
            self.start(key, self._run(variant, cases, is_router=is_router))

    async def _run(
        self, variant: Variant | None, cases: list[Case], *, is_router: bool
    ) -> list[ScenarioResult]:
        async with self._room:
            return await run_variant(variant, cases, self.shared, is_router=is_router)

    async def condemned(self, variant: Variant) -> list[str]:
        """What `variant` was condemned for."""
        reference = await self.result(SOUND)
        return condemned(variant, await self.result(variant.name), reference)
