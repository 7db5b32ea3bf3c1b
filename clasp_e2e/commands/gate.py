"""`clasp-e2e gate`: a run that holds an implementation to its list of known failures, and keeps the list."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import click
import pytest

from clasp_e2e.commands.errors import CommandError
from clasp_e2e.commands.merging import FEW, results_file
from clasp_e2e.commands.options import DRIVER, run_options
from clasp_e2e.execution.selection import read_baseline
from clasp_e2e.plugin.invocation import option_arguments, run_scenarios
from clasp_e2e.plugin.session import RUN
from clasp_e2e.results.baseline import BaselineError, parse_baseline
from clasp_e2e.results.baseline_edit import extend, new_entries, shrink
from clasp_e2e.results.journal import finish_results
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE
from clasp_e2e.results.plan import Plan
from clasp_e2e.results.reading import read_run
from clasp_e2e.results.resolution import CannotResolve, Resolution, baselines_of, resolvable_plan, resolve_run
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import ResultsError, shown
from clasp_e2e.spec.catalogue import load_catalogue

DEFAULT = Path("clasp-baseline.toml")
HEADER = "# What this implementation is known to fail; kept by `clasp-e2e gate --update-baseline`.\n"


@click.command(epilog=DRIVER)
@run_options(without=("baseline", "failed"))
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT,
    show_default=True,
    help="The known failures; without the file, those that come with the driver, if any.",
)
@click.option("--update-baseline", is_flag=True, help="Write FILE again, without the entries that are spent.")
@click.option("--accept-new", metavar="REASON", help="With --update-baseline: list what fails now, too.")
@click.option("--strict", is_flag=True, help="Count deviations as failures.")
@click.option(
    "--of",
    "of",
    metavar="RESULTS",
    type=click.Path(path_type=Path, exists=True),
    help="Run nothing: judge these results, as `clasp-e2e report` merges them.",
)
@click.option("--github", is_flag=True, help="Print complaints as annotations of GitHub Actions, too.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def gate(
    baseline: Path,
    update_baseline: bool,
    accept_new: str | None,
    strict: bool,
    results: str,
    of: Path | None,
    github: bool,
    pytest_args: tuple[str, ...],
    **options: object,
) -> None:
    """Run the scenarios and fail for all that is not in the baseline, and for what is wrong there.

    Each complaint is one line that says what to change. --update-baseline deletes what the baseline
    lists and is met now, is stale or has expired; it adds nothing without --accept-new, whose REASON
    goes into each new entry. PYTEST_ARGS are as for `clasp-e2e run`.

    With --of the last job of several holds what all of them found to the baseline; without FILE, to
    what their runs were held to. It writes what the baseline makes of the results over them.

    Exit status: 0 no unexpected result (after the update, if there is one); 1 complaints;
    2 usage; 3 partial without such a choice, or inconclusive.
    """
    if accept_new is not None and not update_baseline:
        raise CommandError("--accept-new changes the baseline; add --update-baseline")
    if accept_new is not None and not accept_new.strip():
        raise CommandError("--accept-new needs a reason, which goes into the baseline; write one")
    if of is None:
        resolution, status = _run(options, baseline, results, strict, pytest_args)
        if resolution is None:
            sys.exit(status)
        path = Path(results) / "results.json"
    else:
        given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
        if given or pytest_args:
            raise CommandError(f"--of runs nothing; leave out {' '.join([*given, *pytest_args])}")
        path = results_file(of)
        resolution = _judge(path, baseline, strict=strict)
        status = resolution.status
    if update_baseline:
        resolution, status = _update(resolution, baseline, accept_new, status)
    if of is not None or update_baseline:
        _write(resolution.run, path)
    lines = list(_complaints(resolution, baseline))
    click.echo(f"\nGate: {'passed: no unexpected result' if status == 0 else f'exit status {status}'}")
    for line in lines:
        click.echo(f"  {line}")
        if github:
            click.echo(f"::error title=clasp-e2e gate::{_escaped(line)}")
    sys.exit(status)


class _Keeper:
    """A hook that keeps what a session knows when it is over."""

    resolution: Resolution | None = None

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Keep what the run says, if it came to its end."""
        run = config.stash.get(RUN, None)
        self.resolution = None if run is None else run.resolution


def _run(
    options: Mapping[str, object], baseline: Path, results: str, strict: bool, pytest_args: Sequence[str]
) -> tuple[Resolution | None, int]:
    """Run the scenarios; return what the run says, None if it came to no end, and its exit status."""
    known = baseline if baseline.exists() else None
    arguments = option_arguments({**options, "baseline": known, "strict": strict})
    keeper = _Keeper()
    status = run_scenarios([*arguments, *pytest_args], results=results, plugins=[keeper])
    return keeper.resolution, status


def _judge(path: Path, baseline: Path, *, strict: bool) -> Resolution:
    """Return what a run that is over says when it is held to `baseline`, if that is there."""
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
    """Write the baseline anew; return what the run says with it, and the exit status."""
    run, catalogue = resolution.run, load_catalogue()
    plan = run.plan
    assert plan is not None
    existed = path.exists()
    text = path.read_text(encoding="utf-8") if existed else HEADER
    spent = resolution.known.spent
    added = [] if reason is None else new_entries(run.scenarios, reason, strict=run.strict)
    changed = extend(shrink(text, spent), added)
    if changed == text:
        click.echo(f"\n{path}: left as it is")
        return resolution, status
    try:
        new = parse_baseline(changed, shown(path), _owners(run, plan), catalogue)
        path.write_text(changed, encoding="utf-8")
    except (BaselineError, OSError) as error:
        raise CommandError(f"the baseline could not be written: {error}") from None
    beside = [each for each in baselines_of(plan, catalogue) if each.source != new.source and not existed]
    click.echo(f"\n{path}: entries deleted or narrowed: {len(spent)}; added: {len(added)}")
    resolution = resolve_run(run, catalogue, (*beside, new), _today())
    return resolution, resolution.status


def _owners(run: Run, plan: Plan) -> set[str]:
    """Return the labels of who is judged; the reference stands opposite, unless nobody else is there."""
    judged = {plan.cast[role] for role in run.judged_roles}
    return judged - {REFERENCE} or judged


def _complaints(resolution: Resolution, baseline: Path) -> Iterator[str]:
    """Yield a line for all that fails the gate."""
    wanted = {Outcome.FAILED, Outcome.DEVIATION} if resolution.run.strict else {Outcome.FAILED}
    for result in resolution.run.scenarios:
        if result.outcome in wanted:
            names = " ".join(name for name in result.requirements if result.judgment(name) in wanted)
            first = result.message.strip().partition("\n")[0]
            yield (
                f"{names} in {result.pairing}, {result.id.partition('[')[0]}: {first}; repair it, or list it"
                f" in {baseline} (--update-baseline --accept-new REASON)"
            )
    yield from resolution.known.complaints
    if missing := resolution.run.missing:
        some = ", ".join(missing[:FEW]) + (", …" if len(missing) > FEW else "")
        yield f"{len(missing)} cases that were to run have no result: {some}; run them, and merge anew"


def _write(run: Run, path: Path) -> None:
    try:
        finish_results(run, path)
    except ResultsError as error:
        raise CommandError(str(error)) from None


def _today() -> date:
    return datetime.now(UTC).date()


def _escaped(text: str) -> str:
    """Return `text` as the data of a workflow command (GitHub: percent-encoded line ends)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
