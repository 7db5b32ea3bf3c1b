"""`clasp-e2e report`: write reports of a run from its `results.json`."""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import click

from clasp_e2e.commands.arguments import usable_directory
from clasp_e2e.commands.errors import CommandError, reported
from clasp_e2e.commands.merging import matrix_file, merge_results, results_file, some_of
from clasp_e2e.report.badge import render_badge, render_endpoint
from clasp_e2e.report.case_page import render_case
from clasp_e2e.report.html import render_html, render_matrix_html
from clasp_e2e.report.junit import render_junit
from clasp_e2e.report.markdown import render_markdown
from clasp_e2e.report.matrix_markdown import render_matrix_markdown
from clasp_e2e.report.sarif import render_sarif
from clasp_e2e.report.tap import render_tap
from clasp_e2e.report.words import output_lines
from clasp_e2e.results.documents import from_plain
from clasp_e2e.results.evidence import CaseEvidence, Seen, evidence_path
from clasp_e2e.results.journal import is_unfinished
from clasp_e2e.results.merge import MergeError
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.reading import read_run
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import ResultsError, read_matrix, read_seen
from clasp_e2e.spec.catalogue import load_catalogue

FORMS: dict[str, Callable[[Run], str]] = {
    "markdown": render_markdown,
    "junit": render_junit,
    "outputs": output_lines,
    "tap": render_tap,
    "sarif": render_sarif,
    "badge": lambda run: render_badge(run.verdict),
    "endpoint": lambda run: render_endpoint(run.verdict),
}

LATEST = Path("reports/latest")
OUTPUT = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("named", type=click.Path(path_type=Path), nargs=-1, metavar="[RESULTS]...")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    callback=usable_directory,
    metavar="DIR",
    help=f"Output directory of the merged run (for several RESULTS, default: {LATEST}).",
)
@click.option(
    "--html",
    type=OUTPUT,
    metavar="FILE",
    help="One HTML page of the run, with the sequence of each case; next to it, a page of each case that did"
    " not pass.",
)
@click.option(
    "--markdown", type=OUTPUT, metavar="FILE", help="Markdown, for a pull request or the summary of a CI job."
)
@click.option("--junit", type=OUTPUT, metavar="FILE", help="JUnit XML, for tools that display tests.")
@click.option(
    "--tap", type=OUTPUT, metavar="FILE", help="TAP 14, for tools that read the Test Anything Protocol."
)
@click.option("--sarif", type=OUTPUT, metavar="FILE", help="SARIF 2.1.0, for tools that display findings.")
@click.option(
    "--outputs", type=OUTPUT, metavar="FILE", help="The lines verdict=... and failed=..., for a CI job."
)
@click.option("--badge", type=OUTPUT, metavar="FILE", help="An SVG badge with the verdict.")
@click.option("--endpoint", type=OUTPUT, metavar="FILE", help="The JSON of a shields.io endpoint badge.")
def report(named: tuple[Path, ...], results: Path | None, html: Path | None, **outputs: Path | None) -> None:
    """Write reports of the run in RESULTS: a results.json, or the folder that holds one.

    RESULTS can also be a matrix.json, or its folder, with --html and --markdown. FILE can be `-` for
    standard output; without an option, the Markdown is printed there. The output is reproducible.

    Several RESULTS are parts of one run, for example from parallel CI jobs. They are merged into DIR with
    their evidence, and the reports describe the merged run. Its verdict is that of a single run of all
    parts. `clasp-e2e gate --of DIR` compares it with the known failures.
    """
    wanted = {form: output for form, output in outputs.items() if output is not None}
    with reported(ResultsError, MergeError):
        if len(named) > 1 or (named and results is not None):
            results = results or LATEST
            _print_merge(merge_results(named, results), results)
        elif named:
            (results,) = named
        results = results or LATEST
        if (matrix := matrix_file(results)) is not None:
            _write_matrix(matrix, html, wanted)
            return
        path = results_file(results)
        run = read_run(path, load_catalogue())
        if run.missing and is_unfinished(path.parent):
            ended = f"{path.parent}: the run ended before {len(run.missing)} of its cases"
            click.echo(f"{ended}: {some_of(run.missing)}", err=True)
        if html is not None:
            seen = read_seen(path.parent, run)
            write_text(render_html(run, seen, _write_cases(run, seen, html, Path())), html)
    for form, output in (wanted or ({} if html else {"markdown": Path("-")})).items():
        write_text(FORMS[form](run), output)


def _write_cases(run: Run, seen: Seen, html: Path, below: Path) -> dict[str, str]:
    """Write the pages of the cases that did not pass to a folder next to `html`; return the links to them.

    The pages are in the folder `below` of that one.
    """
    if str(html) == "-":
        return {}
    catalogue = load_catalogue()
    folder = html.parent / f"{html.stem}-cases"
    links: dict[str, str] = {}
    for each in run.scenarios:
        document = seen.get(each.id)
        if each.outcome is not Outcome.PASSED and document is not None and not isinstance(document, str):
            page = evidence_path(folder / below, each.id).with_suffix(".html")
            write_text(render_case(from_plain(CaseEvidence, document), catalogue), page)
            links[each.id] = quote(page.relative_to(html.parent).as_posix())
    return links


def _write_matrix(path: Path, html: Path | None, wanted: dict[str, Path]) -> None:
    if others := wanted.keys() - {"markdown"}:
        forms = " and ".join(f"--{form}" for form in sorted(others))
        raise CommandError(f"{path} is a matrix, which has no {forms}: name a cell's folder for that")
    if html is not None:
        write_text(_matrix_page(path, html), html)
    if wanted or html is None:
        write_text(render_matrix_markdown(read_matrix(path)), wanted.get("markdown", Path("-")))


def _print_merge(run: Run, directory: Path) -> None:
    """Print a summary of the merge on standard error."""
    verdict = run.verdict.value.replace("_", " ")
    click.echo(
        f"Merged {len(run.shards)} runs into {directory}: {len(run.scenarios)} cases, {verdict}", err=True
    )
    if run.missing:
        click.echo(f"Without a result: {len(run.missing)} planned cases: {some_of(run.missing)}", err=True)


def _matrix_page(path: Path, html: Path) -> str:
    """Return the page of a matrix for the file `html`; write the pages of its failed cases next to it."""
    matrix = read_matrix(path)
    runs: dict[str, tuple[Run, Seen] | str] = {}
    pages: dict[str, dict[str, str]] = {}
    for cell in matrix.cells:
        if cell.results is not None:
            results = path.parent / cell.results
            try:
                run = read_run(results, load_catalogue())
            except ResultsError as error:
                runs[cell.name] = str(error).replace(f"{path.parent}{os.sep}", "")
                continue
            seen = read_seen(results.parent, run, passed=False)
            runs[cell.name] = run, seen
            pages[cell.name] = _write_cases(run, seen, html, Path(cell.results).parent)
    return render_matrix_html(matrix, runs, pages)


def write_text(text: str, output: Path) -> None:
    """Write `text` to a file, or to standard output for `-`. Raises `CommandError`."""
    if str(output) == "-":
        click.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(f"{output} cannot be written ({error.strerror}); name another file") from None
