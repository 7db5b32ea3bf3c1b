"""Invalid arguments are reported before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result

from clasp_e2e.execution.bundled_scenarios import load_scenarios

from .conftest import Invoke

MATRIX = ("matrix", "--peers", "reference")


def error_of(result: Result) -> str:
    """The one line of an error, without its prefix."""
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line.removeprefix("Error: ")


@pytest.mark.parametrize("command", [("run",), ("gate",), MATRIX])
@pytest.mark.parametrize("argument", ["test_timeots.py", "test_timeots"])
def test_misspelt_file_gets_a_suggestion(invoke: Invoke, command: tuple[str, ...], argument: str) -> None:
    message = error_of(invoke(*command, argument))
    assert message == f"there is no scenario file {argument!r}; did you mean 'test_timeouts.py'?"


@pytest.mark.parametrize("pairing", ["", "[reference]"])
def test_misspelt_scenario_gets_a_suggestion(invoke: Invoke, pairing: str) -> None:
    right = f"{load_scenarios()[0].name}{pairing}"
    message = error_of(invoke("run", right.replace("::test_", "::test")))
    assert message.endswith(f"; did you mean {right!r}?")


def test_name_like_no_other_leads_to_the_list(invoke: Invoke) -> None:
    message = error_of(invoke("run", "xyz.py"))
    assert message == "there is no scenario file 'xyz.py'; `clasp-e2e list` prints all names"


@pytest.mark.parametrize(
    "command",
    [("run", "-k", "a b"), ("gate", "-k", "a b"), (*MATRIX, "-k", "a b"), ("run", "--", "-k", "a b")],
)
def test_bad_expression_is_named_with_its_column(invoke: Invoke, command: tuple[str, ...]) -> None:
    message = error_of(invoke(*command))
    assert message.startswith(
        "-k 'a b' is not an expression (expected end of input; got identifier, at column 3)"
    )


@pytest.mark.parametrize(
    "command", [("run",), ("gate",), MATRIX, ("model",), ("fuzz",), ("replay", "FILE"), ("report", "FILE")]
)
@pytest.mark.parametrize("below", ["", "deeper/down"])
def test_results_on_a_file_end_the_command(
    invoke: Invoke, tmp_path: Path, command: tuple[str, ...], below: str
) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    arguments = [each.replace("FILE", str(file)) for each in command]
    message = error_of(invoke(*arguments, "--results", str(file / below)))
    assert message.startswith(f"{file / below}: no results can be written here (")
    assert message.endswith("); name another directory with --results")
    assert file.read_text() == "kept"
