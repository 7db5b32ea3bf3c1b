"""The proof table: by requirement, the mutants that its checks find and the variants that they acquit."""

from __future__ import annotations

from collections.abc import Sequence

from clasp_e2e.scripted import MUTANTS, Mutant
from clasp_e2e.scripted.other_stacks import mutants_of_the_public_router, mutants_on_libwebrtc
from clasp_e2e.scripted.variant import Variant
from clasp_e2e.scripted.variants import VARIANTS
from clasp_e2e.spec.catalogue import Catalogue, Level, Requirement

_HEAD = """\
# Proof

Each row is a requirement. A *mutant* breaks it for one cause: its checks find the mutant, and fail nothing
else. A *legal variant* differs in what the specification leaves open: its checks acquit it. A mutant with a
stack in parentheses is made of that implementation, and the others of the reference.

`clasp-e2e prove --output docs/proof.md` writes this page. `tests/scripted/` runs all that it names.
"""


def proof_table(catalogue: Catalogue) -> str:
    """Return the page with the proof table, in Markdown."""
    rows = [_row(requirement) for requirement in catalogue.values()]
    of_stacks = _by_requirement_on_stacks(catalogue)
    lines = ["| requirement | level | mutants | legal variants |", "|---|---|---|---|"]
    for requirement, (mutants, variants) in zip(catalogue.values(), rows, strict=True):
        found = ", ".join([*mutants, *of_stacks.get(requirement.id, ())])
        lines.append(f"| {requirement.id} | {requirement.level} | {found} | {', '.join(variants)} |")
    peers = sum(not variant.is_router for variant in VARIANTS)
    count = (
        f"{len(MUTANTS)} mutants of the reference, {sum(map(len, of_stacks.values()))} of other"
        f" implementations; {len(VARIANTS)} legal variants, {peers} of them peers."
    )
    return "\n".join([_HEAD, count, "", *lines]) + "\n"


def gaps(catalogue: Catalogue) -> list[str]:
    """Return what the proof lacks.

    Each requirement but a remark needs two mutants, each MUST one on another stack.
    """
    of_stacks = _by_requirement_on_stacks(catalogue)
    found: list[str] = []
    for requirement in catalogue.values():
        if requirement.level is Level.REMARK:
            continue
        if len(_row(requirement)[0]) < 2:
            found.append(f"{requirement.id} has fewer than two mutants")
        if requirement.level is Level.MUST and requirement.id not in of_stacks:
            found.append(f"{requirement.id} has no mutant of another implementation than the reference")
    return found


def mutants_of(requirement_id: str) -> list[Mutant]:
    """Return the mutants of the reference that the checks of a requirement must find."""
    return [mutant for mutant in MUTANTS if mutant.requirement == requirement_id]


def variants_of(requirement_id: str) -> list[Variant]:
    """Return the legal variants that touch a requirement, and that its checks must not fail."""
    return [
        variant
        for variant in VARIANTS
        if requirement_id in variant.touches and requirement_id not in variant.deviations
    ]


def _row(requirement: Requirement) -> tuple[Sequence[str], Sequence[str]]:
    mutants, variants = mutants_of(requirement.id), variants_of(requirement.id)
    return [each.name for each in mutants], [each.name for each in variants]


def _by_requirement_on_stacks(catalogue: Catalogue) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in (*mutants_on_libwebrtc(catalogue), *mutants_of_the_public_router()):
        found.setdefault(each.mutant.requirement, []).append(f"{each.mutant.name} ({each.stack})")
    return found
