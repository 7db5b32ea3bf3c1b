"""The published reports explain and show each failure, and contain no data of the machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clasp_e2e.report.matrix_markdown import render_matrix_markdown
from clasp_e2e.results.store import read_matrix
from clasp_e2e.results.version_history import read_history

HERE = Path(__file__).parents[1]
REPORTS = HERE / "reports"
MATRIX = REPORTS / "matrix"
PUBLISHED = sorted(path.parent for path in REPORTS.glob("*/history.jsonl"))
NOT_MET = {"fail", "deviation"}


def texts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in (".json", ".jsonl", ".html", ".md", ".svg")]


def explained(folder: Path) -> set[str]:
    """The requirements to which a heading, an item or a row of a page belongs."""
    page = (folder / "README.md").read_text()
    return set(re.findall(r"^(?:##+ |- \*\*|\| )([A-Z]+-\d+)", page, re.MULTILINE))


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_every_requirement_that_failed_is_explained(folder: Path) -> None:
    newest = read_history(folder / "history.jsonl")[-1]
    failed = {name for name, verdict in newest.requirements.items() if verdict in NOT_MET}
    assert failed <= explained(folder)


def test_reports_are_small() -> None:
    sizes = [path.stat().st_size for path in REPORTS.rglob("*") if "latest" not in path.parts]
    assert sum(sizes) <= 2**20


def test_every_requirement_that_failed_in_a_cell_is_explained_or_named_with_its_page() -> None:
    matrix = read_matrix(MATRIX / "matrix.json")
    failed = {name for cell in matrix.cells for name in (*cell.failed, *cell.deviations)}
    page = (MATRIX / "README.md").read_text()
    elsewhere = set(re.findall(r"\[([A-Z]+-\d+)\]\(\.\./(\w+)/README\.md\)", page))
    assert [(name, of) for name, of in elsewhere if name not in explained(REPORTS / of)] == []
    assert failed == explained(MATRIX) | {name for name, _ in elsewhere}


def test_the_tables_of_the_matrix_are_drawn_from_it() -> None:
    drawn = render_matrix_markdown(read_matrix(MATRIX / "matrix.json"))
    assert (MATRIX / "matrix.md").read_text() == drawn
    tables = drawn.partition("### Failed")[0]
    first = tables.partition("Over the router **rust**")[0].partition("\n\n")[2].strip()
    assert tables.strip() in (MATRIX / "README.md").read_text()
    assert first in (HERE / "README.md").read_text()


@pytest.mark.parametrize("page", sorted(REPORTS.glob("**/README.md")), ids=lambda page: page.parent.name)
def test_what_a_page_points_at_is_there(page: Path) -> None:
    places = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert [place for place in places if "://" not in place and not (page.parent / place).exists()] == []


@pytest.mark.parametrize("folder", [*PUBLISHED, MATRIX], ids=lambda folder: folder.name)
def test_nothing_is_said_of_the_machine(folder: Path) -> None:
    found = {
        f"{path.relative_to(REPORTS)}: {place}"
        for path in texts(folder)
        for place in re.findall(r"(?<![\w/.])/(?:root|tmp|home|work|Users)/[^\s\"'`)<&]+", path.read_text())
    }
    assert found == set()
