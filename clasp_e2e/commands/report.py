"""`clasp-e2e report`: reports of a run, drawn from its `results.json`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from clasp_e2e.commands.run import USAGE
from clasp_e2e.report.badge import render_badge
from clasp_e2e.report.junit import render_junit
from clasp_e2e.report.markdown import render_markdown
from clasp_e2e.results.model import Run
from clasp_e2e.results.store import ResultsError, read_results

FORMS: dict[str, Callable[[Run], str]] = {
    "markdown": render_markdown,
    "junit": render_junit,
    "badge": lambda run: render_badge(run.verdict),
}

OUTPUT = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


@click.command()
@click.argument(
    "results", type=click.Path(path_type=Path), default=Path("reports/latest"), metavar="[RESULTS]"
)
@click.option("--markdown", type=OUTPUT, metavar="FILE", help="For a pull request or a CI job's summary.")
@click.option("--junit", type=OUTPUT, metavar="FILE", help="JUnit XML, for what shows tests.")
@click.option("--badge", type=OUTPUT, metavar="FILE", help="An SVG that says the verdict.")
def report(results: Path, **outputs: Path | None) -> None:
    """Write reports of the run in RESULTS: a results.json, or the folder that holds one.

    FILE may be `-`, for the terminal. Without an option, the Markdown goes there. The same results
    give the same bytes.
    """
    wanted = {form: output for form, output in outputs.items() if output is not None}
    try:
        run = read_results(results / "results.json" if results.is_dir() else results)
    except ResultsError as error:
        raise _fault(str(error)) from None
    for form, output in (wanted or {"markdown": Path("-")}).items():
        _write(FORMS[form](run), output)


def _write(text: str, output: Path) -> None:
    if str(output) == "-":
        click.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise _fault(f"{output} cannot be written ({error.strerror}); name another file") from None


def _fault(message: str) -> click.ClickException:
    fault = click.ClickException(message)
    fault.exit_code = USAGE
    return fault
