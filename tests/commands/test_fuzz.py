from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Command, Invoke


@pytest.mark.timeout(300)
def test_reference_survives_invalid_input(command: Command, tmp_path: Path) -> None:
    finished = command("fuzz", "--frames", "2000", "--signals", "500", "--seed", "1")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.count("19 message types") == 2
    assert "crashed" not in finished.stdout
    assert not list(tmp_path.iterdir())  # Nothing was found, so nothing is saved.


def test_router_that_is_somebodys_is_attacked_on_request_only(invoke: Invoke) -> None:
    result = invoke("fuzz", "--router", "ws://127.0.0.1:1")
    assert result.exit_code == 2
    assert "--attack-router" in result.output


def test_router_that_is_not_there_is_no_verdict(invoke: Invoke) -> None:
    result = invoke("fuzz", "--router", "ws://127.0.0.1:1", "--attack-router", "--frames", "1")
    assert result.exit_code == 3
    assert "before the first input" in result.output


def test_unknown_driver_and_a_file_of_another_kind_are_usage(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("fuzz", "--peer", "nobody").exit_code == 2
    (tmp_path / "peer-1-batch-3.json").write_text("{}")
    missing = invoke("fuzz", "--replay", str(tmp_path / "peer-1-batch-4.json"))
    assert missing.exit_code == 2
    assert f"did you mean '{tmp_path / 'peer-1-batch-3.json'}'?" in missing.stderr
    other = invoke("fuzz", "--replay", str(tmp_path / "peer-1-batch-3.json"))
    assert other.exit_code == 2
    assert other.stderr.startswith("Error: ")
