"""`clasp-e2e gate`: compare a run with a list of known failures, and update the list."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import click
import pytest

from clasp_e2e.commands.errors import CommandError, reported
from clasp_e2e.commands.merging import results_file, some_of
from clasp_e2e.commands.options import DRIVER, chosen_scenarios, run_options
from clasp_e2e.execution.selection import read_baseline
from clasp_e2e.plugin.invocation import option_arguments, run_scenarios
from clasp_e2e.plugin.session import RUN
from clasp_e2e.report.sarif import requirement_url
from clasp_e2e.report.words import first_line
from clasp_e2e.results.baseline import BaselineError, parse_baseline
from clasp_e2e.results.baseline_edit import extend, new_entries, shrink
from clasp_e2e.results.journal import finish_results
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE
from clasp_e2e.results.planned_cases import Plan
from clasp_e2e.results.reading import read_run
from clasp_e2e.results.resolution import CannotResolve, Resolution, baselines_of, resolvable_plan, resolve_run
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import ResultsError, shown
from clasp_e2e.spec.catalogue import load_catalogue

DEFAULT = Path("clasp-baseline.toml")
HEADER = "# Known failures of this implementation; maintained by `clasp-e2e gate --update-baseline`.\n"


@click.command(epilog=DRIVER)
@run_options(without=("baseline", "failed"))
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT,
    show_default=True,
    help="File of known failures; if it does not exist, those included with the driver.",
)
@click.option(
    "--update-baseline", is_flag=True, help="Delete from FILE the entries that are no longer needed."
)
@click.option("--accept-new", metavar="REASON", help="With --update-baseline: also add the new failures.")
@click.option("--strict", is_flag=True, help="Count deviations as failures.")
@click.option(
    "--of",
    "of",
    metavar="RESULTS",
    type=click.Path(path_type=Path, exists=True),
    help="Compare existing results instead of running: a results.json or its folder.",
)
@click.option(
    "--github", is_flag=True, help="Also print unexpected results as annotations of GitHub Actions."
)
@chosen_scenarios()
def gate(
    baseline: Path,
    update_baseline: bool,
    accept_new: str | None,
    strict: bool,
    results: Path,
    of: Path | None,
    github: bool,
    keyword: str | None,
    markers: str | None,
    pytest_args: tuple[str, ...],
    **options: object,
) -> None:
    """Run the scenarios; fail on failures that the baseline does not list, and on incorrect entries.

    Each unexpected result is one line that says what to change. --update-baseline deletes the entries
    that are met now, are stale or have expired; it adds entries only with --accept-new, each with
    REASON. PYTEST_ARGS are as for `clasp-e2e run`.

    --of compares the results of earlier runs (merged by `clasp-e2e report`, or the journal.jsonl of a
    run that was killed) with the baseline, or, if FILE does not exist, with the one of those runs.
    RESULTS is then rewritten.

    Exit status: 0 no unexpected result (after an update); 1 unexpected results; 2 usage; 3 no verdict:
    partial although no part was chosen, or inconclusive.
    """
    options |= {"k": keyword, "m": markers}
    if accept_new is not None and not update_baseline:
        raise CommandError("--accept-new changes the baseline; add --update-baseline")
    if accept_new is not None and not accept_new.strip():
        raise CommandError("--accept-new needs a reason for the baseline; write one")
    if of is None:
        resolution, status = _run(options, baseline, results, strict, pytest_args)
        if resolution is None:
            sys.exit(status)
        path = results / "results.json"
    else:
        given = option_arguments({name: value or None for name, value in options.items()})
        if given or pytest_args:
            raise CommandError(f"--of runs nothing; leave out {' '.join([*given, *pytest_args])}")
        path = results_file(of)
        resolution = _judge(path, baseline, strict=strict)
        status = resolution.status
    if update_baseline:
        resolution, status = _update(resolution, baseline, accept_new, status)
    if of is not None or update_baseline:
        _write(resolution.run, path)
    complaints = list(_complaints(resolution, baseline))
    click.echo(f"\nGate: {'passed: no unexpected result' if status == 0 else f'exit status {status}'}")
    for line, requirements in complaints:
        click.echo(f"  {line}")
        if github:
            text = "\n".join([line, *map(requirement_url, requirements)])
            click.echo(f"::error title=clasp-e2e gate::{_escaped(text)}")
    sys.exit(status)


class _Keeper:
    """A pytest plugin that keeps the result of a session."""

    resolution: Resolution | None = None

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Keep the resolved run, if it finished."""
        run = config.stash.get(RUN, None)
        self.resolution = None if run is None else run.resolution


def _run(
    options: Mapping[str, object], baseline: Path, results: Path, strict: bool, pytest_args: Sequence[str]
) -> tuple[Resolution | None, int]:
    """Run the scenarios; return the resolved run, None if it did not finish, and its exit status."""
    known = baseline if baseline.exists() else None
    arguments = option_arguments({**options, "baseline": known, "strict": strict})
    keeper = _Keeper()
    status = run_scenarios([*arguments, *pytest_args], results=results, plugins=[keeper])
    return keeper.resolution, status


def _judge(path: Path, baseline: Path, *, strict: bool) -> Resolution:
    """Return an earlier run, resolved with `baseline` if that exists."""
    catalogue = load_catalogue()
    try:
        run = read_run(path, catalogue)
        plan = resolvable_plan(run, catalogue)
        owners = _owners(run, plan)
        known = (
            (read_baseline(baseline, owners, frozenset(plan.labels), catalogue, own=False),)
            if baseline.exists()
            else baselines_of(plan, catalogue)
        )
    except CannotResolve as error:
        raise CommandError(f"{path}: {error}") from None
    except (ResultsError, BaselineError) as error:
        raise CommandError(str(error)) from None
    return resolve_run(replace(run, strict=strict or run.strict), catalogue, known, _today())


def _update(resolution: Resolution, path: Path, reason: str | None, status: int) -> tuple[Resolution, int]:
    """Update the baseline; return the run compared with it, and the exit status."""
    run, catalogue = resolution.run, load_catalogue()
    plan = run.plan
    assert plan is not None
    existed = path.exists()
    text = path.read_text(encoding="utf-8") if existed else HEADER
    spent = resolution.known.spent
    added = [] if reason is None else new_entries(run.scenarios, reason, strict=run.strict)
    changed = extend(shrink(text, spent), added)
    if changed == text:
        click.echo(f"\n{path}: unchanged")
        return resolution, status
    try:
        new = parse_baseline(changed, shown(path), _owners(run, plan), catalogue)
        path.write_text(changed, encoding="utf-8")
    except (BaselineError, OSError) as error:
        raise CommandError(f"the baseline could not be written: {error}") from None
    others = [each for each in baselines_of(plan, catalogue) if each.source != new.source and not existed]
    click.echo(f"\n{path}: entries deleted or narrowed: {len(spent)}; added: {len(added)}")
    resolution = resolve_run(run, catalogue, (*others, new), _today())
    return resolution, resolution.status


def _owners(run: Run, plan: Plan) -> set[str]:
    """Return the labels of the implementations under test; the reference only if there is no other."""
    judged = {plan.roles[role] for role in run.judged_roles}
    return judged - {REFERENCE} or judged


def _complaints(resolution: Resolution, baseline: Path) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield a line for each unexpected result, and the ids of the requirements that it is about."""
    wanted = {Outcome.FAILED, Outcome.DEVIATION} if resolution.run.strict else {Outcome.FAILED}
    for result in resolution.run.scenarios:
        if result.outcome in wanted:
            names = [name for name in result.requirements if result.judgment(name) in wanted]
            what = f"{' '.join(names)} in {result.pairing}, {result.id.partition('[')[0]}"
            advice = f"fix it, or list it in {baseline} (--update-baseline --accept-new REASON)"
            yield f"{what}: {first_line(result.message)}; {advice}", names
    yield from ((each, ()) for each in resolution.known.complaints)
    if missing := resolution.run.missing:
        line = f"{len(missing)} planned cases have no result: {some_of(missing)}; run them, and merge again"
        yield line, ()


def _write(run: Run, path: Path) -> None:
    with reported(ResultsError):
        finish_results(run, path)


def _today() -> date:
    return datetime.now(UTC).date()


def _escaped(text: str) -> str:
    """Return `text` as the data of a GitHub workflow command, with percent-encoded line ends."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
