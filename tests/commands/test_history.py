"""`clasp-e2e history`: versions are added to a file and shown, and bad input is reported."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from report.runs import run_of, scenario

from clasp_e2e.results.json_schemas import FOLDER
from clasp_e2e.results.store import write_results

from .conftest import Invoke


@pytest.fixture
def results(tmp_path: Path) -> tuple[str, str]:
    """A run in which SND-1 is met, and one in which it is not."""
    write_results(run_of(), tmp_path / "good/results.json")
    write_results(run_of(scenario("SND-1", "failed", message="why")), tmp_path / "bad/results.json")
    return str(tmp_path / "good"), str(tmp_path / "bad/results.json")


def test_versions_are_kept_and_shown(invoke: Invoke, tmp_path: Path, results) -> None:
    file = tmp_path / "history.jsonl"
    good, bad = results
    for path, version, said in (
        (good, "1.0", f"Added 1.0 in {file}: conformant"),
        (bad, "1.1", f"Added 1.1 in {file}: non conformant"),
        (bad, "1.1", f"Replaced 1.1 in {file}: non conformant"),
    ):
        added = invoke("history", "add", path, "--version", version, "--file", str(file))
        assert (added.exit_code, added.output) == (0, f"{said}\n")
    schema = json.loads((FOLDER / "history.schema.json").read_bytes())
    lines = file.read_text().splitlines()
    assert len(lines) == 2
    for line in lines:
        jsonschema.Draft202012Validator(schema).validate(json.loads(line))
    shown = invoke("history", "show", "--file", str(file), "--html", str(tmp_path / "history.html"))
    assert shown.exit_code == 0
    assert "SND-1 MUST      ✓✗  first bad 1.1" in shown.output
    assert "<title>CLASP P2P: history of clasp-client, 2 versions</title>" in (
        tmp_path / "history.html"
    ).read_text(encoding="utf-8")
    alone = invoke("history", "show", "--file", str(file), "--markdown", "-")
    assert alone.output.startswith("## CLASP P2P: history of")


def test_partial_run_is_noted(invoke: Invoke, tmp_path: Path) -> None:
    write_results(run_of(subset=True), tmp_path / "results.json")
    added = invoke(
        "history", "add", str(tmp_path), "--version", "1", "--file", str(tmp_path / "history.jsonl")
    )
    assert "Note: the run is a part of the scenarios" in added.output


def test_bad_input_is_one_line(invoke: Invoke, tmp_path: Path, results) -> None:
    file = tmp_path / "history.jsonl"
    missing = invoke("history", "show", "--file", str(file))
    assert (missing.exit_code, len(missing.output.splitlines())) == (2, 1)
    assert missing.output.startswith(f"Error: {file} does not exist; ")
    file.write_text("")
    assert "has no version" in invoke("history", "show", "--file", str(file)).output
    nothing = invoke("history", "add", str(tmp_path / "none"), "--version", "1", "--file", str(file))
    assert nothing.output.startswith("Error: ")
    assert nothing.exit_code == 2
    unnamed = invoke("history", "add", results[0], "--version", " ", "--file", str(file))
    assert unnamed.output.startswith("Error: --version is empty")
