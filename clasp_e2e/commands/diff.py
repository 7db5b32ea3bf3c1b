"""`clasp-e2e diff OLD NEW`: compare two results by requirement and by case."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from clasp_e2e.commands.errors import reported
from clasp_e2e.commands.merging import matrix_file, results_file
from clasp_e2e.commands.report import write_text
from clasp_e2e.report.difference_text import difference_lines, render_difference_markdown
from clasp_e2e.results.baseline import BaselineError
from clasp_e2e.results.difference import Comparable, ResultsDifference, compare_results
from clasp_e2e.results.documents import encode
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.matrix_results import Cell
from clasp_e2e.results.reading import read_run
from clasp_e2e.results.resolution import baselines_of
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import ResultsError, read_matrix
from clasp_e2e.spec.catalogue import Catalogue, load_catalogue

OUTPUT = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--markdown", type=OUTPUT, metavar="FILE", help="Also write Markdown, for a pull request.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Also write JSON.")
def diff(old: Path, new: Path, markdown: Path | None, json_file: Path | None) -> None:
    """Compare two results: OLD and NEW are results.json, journal.jsonl or matrix.json files, or folders.

    A failure counts as the same if its message differs only in numbers and ids that a run generates. A
    change of what the baseline lists as intermittent is *unstable*. FILE can be `-` for standard output,
    which then holds nothing else.

    Exit status: 1 if something is broken, 2 usage, 0 otherwise.
    """
    catalogue = load_catalogue()
    with reported(ResultsError, BaselineError):
        difference = compare_results(_read(old, catalogue), _read(new, catalogue))
    if Path("-") not in (markdown, json_file):
        click.echo("\n".join(difference_lines(difference)))
    if markdown is not None:
        write_text(render_difference_markdown(difference), markdown)
    if json_file is not None:
        write_text(encode(difference, indent=2).decode() + "\n", json_file)
    sys.exit(_status(difference))


def _status(difference: ResultsDifference) -> ExitStatus:
    return ExitStatus.FAILED if difference.broken else ExitStatus.OK


def _read(path: Path, catalogue: Catalogue) -> Comparable:
    """Return the results at `path`. Raises `ResultsError`, `BaselineError`."""
    if not path.exists():
        raise ResultsError(f"{path} does not exist; name a results.json, a matrix.json or their folder")
    if (file := matrix_file(path)) is None:
        run = read_run(results_file(path), catalogue)
        return _comparable(path, run.started, run.tool, {"": run}, catalogue)
    matrix = read_matrix(file)
    runs = {cell.name: _run_of(cell, file.parent, catalogue) for cell in matrix.cells}
    return _comparable(path, matrix.started, matrix.tool, runs, catalogue)


def _run_of(cell: Cell, directory: Path, catalogue: Catalogue) -> Run | Cell:
    """Return the run of a cell, or the cell if its results are not there."""
    if cell.results is None or not (directory / cell.results).exists():
        return cell
    return read_run(directory / cell.results, catalogue)


def _comparable(
    path: Path, started: str, tool: Mapping[str, str], runs: Mapping[str, Run | Cell], catalogue: Catalogue
) -> Comparable:
    intermittent = {
        entry.requirement
        for run in runs.values()
        if isinstance(run, Run) and run.plan is not None
        for baseline in baselines_of(run.plan, catalogue)
        for entry in baseline.entries
        if entry.intermittent
    }
    return Comparable(str(path), started, " ".join(tool.values()), runs, frozenset(intermittent))
