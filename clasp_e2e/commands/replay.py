"""`clasp-e2e replay EVIDENCE`: one case once more, as it was."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from clasp_e2e.commands import options
from clasp_e2e.commands.run import USAGE, option_arguments, run_scenarios
from clasp_e2e.results.evidence import Evidence, EvidenceError, evidence_path, read_evidence
from clasp_e2e.results.replay import Likeness, compare
from clasp_e2e.results.verdict import UNDECIDED

STATUS = {Likeness.SAME: 0, Likeness.DIFFERENT: 1, Likeness.GONE: 4}


@click.command()
@click.argument("evidence", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--results",
    metavar="DIR",
    default="reports/latest/replay",
    show_default=True,
    help="Where the results and the new evidence go.",
)
@options.attach
def replay(evidence: Path, results: str, attach: str | None) -> None:
    """Run the case of EVIDENCE again, with the same seed, conditions and drivers, and compare.

    EVIDENCE is a file of a run's evidence folder, by default reports/latest/evidence. The last line
    says `same` (the same outcome; for a failure the same requirement and expectation), `different`,
    or `gone` (it passes now). Start it in the folder of the run: drivers are found from there.

    Exit status: 0 same; 1 different; 4 gone; 2 usage; 3 the case did not come to an end.
    """
    try:
        before = read_evidence(evidence)
        status, again = _run_again(before, results, attach)
    except EvidenceError as error:
        raise click.UsageError(str(error)) from None
    if again is None:
        click.echo("The case did not come to an end: what hindered it stands above.", err=True)
        sys.exit(USAGE if status == USAGE else UNDECIDED)
    comparison = compare(before.result, again.result)
    click.echo(f"{comparison.likeness}: {before.case}: {comparison.reason}")
    sys.exit(STATUS[comparison.likeness])


def _run_again(before: Evidence, results: str, attach: str | None) -> tuple[int, Evidence | None]:
    """Return the exit status of the new run and its evidence, None if it left none."""
    written = evidence_path(Path(results) / "evidence", before.case)
    written.unlink(missing_ok=True)
    file, _, name = before.case.partition("::")
    given: dict[str, object] = {
        **before.drivers,
        "router": before.router,
        "seed": before.seed,
        # What was measured for the run is no measure for a debugger.
        "deadline_scale": before.deadline_scale if attach is None else None,
        "attach": attach,
    }
    arguments = option_arguments(given, **dict.fromkeys(before.switches, True))
    status = run_scenarios([*arguments, f"{file}.py::{name}"], results=results)
    return status, read_evidence(written) if written.exists() else None
