"""`clasp-e2e spec`: the specification with the verdict of each sentence, and what is out of date."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from clasp_e2e.commands.errors import CommandError, ExistingFile, reported
from clasp_e2e.commands.merging import matrix_file, results_file
from clasp_e2e.commands.report import LATEST, OUTPUT, write_text
from clasp_e2e.execution.bundled_scenarios import judging, load_scenarios
from clasp_e2e.report.spec_page import Column, Proof, column_of, not_met_in, render_spec, verdicts_of
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.matrix_results import Cell
from clasp_e2e.results.outcome import RequirementVerdict
from clasp_e2e.results.reading import read_run
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import ResultsError, read_matrix
from clasp_e2e.scripted.proof import mutants_of, variants_of
from clasp_e2e.spec.catalogue import Catalogue, load_catalogue, specification_text
from clasp_e2e.spec.page import load_exclusions, out_of_date

_REFERENCE = "reference"
_PEER, _ROUTER = ("offerer", "answerer"), ("router",)


@click.command()
@click.argument("results", type=click.Path(path_type=Path), default=LATEST, metavar="[RESULTS]")
@click.option(
    "--output", type=OUTPUT, default="-", metavar="FILE", help="The page (default: standard output)."
)
@click.option("--check", type=ExistingFile(), metavar="PAGE", help="List what is out of date for this page.")
def spec(results: Path, output: Path, check: Path | None) -> None:
    """Write the P2P page as HTML, with the verdict of each sentence in RESULTS: a run or a matrix.

    In a matrix, each implementation has the verdicts of its runs with itself and opposite the reference.
    A sentence opens to its requirements, scenarios, mutants and legal variants.

    With --check, compare the requirements with PAGE, the P2P page in Markdown, instead: quotes that are no
    longer there, and sentences that no requirement judges. The exit status is 1 if there are any.
    """
    catalogue, exclusions = load_catalogue(), load_exclusions()
    if check is not None:
        _check(check, catalogue)
        return
    with reported(ResultsError):
        columns = _columns(results, catalogue)
    write_text(render_spec(specification_text(), catalogue, exclusions, columns, _proofs(catalogue)), output)


def _check(path: Path, catalogue: Catalogue) -> None:
    try:
        page = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read ({error}); name the P2P page in Markdown") from None
    wrong = out_of_date(page, catalogue, load_exclusions())
    for line in wrong:
        click.echo(line)
    if wrong:
        raise SystemExit(ExitStatus.FAILED)
    click.echo(f"{path}: every quote is there, and every sentence is judged or excluded.")


def _columns(results: Path, catalogue: Catalogue) -> list[Column]:
    if (path := matrix_file(results)) is None:
        run = read_run(results_file(results), catalogue)
        name = next(
            (each.name for role, each in run.subjects.items() if role in run.judged_roles), "this run"
        )
        return [column_of(name, [verdicts_of(run, run.judged_roles)])]
    matrix = read_matrix(path)
    runs = {cell: _run_of(path.parent, cell, catalogue) for cell in matrix.cells if cell.results is not None}

    def of(cells: Iterable[Cell], *, router: bool = False) -> list[Mapping[str, RequirementVerdict]]:
        return [
            not_met_in(cell, router=router) if run is None else verdicts_of(run, _ROUTER if router else _PEER)
            for cell, run in ((cell, runs.get(cell)) for cell in cells if cell in runs)
        ]

    def with_itself_or_the_reference(peer: str) -> list[Cell]:
        pairs = [{peer}] if peer == _REFERENCE else [{peer}, {peer, _REFERENCE}]
        return [cell for cell in matrix.cells if {cell.offerer, cell.answerer} in pairs]

    peers = [column_of(peer, of(with_itself_or_the_reference(peer))) for peer in matrix.peers]
    routers = [
        column_of(f"router {name}", of((cell for cell in matrix.cells if cell.router == name), router=True))
        for name in matrix.routers
    ]
    return [*peers, *routers]


def _run_of(folder: Path, cell: Cell, catalogue: Catalogue) -> Run | None:
    """Return the run of a cell, or None if it was not kept: then only what was not met is known."""
    try:
        return read_run(folder / (cell.results or ""), catalogue)
    except ResultsError as error:
        click.echo(f"{cell.name}: only what was not met is shown: {error}", err=True)
        return None


def _proofs(catalogue: Catalogue) -> Mapping[str, Proof]:
    scenarios = load_scenarios()
    return {
        name: Proof(
            mutants=[(each.name, each.broken) for each in mutants_of(name)],
            variants=[(each.name, each.difference) for each in variants_of(name)],
            scenarios=[(each.name, each.scenario.title) for each in judging(name, scenarios)],
        )
        for name in catalogue
    }
