"""The matrix in Markdown: it has each cell, and names the cells of each unmet requirement."""

from __future__ import annotations

from clasp_e2e.report.matrix_markdown import render_matrix_markdown
from clasp_e2e.results.matrix_results import Cell, State
from clasp_e2e.results.outcome import Verdict

from .runs import matrix_of

PEERS = ("node", "rust", "more|than*that")


def markdown_of(*cells: Cell) -> str:
    return render_matrix_markdown(matrix_of(*cells, peers=PEERS))


def cell(offerer: str, answerer: str, **fields) -> Cell:
    return Cell(offerer=offerer, answerer=answerer, router="reference", **fields)


def judged(offerer: str, answerer: str, verdict: Verdict, **fields) -> Cell:
    return cell(offerer, answerer, state=State.JUDGED, verdict=verdict, **fields)


def test_each_cell_is_in_its_row_with_its_failures() -> None:
    text = markdown_of(
        judged("node", "node", Verdict.CONFORMANT),
        judged("node", "rust", Verdict.NON_CONFORMANT, failed=("EVT-3", "SND-3")),
        cell("rust", "node", state=State.NOT_AVAILABLE, reason="it is not built"),
        cell("rust", "rust", state=State.INTERRUPTED, verdict=Verdict.PARTIAL),
    )
    assert "| **node** | conformant | not conformant: EVT-3, SND-3 |" in text
    assert "| **rust** | not available | interrupted |" in text
    assert "- **EVT-3**: node → rust over reference" in text
    assert "- not available: it is not built" in text
    assert "more\\|than\\*that" in text


def test_many_cells_are_given_as_a_number() -> None:
    cells = [
        judged(offerer, answerer, Verdict.CONFORMANT_WITH_DEVIATIONS, deviations=("CON-8",))
        for offerer in PEERS
        for answerer in PEERS
    ]
    assert "- **CON-8**: 9 cells" in markdown_of(*cells)
