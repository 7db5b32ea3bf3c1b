"""The published reports: each explains what failed, shows it, and says nothing of the machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

REPORTS = Path(__file__).parents[1] / "reports"
PUBLISHED = sorted(path.parent for path in REPORTS.glob("*/results.json") if path.parent.name != "latest")
NOT_MET = {"fail", "deviation"}


def texts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in (".json", ".html", ".md", ".svg")]


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_every_requirement_that_failed_is_explained(folder: Path) -> None:
    run = json.loads((folder / "results.json").read_text())
    failed = {each["id"] for each in run["requirements"] if each["verdict"] in NOT_MET}
    explained = set(re.findall(r"^### ([A-Z]+-\d+)", (folder / "README.md").read_text(), re.MULTILINE))
    assert failed <= explained


@pytest.mark.parametrize("page", sorted(REPORTS.glob("**/README.md")), ids=lambda page: page.parent.name)
def test_what_a_page_points_at_is_there(page: Path) -> None:
    places = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert [place for place in places if "://" not in place and not (page.parent / place).exists()] == []


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_nothing_is_said_of_the_machine(folder: Path) -> None:
    found = {
        f"{path.relative_to(REPORTS)}: {place}"
        for path in texts(folder)
        for place in re.findall(r"(?<![\w/.])/(?:root|tmp|home|work|Users)/[^\s\"'`)<&]+", path.read_text())
    }
    assert found == set()
