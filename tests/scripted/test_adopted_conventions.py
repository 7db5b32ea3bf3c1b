"""A scripted partner uses the conventions of a peer that has no common ground with the reference.

So a legal variant passes opposite it, and a fault that two of its kind share is found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import pytest

from clasp_e2e.execution.plan import Case
from clasp_e2e.execution.run_session import SharedResources
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.scripted import Mutant, PeerScript, ice, partners, second_causes, trusting
from clasp_e2e.scripted.adopting_partner import layered
from clasp_e2e.scripted.variants import (
    Variant,
    channel_variants,
    payload_variants,
    signal_variants,
)

from .conftest import Runs
from .running import BROKEN, MutantRun
from .variant_running import run_variant, variant_cases

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

NEEDED = {"CON-1", "CON-3", "CON-4", "CON-5", "EVT-1", "CON-6"}
"""The requirements that show whether there is common ground."""


@dataclass(frozen=True)
class Example:
    convention: str
    variant: Variant
    mutant: Mutant
    partner: type[PeerScript]
    """The partner that finds the mutant."""

    def guilty(self) -> Variant:
        """The mutant with the conventions of the variant."""
        kinds = [cast("type[PeerScript]", each) for each in (self.mutant.fault, self.variant.script)]
        name = f"{self.mutant.name}And{self.variant.name}"
        return replace(self.variant, name=name, script=layered(name, *kinds))


EXAMPLES = [
    Example(
        "signal address", signal_variants.SignalsAtItsOwnAddress, ice.IgnoresTrickledCandidates,
        partners.Trickles,
    ),
    Example(
        "signal form", signal_variants.UsesItsOwnFieldNames, trusting.BelievesTheConnectedSignal,
        partners.SaysConnectedTooEarly,
    ),
    Example(
        "signal form", signal_variants.SignalsAsJson, trusting.GivesUpAtARepeatedCandidate,
        partners.TricklesTwice,
    ),
    Example(
        "channels", channel_variants.NegotiatesItsChannelsBefore, trusting.GivesUpWhenAnsweredTwice,
        partners.AnswersTwice,
    ),
    Example(
        "payload framing", payload_variants.SendsClaspFrames, second_causes.LeavesInAFloodOfData,
        partners.FloodsWithData,
    ),
]  # fmt: skip


def example_cases(partner: type[PeerScript]) -> list[Case]:
    return [
        case
        for case in variant_cases(None, is_router=False)
        if case.scenario.opposite is partner
        or (
            not case.scenario.waits
            and case.scenario.opposite is None
            and case.scenario.requirements[0] in NEEDED
        )
    ]


async def run_example(variant: Variant, partner: type[PeerScript], shared: SharedResources) -> MutantRun:
    results = await run_variant(variant, example_cases(partner), shared, is_router=False)
    return MutantRun([each for each in results if "scripted" in each.pairing])


def start_examples(runs: Runs) -> None:
    for example in EXAMPLES:
        for variant in (example.variant, example.guilty()):
            runs.start(variant.name, run_example(variant, example.partner, runs.shared))


@pytest.mark.starts(by=start_examples)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.variant.name)
async def test_a_variant_passes_opposite_a_partner_with_its_conventions(example: Example, runs: Runs) -> None:
    run = await runs.result(example.variant.name)
    assert {result.outcome for result in run.results} == {Outcome.PASSED}, str(run)
    assert all(result.roles and example.convention in result.roles.adopted for result in run.results)


@pytest.mark.starts(by=start_examples)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.variant.name)
async def test_a_fault_of_two_of_a_kind_is_found_by_a_partner_with_their_conventions(
    example: Example, runs: Runs
) -> None:
    run = await runs.result(example.guilty().name)
    found = [result for result in run.results if result.judgment(example.mutant.requirement) in BROKEN]
    assert found, str(run)
    assert all(result.roles and example.convention in result.roles.adopted for result in found)


ALONE = signal_variants.SignalsAsJson


def start_alone(runs: Runs) -> None:
    wanted = [each for each in example_cases(partners.AnswersTwice) if each.scenario.opposite]
    runs.start((ALONE, "alone"), run_alone(wanted, runs.shared))


async def run_alone(wanted: list[Case], shared: SharedResources) -> MutantRun:
    return MutantRun(await run_variant(ALONE, wanted, shared, is_router=False))


@pytest.mark.starts(by=start_alone)
async def test_a_case_without_those_that_show_common_ground_is_judged_alike(runs: Runs) -> None:
    (result,) = (await runs.result((ALONE, "alone"))).results
    assert result.outcome is Outcome.PASSED
    assert result.roles
    assert "signal form" in result.roles.adopted
