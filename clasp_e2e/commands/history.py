"""`clasp-e2e history`: keep the results of each version of an implementation, and show them together."""

from pathlib import Path

import click

from clasp_e2e.commands.errors import CommandError, reported
from clasp_e2e.commands.merging import matrix_file, results_file
from clasp_e2e.commands.report import OUTPUT, write_text
from clasp_e2e.report.history_page import render_history_html
from clasp_e2e.report.history_text import history_lines, render_history_markdown
from clasp_e2e.results.reading import read_run
from clasp_e2e.results.store import ResultsError
from clasp_e2e.results.version_history import (
    JudgedVersion,
    add_version,
    judged_version,
    read_history,
    write_history,
)
from clasp_e2e.spec.catalogue import load_catalogue

DEFAULT_FILE = Path("history.jsonl")
FILE = click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_FILE,
    show_default=True,
    metavar="FILE",
    help="The file of the history.",
)


@click.group()
def history() -> None:
    """Keep the results of each version of an implementation in a file, and show them together.

    The file has one line for each version, from the oldest to the newest, and belongs in a repository.
    """


@history.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--version", required=True, metavar="VERSION", help="The version that was judged.")
@FILE
def add(results: Path, version: str, file: Path) -> None:
    """Add the run in RESULTS, a results.json or its folder, as a version.

    The version is added as the newest; if the file has it already, its line is replaced.
    """
    if not version.strip():
        raise CommandError("--version is empty; name the version that was judged")
    if matrix_file(results) is not None:
        raise CommandError(f"{results} is a matrix; name the folder of a cell")
    with reported(ResultsError):
        run = read_run(results_file(results), load_catalogue())
        before = read_history(file) if file.exists() else []
        added = judged_version(run, version)
        write_history(add_version(before, added), file)
    for note in _notes(before, added, is_partial=run.subset or bool(run.missing)):
        click.echo(f"Note: {note}", err=True)
    done = "Replaced" if any(each.version == version for each in before) else "Added"
    click.echo(f"{done} {version} in {file}: {added.verdict.value.replace('_', ' ')}")


@history.command()
@FILE
@click.option("--html", type=OUTPUT, metavar="FILE", help="Also write an HTML page.")
@click.option("--markdown", type=OUTPUT, metavar="FILE", help="Also write Markdown.")
def show(file: Path, html: Path | None, markdown: Path | None) -> None:
    """Show the requirements by version.

    For each, the first bad and the first good version, and the trend.

    FILE of an output can be `-` for standard output, which then holds nothing else.
    """
    catalogue = load_catalogue()
    with reported(ResultsError):
        versions = read_history(file)
    if not versions:
        raise CommandError(f"{file} has no version; `clasp-e2e history add RESULTS --version V` adds one")
    if Path("-") not in (html, markdown):
        click.echo("\n".join(history_lines(versions, catalogue)))
    if html is not None:
        write_text(render_history_html(versions, catalogue), html)
    if markdown is not None:
        write_text(render_history_markdown(versions, catalogue), markdown)


def _notes(before: list[JudgedVersion], added: JudgedVersion, *, is_partial: bool) -> list[str]:
    """Return what may make the added version hard to compare with the others."""
    notes: list[str] = []
    if is_partial:
        notes.append("the run is a part of the scenarios; the other requirements count as not judged")
    if before and before[-1].implementation != added.implementation:
        notes.append(
            f"the version before is of {before[-1].implementation}, this one of {added.implementation}"
        )
    return notes
