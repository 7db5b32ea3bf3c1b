"""Every command reports an error in one line, and its help fits a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clasp_e2e.commands import COMMANDS

from .conftest import Invoke, environment


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rn"], "No such command 'rn'; did you mean 'run'?"),
        (["--versoin"], "No such option '--versoin'; did you mean '--version'?"),
        (["list", "--jso"], "No such option '--jso'; did you mean '--json'?"),
        (["xyz"], "No such command 'xyz'; see `clasp-e2e --help`"),
        (["explain"], "Missing argument 'ID'; see `clasp-e2e explain --help`"),
        (["router", "--port", "x"], "Invalid value for '--port': 'x' is not a valid integer; see"),
        (["doctor", "./peer"], "no driver named './peer'; did you mean 'cmd:./peer'?"),
        (["connect", "nowhere", "x"], ""),
        (["connect", "127.0.0.1:1", "no-such-program"], "there is no program 'no-such-program'"),
    ],
)
def test_usage_error_is_one_line_with_a_hint(invoke: Invoke, arguments: list[str], message: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {message}")


def test_misspelt_evidence_file_gets_a_suggestion(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "test_sending_test_order_iut.json").touch()
    result = invoke("replay", str(tmp_path / "test_sendign_test_order_iut.json"))
    assert result.exit_code == 2
    assert f"did you mean '{tmp_path / 'test_sending_test_order_iut.json'}'?" in result.stderr


def test_no_arguments_print_the_help(invoke: Invoke) -> None:
    result = invoke()
    assert result.exit_code == 2
    assert "Commands:" in result.stderr


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal_and_cuts_nothing_off(invoke: Invoke, command: str) -> None:
    result = invoke(*command.split(), "--help", COLUMNS="80")
    assert result.exit_code == 0
    usage, *lines = result.stdout.splitlines()
    assert usage.startswith("Usage: clasp-e2e")
    assert not [line for line in lines if line.endswith(("...", "…"))]
    assert max(map(len, lines)) <= 80


@pytest.mark.subprocess
def test_package_can_be_run_as_a_module(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "clasp_e2e", "xyz"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 2
    assert finished.stderr == "Error: No such command 'xyz'; see `clasp-e2e --help`\n"
