"""`clasp-e2e stress`: the cases whose outcome changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from clasp_e2e.commands.stress import stress

SCENARIO = "test_connecting.py::test_data_reaches_the_peer"


def stressed(*arguments: str, results: Path) -> tuple[int, str, dict[str, dict[str, object]]]:
    ended = CliRunner().invoke(stress, [*arguments, "--seed", "7", "--results", str(results)])
    return ended.exit_code, ended.output, json.loads((results / "stress.json").read_text())["cases"]


def test_steady_case_is_reported_as_steady(tmp_path: Path) -> None:
    status, output, cases = stressed("3", SCENARIO, results=tmp_path)
    assert status == 0
    assert "3 case runs of 1 cases: 0 unstable; always 1 passed" in output
    assert [case["outcomes"] for case in cases.values()] == [{"passed": 3}]


def test_unsteady_case_is_unstable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    peer = "unsteady_peer:driver"
    status, output, cases = stressed("4", SCENARIO, "--peer", peer, "--jobs", "1", results=tmp_path)
    assert status == 1
    assert any(case["outcome"] == "unstable" for case in cases.values())
    assert "unstable: test_connecting::test_data_reaches_the_peer[" in output
    assert f"Repeat with clasp-e2e run '{SCENARIO}[" in output
    assert f"--peer {peer} --seed" in output
