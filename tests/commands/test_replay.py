from __future__ import annotations

from pathlib import Path

from .conftest import LIAR, Command

CASE = "test_routing_mode.py::test_the_mode_is_prefer_p2p_until_it_is_set"


def test_failure_is_the_same_and_gone_once_it_is_mended(command: Command, tmp_path: Path) -> None:
    (tmp_path / "liar.py").write_text(LIAR)
    assert command("run", CASE, "--offerer", "liar:Liar", "--seed", "7").returncode == 1
    [evidence] = (tmp_path / "reports/latest/evidence").glob("*.json")
    same = command("replay", str(evidence))
    assert same.returncode == 0, same.stdout + same.stderr
    assert same.stdout.splitlines()[-1].startswith("same: test_routing_mode::test_the_mode_is")
    assert "seed 7" in same.stdout
    (tmp_path / "liar.py").write_text(LIAR.replace("SERVER_ONLY", "PREFER_P2P"))
    gone = command("replay", str(evidence))
    assert gone.returncode == 4
    assert "now: passed" in gone.stdout.splitlines()[-1]


def test_bad_evidence_is_usage(command: Command, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    finished = command("replay", "x.json")
    assert finished.returncode == 2
    assert "this is no evidence: object missing required field scenario" in finished.stderr
