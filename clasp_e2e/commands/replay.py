"""`clasp-e2e replay EVIDENCE...`: run cases again, with the same seed and conditions, and compare."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from clasp_e2e.commands import options
from clasp_e2e.commands.errors import ExistingFile, reported
from clasp_e2e.plugin.invocation import option_arguments, run_scenarios
from clasp_e2e.results.evidence import Evidence, EvidenceError, evidence_path, read_evidence
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.replay_comparison import Likeness, compare

STATUS = {
    Likeness.SAME: ExitStatus.OK,
    Likeness.DIFFERENT: ExitStatus.FAILED,
    Likeness.GONE: ExitStatus.GONE,
}
WORST_FIRST = (ExitStatus.USAGE, ExitStatus.INCONCLUSIVE, ExitStatus.FAILED, ExitStatus.GONE, ExitStatus.OK)


@click.command()
@click.argument("evidence", type=ExistingFile(), nargs=-1, required=True)
@options.results_option("reports/latest/replay")
@options.option("jobs")
@options.option("attach")
def replay(evidence: tuple[Path, ...], results: Path, jobs: int | None, attach: str | None) -> None:
    """Run the cases of EVIDENCE again, with the same seeds, conditions and drivers, and compare.

    EVIDENCE are files from the evidence folder of a run, by default reports/latest/evidence. The last
    lines give the result of each case: `same` (the same outcome; for a failure the same requirement and
    expectation), `different`, or `gone` (it passes now). Start the command in the folder in which the run
    was started, so that it finds the same drivers.

    Exit status: 0 all are the same; 1 one is different; 4 one is gone; 2 usage; 3 a case did not finish.
    """
    with reported(EvidenceError):
        before = [read_evidence(path) for path in evidence]
    lines: list[str] = []
    statuses: list[int] = []
    groups = _alike(before)
    for number, group in enumerate(groups, 1):
        directory = results if len(groups) == 1 else results / str(number)
        status = _run_again(group, directory, jobs, attach)
        for each in group:
            line, its_status = _compared(each, directory, status)
            lines.append(line)
            statuses.append(its_status)
    for line in lines:
        click.echo(line)
    if len(before) > 1:
        counts = Counter(line.partition(":")[0] for line in lines)
        click.echo(", ".join(f"{count} {word}" for word, count in counts.items()))
    sys.exit(min(statuses, key=WORST_FIRST.index))


def _alike(before: Sequence[Evidence]) -> list[list[Evidence]]:
    """Group the cases that one run can repeat: those with the same seed, drivers and options."""
    groups: dict[object, list[Evidence]] = {}
    for each in before:
        run = each.run
        key = (run.seed, tuple(sorted(run.drivers.items())), run.router, run.switches, run.deadline_scale)
        groups.setdefault(key, []).append(each)
    return list(groups.values())


def _run_again(group: Sequence[Evidence], directory: Path, jobs: int | None, attach: str | None) -> int:
    """Run the cases of `group` again; return the exit status of the run."""
    first = group[0].run
    given: dict[str, object] = {
        **first.drivers,
        "router": first.router,
        "seed": first.seed,
        # The scale of the run does not apply to a debugger.
        "deadline_scale": first.deadline_scale if attach is None else None,
        "attach": attach,
        "jobs": jobs,
        **dict.fromkeys((each for each in first.switches if each != "lab"), True),
        "network": "lab" if "lab" in first.switches else None,
    }
    names = [each.run.case.partition("::") for each in group]
    cases = [f"{file}.py::{name}" for file, _, name in names]
    return run_scenarios([*option_arguments(given), *cases], results=directory)


def _compared(before: Evidence, directory: Path, status: int) -> tuple[str, int]:
    """Return the result line of a case, and its exit status."""
    written = evidence_path(directory / "evidence", before.run.case)
    if not written.exists():
        line = f"no result: {before.run.case} did not finish; see the messages above"
        return line, ExitStatus.USAGE if status == ExitStatus.USAGE else ExitStatus.INCONCLUSIVE
    comparison = compare(before.result, read_evidence(written).result)
    return f"{comparison.likeness}: {before.run.case}: {comparison.reason}", STATUS[comparison.likeness]
