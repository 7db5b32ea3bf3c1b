"""`clasp-e2e gate`: a run that holds an implementation to its list of known failures, and keeps the list."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from clasp_e2e.commands.run import DRIVER, USAGE, option_arguments, run_scenarios
from clasp_e2e.plugin_session import GATE, Gate, conclude
from clasp_e2e.results.baseline import BaselineError, parse_baseline
from clasp_e2e.results.baseline_edit import extend, new_entries, shrink
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.testbed.pairing import REFERENCE
from clasp_e2e.testbed.selection import Selection

DEFAULT = Path("clasp-baseline.toml")
HEADER = "# What this implementation is known to fail; kept by `clasp-e2e gate --update-baseline`.\n"


@click.command(epilog=DRIVER)
@click.option("--peer", metavar="DRIVER", help="Judge this implementation in both roles.")
@click.option("--offerer", metavar="DRIVER", help="Judge this implementation as the one that connects.")
@click.option("--answerer", metavar="DRIVER", help="Judge this implementation as the one connected to.")
@click.option("--router", metavar="DRIVER", help="Judge this router: a driver, or the ws:// URL of one.")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT,
    show_default=True,
    help="The known failures; without the file, those that lie beside the driver, if any.",
)
@click.option("--update-baseline", is_flag=True, help="Write FILE anew: entries that are spent go.")
@click.option("--accept-new", metavar="REASON", help="With --update-baseline: list what fails now, too.")
@click.option("--strict", is_flag=True, help="Count deviations as failures.")
@click.option("--seed", type=int, help="Seed of all payloads (default: a new one, printed).")
@click.option("--deadline-scale", type=float, metavar="X", help="Stretch the harness's own patience.")
@click.option("--results", metavar="DIR", default="reports/latest", show_default=True, help="Where all goes.")
@click.option("--github", is_flag=True, help="Print complaints as annotations of GitHub Actions, too.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def gate(
    baseline: Path,
    update_baseline: bool,
    accept_new: str | None,
    strict: bool,
    results: str,
    github: bool,
    pytest_args: tuple[str, ...],
    **options: str | float | None,
) -> None:
    """Run the scenarios and fail for all that is not in the baseline, and for what is wrong there.

    Each complaint is one line that says what to change. --update-baseline deletes what the baseline
    lists and is met now, is stale or has expired; it adds nothing without --accept-new, whose REASON
    goes into each new entry. PYTEST_ARGS are as for `clasp-e2e run`.

    Exit status: 0 nothing to complain of (after the update, if there is one); 1 complaints;
    2 usage; 3 partial without such a choice, or inconclusive.
    """
    if accept_new is not None and not update_baseline:
        raise click.UsageError("--accept-new changes the baseline: give --update-baseline with it")
    if accept_new is not None and not accept_new.strip():
        raise click.UsageError("--accept-new wants a reason, for whoever reads the baseline")
    written = baseline.exists()
    arguments = option_arguments({**options, "baseline": baseline if written else None}, strict=strict)
    keeper = _Keeper()
    status = run_scenarios([*arguments, *pytest_args], results=results, plugins=[keeper])
    config = keeper.config
    session = None if config is None else config.stash.get(GATE, None)
    if config is None or session is None or session.known is None:
        sys.exit(status)
    if update_baseline:
        status = _update(config, session, baseline, accept_new, strict=strict, status=status)
    lines = list(_complaints(session, baseline, strict=strict))
    click.echo(f"\nGate: {'nothing to complain of' if status == 0 else f'exit status {status}'}")
    for line in lines:
        click.echo(f"  {line}")
        if github:
            click.echo(f"::error title=clasp-e2e gate::{_escaped(line)}")
    sys.exit(status)


class _Keeper:
    """A hook that keeps what a session knows when it is over."""

    config: pytest.Config | None = None

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Keep the session's configuration, in whose stash all lies."""
        self.config = config


def _update(
    config: pytest.Config, session: Gate, path: Path, reason: str | None, *, strict: bool, status: int
) -> int:
    """Write the baseline anew and return the exit status that the run has with it."""
    assert session.known is not None
    existed = path.exists()
    text = path.read_text(encoding="utf-8") if existed else HEADER
    spent = session.known.spent
    added = [] if reason is None else new_entries(session.recorder.results, reason, strict=strict)
    changed = extend(shrink(text, spent), added)
    if changed == text:
        click.echo(f"\n{path}: left as it is")
        return status
    try:
        new = parse_baseline(changed, str(path), _owners(session.selection), session.catalogue)
        path.write_text(changed, encoding="utf-8")
    except (BaselineError, OSError) as error:
        failure = click.ClickException(f"the baseline could not be written: {error}")
        failure.exit_code = USAGE
        raise failure from None
    beside = [each for each in session.baselines if each.source != new.source and not existed]
    session.baselines = (*beside, new)
    click.echo(f"\n{path}: entries deleted or narrowed: {len(spent)}; added: {len(added)}")
    return conclude(config, session)


def _owners(selection: Selection) -> set[str]:
    """Return the labels of who is judged; the reference stands opposite, unless nobody else is there."""
    subjects = selection.subjects
    judged = {getattr(subjects, role) for role in subjects.judged}
    return judged - {REFERENCE} or judged


def _complaints(session: Gate, baseline: Path, *, strict: bool) -> Iterator[str]:
    """Yield a line for all that fails the gate."""
    assert session.known is not None
    wanted = {Outcome.FAILED, Outcome.DEVIATION} if strict else {Outcome.FAILED}
    for result in session.recorder.results:
        if result.outcome in wanted:
            names = " ".join(name for name in result.requirements if result.judgment(name) in wanted)
            first = result.message.strip().partition("\n")[0]
            yield (
                f"{names} in {result.pairing}, {result.id.partition('[')[0]}: {first}; repair it, or list it"
                f" in {baseline} (--update-baseline --accept-new REASON)"
            )
    yield from session.known.complaints


def _escaped(text: str) -> str:
    """Return `text` as the data of a workflow command (GitHub: percent-encoded line ends)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
