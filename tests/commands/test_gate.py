from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from clasp_e2e.report.sarif import requirement_url

from .conftest import LIAR, Command, Invoke
from .test_replay import CASE

LIST = "clasp-baseline.toml"
LIAR_GATE = ("gate", CASE, "--offerer", "liar:Liar")


def test_failure_is_one_line_and_listed_only_with_a_reason(command: Command, tmp_path: Path) -> None:
    (tmp_path / "liar.py").write_text(LIAR)
    fails = command(*LIAR_GATE, "--github", "--update-baseline")
    assert fails.returncode == 1, fails.stdout + fails.stderr
    [line] = [line for line in fails.stdout.splitlines() if line.startswith("  RTE-1 in ")]
    assert f"list it in {LIST}" in line
    page = requirement_url("RTE-1").replace("%", "%25")
    assert f"::error title=clasp-e2e gate::{line.strip()}%0A{page}" in fails.stdout
    assert not (tmp_path / LIST).exists(), "without a reason the list only shrinks"

    accepted = command(*LIAR_GATE, "--update-baseline", "--accept-new", "It answers in haste.")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    [entry] = tomllib.loads((tmp_path / LIST).read_text())["known"]
    assert (entry["requirement"], entry["reason"]) == ("RTE-1", "It answers in haste.")
    assert f"{LIST}: entries deleted or narrowed: 0; added: 1" in accepted.stdout
    assert "Gate: passed: no unexpected result" in accepted.stdout


def test_requirement_that_is_met_again_leaves_the_list(command: Command, tmp_path: Path) -> None:
    (tmp_path / "liar.py").write_text(LIAR.replace("SERVER_ONLY", "PREFER_P2P"))
    entry = """
        # Ours.
        [[known]]
        requirement = "RTE-1"
        pairing = "iut"
        reason = "It answered in haste."
        seen = "ServerOnly"
        scenario = "test_the_mode_is_prefer_p2p_until_it_is_set"
    """
    (tmp_path / LIST).write_text(entry)
    shrunk = command(*LIAR_GATE, "--update-baseline")
    assert shrunk.returncode == 0, shrunk.stdout + shrunk.stderr
    assert f"{LIST}: entries deleted or narrowed: 1; added: 0" in shrunk.stdout
    assert tomllib.loads((tmp_path / LIST).read_text()) == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--accept-new", "why"], "add --update-baseline"),
        (["--update-baseline", "--accept-new", " "], "needs a reason"),
    ],
)
def test_bad_usage(invoke: Invoke, arguments: list[str], said: str) -> None:
    result = invoke("gate", *arguments)
    assert result.exit_code == 2
    assert said in result.output
