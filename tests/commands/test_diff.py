"""`clasp-e2e diff`: results on disk are compared, shown and written, and bad input is reported."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from report.runs import run_of, scenario

from clasp_e2e.commands.diff import diff
from clasp_e2e.results.json_schemas import FOLDER
from clasp_e2e.results.store import write_results


def compare(*arguments: object) -> Result:
    return CliRunner().invoke(diff, [str(each) for each in arguments])


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """A passing run, and one in which SND-1 fails."""
    for name, outcome in (("old", "passed"), ("new", "failed")):
        case = scenario("SND-1", outcome, message="expected a; seen: b", replay="clasp-e2e run x")
        write_results(run_of(case), tmp_path / name / "results.json")
    return tmp_path / "old", tmp_path / "new"


def test_broken_case_exits_with_1_and_names_reason_and_command(two: tuple[Path, Path]) -> None:
    done = compare(*two)
    assert done.exit_code == 1
    assert "Broken: 1 requirement, 1 case" in done.output
    assert "now: expected a; seen: b" in done.output
    assert "Repeat with clasp-e2e run x" in done.output


def test_mended_case_exits_with_0(two: tuple[Path, Path]) -> None:
    done = compare(*reversed(two))
    assert (done.exit_code, "Mended: 1 requirement, 1 case" in done.output) == (0, True)


def test_equal_results_have_no_difference(two: tuple[Path, Path]) -> None:
    done = compare(two[0], two[0] / "results.json")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "no difference")


def test_json_conforms_to_published_schema(two: tuple[Path, Path]) -> None:
    done = compare(*two, "--json", "-")
    jsonschema.validate(
        json.loads(done.output), json.loads((FOLDER / "difference.schema.json").read_text(encoding="utf-8"))
    )


def test_markdown_shows_broken_first(two: tuple[Path, Path]) -> None:
    lines = compare(*two, "--markdown", "-").output.splitlines()
    assert lines[0].startswith("## CLASP P2P: 1 broken, ")
    assert [line for line in lines if line.startswith("#")][1] == "### Broken"


@pytest.mark.parametrize("content", [None, "no JSON", '{"schema": 99}'])
def test_unreadable_results_are_a_usage_error(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "results.json"
    if content is not None:
        file.write_text(content)
    done = compare(file, file)
    assert done.exit_code == 2
    assert str(file) in done.output
