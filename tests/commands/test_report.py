"""`clasp-e2e report` writes each format from the results of a run, and reports invalid results."""

from __future__ import annotations

from pathlib import Path

import pytest
from report.runs import matrix_of, run_of, scenario

from clasp_e2e.report.badge import render_badge
from clasp_e2e.report.case_page import render_case
from clasp_e2e.report.html import render_html, render_matrix_html
from clasp_e2e.report.junit import render_junit
from clasp_e2e.report.markdown import render_markdown
from clasp_e2e.report.matrix_markdown import render_matrix_markdown
from clasp_e2e.results.documents import from_plain, to_plain
from clasp_e2e.results.evidence import CaseEvidence
from clasp_e2e.results.matrix_results import Matrix, cells_of
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import read_matrix, read_results, write_document, write_results
from clasp_e2e.spec.catalogue import load_catalogue

from .conftest import Invoke


@pytest.fixture
def run() -> Run:
    return run_of(scenario("SND-1", "failed", message="expected x; seen: y"))


@pytest.fixture
def folder(tmp_path: Path, run: Run) -> Path:
    write_results(run, tmp_path / "results.json")
    return tmp_path


def test_without_an_option_the_markdown_goes_to_the_terminal(invoke: Invoke, folder: Path, run: Run) -> None:
    result = invoke("report", str(folder))
    assert result.exit_code == 0
    assert result.output == render_markdown(run)


def test_every_form_is_written_where_it_is_asked_for(invoke: Invoke, folder: Path, run: Run) -> None:
    wanted = {
        "markdown": render_markdown(run),
        "junit": render_junit(run),
        "badge": render_badge(run.verdict),
    }
    options = [part for form in wanted for part in (f"--{form}", str(folder / "deep" / form))]
    assert invoke("report", str(folder / "results.json"), *options).exit_code == 0
    assert {form: (folder / "deep" / form).read_text("utf-8") for form in wanted} == wanted


def test_results_that_are_read_equal_those_written(folder: Path, run: Run) -> None:
    assert read_results(folder / "results.json") == run


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "run the scenarios first"), ("{", "this is not JSON"), ('{"schema": 99}', "update this one")],
)
def test_results_that_cannot_be_read_are_a_usage_error(
    invoke: Invoke, tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    result = invoke("report", str(tmp_path))
    assert result.exit_code == 2
    assert words in result.output


def test_file_that_cannot_be_written_is_named(invoke: Invoke, folder: Path) -> None:
    blocked = folder / "results.json" / "report.md"
    result = invoke("report", str(folder), "--markdown", str(blocked))
    assert result.exit_code == 2
    assert "report.md cannot be written" in result.output


def test_page_shows_the_evidence_next_to_the_results(invoke: Invoke, tmp_path: Path) -> None:
    entry = {"at": 5.0, "kind": "missed", "who": "bob", "what": "timed out after 5 s waiting for Data"}
    failed = scenario("SND-1", "failed", evidence="where/it/was/written/x.json")
    gone = scenario("SND-2", "failed", evidence="gone.json")
    document = {"scenario": to_plain(failed), "timeline": [entry], "network": []}
    write_results(run_of(failed, gone), tmp_path / "results.json")
    write_document(document, tmp_path / "evidence" / "x.json")
    assert invoke("report", str(tmp_path), "--html", str(tmp_path / "r.html")).output == ""
    assert (tmp_path / "r.html").read_text("utf-8") == render_html(
        run_of(failed, gone),
        {failed.id: document, gone.id: "evidence/gone.json: there is no such file"},
        {failed.id: "r-cases/file_SND-1_rust-reference.html"},
    )
    (page,) = (tmp_path / "r-cases").iterdir()
    assert page.read_text("utf-8") == render_case(from_plain(CaseEvidence, document), load_catalogue())


def write_matrix(folder: Path, run: Run) -> Matrix:
    """Write a matrix with one cell, whose run is `run`."""
    (empty,) = cells_of(("a",), ("r",), {})
    cell = empty.judged(run, load_catalogue(), exit_status=1, results="a/results.json", duration_s=1)
    matrix = matrix_of(cell)
    write_document(matrix, folder / "matrix.json")
    write_results(run, folder / "a" / "results.json")
    return matrix


def test_page_of_a_matrix_leads_to_the_pages_of_its_failed_cases(invoke: Invoke, tmp_path: Path) -> None:
    failed = scenario("SND-1", "failed", evidence="x.json")
    write_document({"scenario": to_plain(failed), "timeline": []}, tmp_path / "a" / "evidence" / "x.json")
    write_matrix(tmp_path, run_of(failed))
    assert invoke("report", str(tmp_path), "--html", str(tmp_path / "m.html")).output == ""
    page = "m-cases/a/file_SND-1_rust-reference.html"
    assert f'<a href="{page}">SND-1<' in (tmp_path / "m.html").read_text("utf-8")
    assert "SND-1" in (tmp_path / page).read_text("utf-8")


def test_matrix_has_a_page_and_tables_and_no_other_form(invoke: Invoke, tmp_path: Path, run: Run) -> None:
    matrix = write_matrix(tmp_path, run)
    (cell,) = matrix.cells
    assert read_matrix(tmp_path / "matrix.json") == matrix
    page = render_matrix_html(matrix, {cell.name: (run, {})})
    for named in (tmp_path, tmp_path / "matrix.json"):
        assert invoke("report", str(named), "--html", "-").output == page
    for options in ((), ("--markdown", "-")):
        assert invoke("report", str(tmp_path), *options).output == render_matrix_markdown(matrix)
    for options in (("--junit", "-"), ("--html", "-", "--badge", "-")):
        result = invoke("report", str(tmp_path), *options)
        assert result.exit_code == 2
        assert "is a matrix, which has no --" in result.output
