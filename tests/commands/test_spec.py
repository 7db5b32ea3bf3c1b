"""`clasp-e2e spec` writes the specification with its verdicts, and checks another version of the page."""

from __future__ import annotations

from pathlib import Path

from report.runs import matrix_of, run_of, scenario

from clasp_e2e.results.matrix_results import cells_of
from clasp_e2e.results.store import write_document, write_results
from clasp_e2e.spec.catalogue import load_catalogue, specification_text

from .conftest import Invoke

RUN = run_of(scenario("RTE-8", "failed"))


def test_page_of_a_run_is_written(invoke: Invoke, tmp_path: Path) -> None:
    write_results(RUN, tmp_path / "results.json")
    result = invoke("spec", str(tmp_path), "--output", str(tmp_path / "spec.html"))
    assert (result.exit_code, result.output) == (0, "")
    assert "RelaysInP2POnly" in (tmp_path / "spec.html").read_text("utf-8")


def test_page_of_a_matrix_has_a_column_for_each_implementation(invoke: Invoke, tmp_path: Path) -> None:
    cells = tuple(
        each.judged(RUN, load_catalogue(), exit_status=1, results=f"{n}/results.json", duration_s=1)
        for n, each in enumerate(cells_of(("a", "b"), ("r",), {}))
    )
    write_results(RUN, tmp_path / "0" / "results.json")
    write_document(matrix_of(*cells), tmp_path / "matrix.json")
    result = invoke("spec", str(tmp_path))
    for column in ("a", "b", "router r"):
        assert f'<span class="column">{column}</span>' in result.stdout or column == "router r"
    assert "b → b over r: only what was not met is shown" in result.stderr


def test_page_that_did_not_change_is_up_to_date(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "p2p.md").write_text(specification_text(), encoding="utf-8")
    result = invoke("spec", "--check", str(tmp_path / "p2p.md"))
    assert result.exit_code == 0
    assert "every sentence is judged or excluded" in result.output


def test_changed_page_fails_and_names_what_is_out_of_date(invoke: Invoke, tmp_path: Path) -> None:
    changed = specification_text().replace("30 seconds", "20 seconds")
    (tmp_path / "p2p.md").write_text(changed, encoding="utf-8")
    result = invoke("spec", "--check", str(tmp_path / "p2p.md"))
    assert result.exit_code == 1
    assert result.output.startswith("TMO-1, TMO-3")


def test_missing_results_and_page_are_usage(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("spec", str(tmp_path)).exit_code == 2
    assert invoke("spec", "--check", str(tmp_path / "none.md")).exit_code == 2
