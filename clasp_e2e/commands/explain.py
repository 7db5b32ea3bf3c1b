"""`clasp-e2e explain ID`: print all details of one requirement."""

import shutil
from functools import partial

import click

from clasp_e2e.commands.errors import CommandError
from clasp_e2e.execution.bundled_scenarios import judging, load_scenarios
from clasp_e2e.report.failure import WIDTH, block
from clasp_e2e.report.words import citation, sentence
from clasp_e2e.scripted.proof import mutants_of, variants_of
from clasp_e2e.spec.catalogue import Requirement, UnknownRequirement, load_catalogue


@click.command()
@click.argument("requirement_id", metavar="ID")
def explain(requirement_id: str) -> None:
    """Print requirement ID, its source, how it is judged, and which mutants and variants prove it.

    A mutant is the reference with one fault; it fails that requirement. A legal variant differs from the
    reference in what the specification leaves open; it does not fail it.
    """
    catalogue = load_catalogue()
    try:
        requirement = catalogue.get(requirement_id.upper())
    except UnknownRequirement as error:
        raise CommandError(f"{error}; `clasp-e2e list` prints all of them") from None
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    section = partial(block, width=width)
    lines = [f"{requirement.id} ({requirement.level.upper()})"]
    for name, text in _sections(requirement):
        lines += section(name, text)
    if requirement.precondition:
        rests_on = catalogue.preconditions_of(requirement.id)
        lines += section("Depends on", "\n".join(f"{each.id}  {each.statement}" for each in rests_on))
    scenarios = judging(requirement.id, load_scenarios())
    names = "\n".join(f"{each.name}\n    {each.scenario.title}" for each in scenarios)
    lines += section("Scenarios", names or "none yet: no run judges this requirement")
    proofs = (f"{mutant.name}\n    {mutant.broken}" for mutant in mutants_of(requirement.id))
    lines += section("Proven by", "\n".join(proofs) or "no mutant yet")
    acquitted = (f"{variant.name}\n    {variant.difference}" for variant in variants_of(requirement.id))
    lines += section("Must pass", "\n".join(acquitted) or "no variant yet")
    click.echo("\n".join(lines))


def _sections(requirement: Requirement) -> list[tuple[str, str]]:
    """Return the fields of the catalogue with their headings. `block` prints nothing for an empty text."""
    return [
        ("Source", f"{citation(requirement)}:\n{sentence(requirement)}"),
        ("Required", requirement.statement),
        ("Judged", _judged(requirement)),
        ("Observed by", requirement.observed_by),
        (
            "Capability",
            f"`{requirement.capability}`; not offered without it" if requirement.capability else "",
        ),
        ("Note", requirement.note),
    ]


def _judged(requirement: Requirement) -> str:
    """Return which roles are judged, and opposite which partners."""
    judged = " and ".join("either peer" if role == "peer" else f"the {role}" for role in requirement.judges)
    partners = {
        "same": "another client of the same implementation",
        "reference": "the reference",
        "scripted": "a scripted partner",
    }
    opposite = " or ".join(partners[each] for each in requirement.opposite if each in partners)
    return f"{judged}, opposite {opposite}" if opposite else judged
