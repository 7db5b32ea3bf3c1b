"""The matrix in the terminal: it has each cell, and gives each reason once."""

from __future__ import annotations

import io

from rich.console import Console

from clasp_e2e.report.matrix_page import cell_line, print_matrix
from clasp_e2e.results.matrix_results import Cell, State
from clasp_e2e.results.outcome import Verdict

from .runs import matrix_of

MISSING = "rust: it is not built. Run: clasp-e2e build-adapter rust"


def cell(offerer: str, answerer: str, **fields) -> Cell:
    return Cell(offerer=offerer, answerer=answerer, router="reference", **fields)


def printed(*cells: Cell) -> str:
    text = io.StringIO()
    print_matrix(matrix_of(*cells), Console(file=text, width=80))
    return text.getvalue()


def test_each_cell_shows_its_state_or_verdict() -> None:
    failed = ("CON-5", "RTE-1", "SND-1", "SND-2", "TMO-1")
    text = printed(
        cell("node", "node", state=State.JUDGED, verdict=Verdict.CONFORMANT),
        cell("node", "rust", state=State.NOT_AVAILABLE, reason=MISSING),
        cell("rust", "node", state=State.NOT_AVAILABLE, reason=MISSING),
        cell(
            "rust",
            "rust",
            state=State.JUDGED,
            verdict=Verdict.NON_CONFORMANT,
            failed=failed,
            deviations=("CON-8",),
            known=("CON-8", "RTE-1"),
            complaints=("an entry is stale",),
        ),
    )
    table, _, rest = text.partition("2 cells not available")
    assert table.count("not available") == 2
    for expected in ("│ CONFORMANT", "│ NOT CONFORMANT", "CON-5, RTE-1, SND-1", "and 2 more", "1 deviation "):
        assert expected in table
    assert text.count(MISSING) == 1
    assert "failed: CON-5, RTE-1 (known), SND-1, SND-2, TMO-1\n" in rest
    assert "deviations: CON-8 (known)\n" in rest
    assert "baseline: an entry is stale\n" in rest


def test_cell_with_known_failures_only_is_marked() -> None:
    known = cell(
        "a", "b", state=State.JUDGED, verdict=Verdict.NON_CONFORMANT, failed=("CON-5",), known=("CON-5",)
    )
    assert str(cell_line(known)) == "a → b over reference: NOT CONFORMANT, AS KNOWN"


def test_cell_without_a_verdict_has_a_reason() -> None:
    broken = cell("a", "b", state=State.BROKEN, reason="it fell over\nand more", duration_s=1.25)
    assert str(cell_line(broken)) == "a → b over reference: ERROR: it fell over (1.2 s)"
    assert str(cell_line(cell("a", "b"))) == "a → b over reference: not run"
