"""Each mutant fails its requirement and no other, so each check can fail."""

from __future__ import annotations

import pytest

from clasp_e2e.drivers.registry import resolve_driver, resolve_router
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.scripted import MUTANTS, Mutant, ice, partners
from clasp_e2e.scripted.mutant import Role
from clasp_e2e.spec.catalogue import Level

from .conftest import Runs
from .running import MutantRun, cases, catalogue, run, run_requirement, scenarios

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

TRICKLING = frozenset({partners.Trickles, partners.TricklesEarlyToo, partners.TricklesTwice})
ROLES: tuple[Role, ...] = ("offerer", "answerer")
FIRST = {mutant.requirement: mutant for mutant in reversed(MUTANTS)}
CAST: list[tuple[Mutant, Role]] = [
    # In every role the first mutant of a requirement, in one role the others: it keeps this short.
    (mutant, role)
    for mutant in sorted(MUTANTS, key=lambda mutant: mutant.slow)
    for role in (mutant.roles if FIRST[mutant.requirement] is mutant else mutant.roles[:1])
]


PARTS = {"RTR": "router", "SND": "sending", "RTE": "sending", "DIR": "sending"}
"""The part of a chapter's mutants, "connecting" for the others. Each part needs the processor for as long."""


def cast_of(part: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("mutant", "role"),
        [each for each in CAST if PARTS.get(each[0].requirement[:3], "connecting") == part],
        ids=lambda value: value.name if isinstance(value, Mutant) else value,
    )


@cast_of("connecting")
async def test_a_connecting_mutant_fails_its_requirement_and_no_other(
    mutant: Mutant, role: Role, runs: Runs
) -> None:
    fails_its_requirement_and_no_other(mutant, await runs.of(mutant, role))


@cast_of("sending")
async def test_a_sending_mutant_fails_its_requirement_and_no_other(
    mutant: Mutant, role: Role, sending_runs: Runs
) -> None:
    fails_its_requirement_and_no_other(mutant, await sending_runs.of(mutant, role))


@cast_of("router")
async def test_a_router_mutant_fails_its_requirement_and_no_other(
    mutant: Mutant, role: Role, router_runs: Runs
) -> None:
    fails_its_requirement_and_no_other(mutant, await router_runs.of(mutant, role))


def fails_its_requirement_and_no_other(mutant: Mutant, run: MutantRun) -> None:
    judged = run.outcomes()
    if catalogue().get(mutant.requirement).level is Level.REMARK:
        remarks = [r.remark for r in run.results if mutant.requirement in r.requirements]
        assert remarks
        assert remarks != ["the payload is sent raw"], str(run)
        return
    level = catalogue().get(mutant.requirement).level
    expected = Outcome.FAILED if level is Level.MUST else Outcome.DEVIATION
    assert expected in judged[mutant.requirement], str(run)
    assert run.broken() <= {mutant.requirement, *mutant.also}, str(run)
    assert [line for line in run.others(mutant.requirement) if not any(i in line for i in mutant.also)] == []
    # The case that failed was not the first to run: all it rests on was judged, and passed.
    for needed in catalogue().preconditions_of(mutant.requirement):
        outcomes = judged.get(needed.id, {Outcome.PASSED})
        assert Outcome.PASSED in outcomes, str(run)
        assert outcomes <= {Outcome.PASSED, Outcome.BLOCKED}, str(run)


def start_without_trickled_candidates(runs: Runs) -> None:
    for role in ROLES:
        to_run = cases(role, lambda each: each.opposite in TRICKLING)
        runs.start((TRICKLING, role), run(ice.IgnoresTrickledCandidates, role, to_run, runs.shared))


@pytest.mark.starts(by=start_without_trickled_candidates)
@pytest.mark.parametrize("role", ROLES)
async def test_each_check_of_trickled_candidates_depends_on_them(role: Role, runs: Runs) -> None:
    """A peer that uses none of them would connect by the checks of its partner."""
    run_ = await runs.result((TRICKLING, role))
    assert [result.outcome for result in run_.results] == [Outcome.DEVIATION] * len(TRICKLING), str(run_)


def test_every_requirement_that_has_a_scenario_has_a_mutant() -> None:
    judged = {requirement for _, scenario in scenarios() for requirement in scenario.requirements}
    assert judged - {mutant.requirement for mutant in MUTANTS} == set()


def test_a_mutant_says_what_it_is() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        assert mutant.broken.endswith(".")
        assert {mutant.requirement, *mutant.also} <= set(catalogue())


async def test_a_mutant_can_be_named_on_the_command_line() -> None:
    peer = resolve_driver("clasp_e2e.scripted.routing:RelaysInP2POnly")
    router = resolve_router("clasp_e2e.scripted.routers:TidiesLineEnds")
    names = [(await driver.initialize()).implementation.name for driver in (peer, router)]
    assert names == ["mutant RelaysInP2POnly", "mutant TidiesLineEnds"]


@pytest.mark.parametrize("role", ["offerer", "answerer", "router"])
async def test_the_unbroken_one_passes(role: Role) -> None:
    requirement = {"offerer": "DIR-1", "answerer": "SND-9", "router": "RTR-2"}[role]
    run = await run_requirement(None, requirement, role)
    assert {outcome for outcomes in run.outcomes().values() for outcome in outcomes} == {Outcome.PASSED}
