"""`clasp-e2e show` writes the page of a case next to its evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from report.runs import scenario

from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.store import write_document

from .conftest import Invoke


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    failed = scenario("SND-1", "failed", message="expected x; seen: y")
    write_document({"scenario": to_plain(failed), "timeline": []}, tmp_path / "x.json")
    return tmp_path / "x.json"


def test_page_is_written_next_to_the_evidence_and_its_path_printed(invoke: Invoke, evidence: Path) -> None:
    result = invoke("show", str(evidence))
    assert result.output == f"{evidence.with_suffix('.html')}\n"
    assert "A scenario of SND-1" in evidence.with_suffix(".html").read_text("utf-8")


def test_page_is_written_where_it_is_asked_for(invoke: Invoke, evidence: Path, tmp_path: Path) -> None:
    invoke("show", str(evidence), "--output", str(tmp_path / "folder" / "page.html"))
    assert (tmp_path / "folder" / "page.html").exists()
    assert invoke("show", str(evidence), "--output", "-").output.startswith("<!doctype html>")
    assert not evidence.with_suffix(".html").exists()


def test_browser_is_opened_only_on_request(
    invoke: Invoke, evidence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    invoke("show", str(evidence))
    assert opened == []
    invoke("show", str(evidence), "--open")
    assert opened == [evidence.with_suffix(".html").as_uri()]


def test_file_that_is_no_evidence_is_usage(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    result = invoke("show", str(tmp_path / "x.json"))
    assert result.exit_code == 2
    assert "this is no evidence" in result.stderr
