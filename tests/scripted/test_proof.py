"""The proof table is complete and up to date, and mutants of other implementations are found as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.scripted.other_stacks import (
    StackMutant,
    mutants_of_the_public_router,
    mutants_on_libwebrtc,
)
from clasp_e2e.scripted.proof import gaps, proof_table

from .running import catalogue, run_requirement

PAGE = Path(__file__).parents[2] / "docs" / "proof.md"
OF_STACKS = [*mutants_on_libwebrtc(catalogue()), *mutants_of_the_public_router()]


def test_proof_has_no_gap() -> None:
    assert gaps(catalogue()) == []


def test_published_proof_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == proof_table(catalogue()), (
        "run: clasp-e2e prove --output docs/proof.md"
    )


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("found", OF_STACKS, ids=lambda found: found.mutant.name)
async def test_mutant_of_another_implementation_fails_its_requirement(found: StackMutant) -> None:
    if found.missing:
        pytest.skip(found.missing)
    mutant = found.mutant
    run = await run_requirement(mutant, mutant.requirement, mutant.roles[0])
    assert Outcome.FAILED in run.outcomes()[mutant.requirement], str(run)
    assert run.broken() <= {mutant.requirement, *mutant.also}, str(run)
