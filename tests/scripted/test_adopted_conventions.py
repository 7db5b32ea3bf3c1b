"""A scripted partner uses the conventions of a peer that has no common ground with the reference.

So a legal variant passes opposite it, and a fault that two of its kind share is found.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import cast

import pytest
import pytest_asyncio

from clasp_e2e.execution.plan import Case
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.scripted import Mutant, PeerScript, ice, partners, second_causes, trusting
from clasp_e2e.scripted.adopting_partner import layered
from clasp_e2e.scripted.variants import (
    Variant,
    channel_variants,
    payload_variants,
    signal_variants,
)

from .running import BROKEN, ParallelRuns
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


class ExampleRuns(ParallelRuns[list[ScenarioResult]]):
    """The runs of all examples."""

    def __init__(self) -> None:
        super().__init__()
        for example in EXAMPLES:
            for variant in (example.variant, example.guilty()):
                self.start(variant.name, self._run(variant, example))

    async def _run(self, variant: Variant, example: Example) -> list[ScenarioResult]:
        cases = example_cases(example.partner)
        results = await run_variant(variant, cases, self.shared, is_router=False)
        return [each for each in results if "scripted" in each.pairing]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def example_runs() -> AsyncIterator[ExampleRuns]:
    started = ExampleRuns()
    yield started
    await started.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.variant.name)
async def test_a_variant_passes_opposite_a_partner_with_its_conventions(
    example: Example, example_runs: ExampleRuns
) -> None:
    results = await example_runs.result(example.variant.name)
    assert {result.outcome for result in results} == {Outcome.PASSED}, results
    assert all(result.roles and example.convention in result.roles.adopted for result in results)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.variant.name)
async def test_a_fault_of_two_of_a_kind_is_found_by_a_partner_with_their_conventions(
    example: Example, example_runs: ExampleRuns
) -> None:
    results = await example_runs.result(example.guilty().name)
    found = [result for result in results if result.judgment(example.mutant.requirement) in BROKEN]
    assert found, results
    assert all(result.roles and example.convention in result.roles.adopted for result in found)


async def test_a_case_without_those_that_show_common_ground_is_judged_alike() -> None:
    wanted = [each for each in example_cases(partners.AnswersTwice) if each.scenario.opposite]
    (result,) = await run_variant(signal_variants.SignalsAsJson, wanted, is_router=False)
    assert result.outcome is Outcome.PASSED
    assert result.roles
    assert "signal form" in result.roles.adopted
