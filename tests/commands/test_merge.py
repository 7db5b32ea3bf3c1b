"""Shards are run, merged and gated as in CI; the result equals that of one run."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from report.runs import run_of, scenario

from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import read_results, write_results

from .conftest import Command, Invoke

MUTANT = "clasp_e2e.scripted.connecting:NeverOffers"
CASES = "gets_a_session or offer_and_answer or is_negotiated or leads_to or data_reaches"
JUDGED = (
    "run",
    "test_connecting.py",
    "--offerer",
    MUTANT,
    "-k",
    CASES,
    "--deadline-scale",
    "0.5",
    "--seed",
    "1",
)


def said(run: Run) -> object:
    """All that a run says, but for what a case was seen to do and how long it took."""
    return (
        (run.verdict, run.totals, run.missing, run.subset, run.requirements, run.subjects, run.seed),
        [(each.id, each.outcome, each.blocked_by, each.judgments) for each in run.scenarios],
    )


@pytest.mark.timeout(300)
@pytest.mark.long
def test_two_merged_shards_equal_one_run(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("pytest_split")
    whole = command(*JUDGED, "--results", "whole", "--", "-q")
    assert whole.returncode == 1, whole.stdout + whole.stderr
    for group in ("1", "2"):
        command(*JUDGED, "--results", f"shards/{group}", "--", "-q", "--splits", "2", "--group", group)
    one = read_results(tmp_path / "whole/results.json")
    outcomes = {each.outcome.value for each in one.scenarios}
    assert {"passed", "failed", "blocked"} <= outcomes, outcomes
    merged = command("report", "shards/2", "shards/1", "--results", "merged", "--html", "merged/report.html")
    assert merged.returncode == 0, merged.stderr
    assert "Merged 2 runs into merged" in merged.stderr
    together = read_results(tmp_path / "merged/results.json")
    assert said(together) == said(one)
    for each in together.scenarios:
        assert each.evidence is None or (tmp_path / each.evidence).exists()
    assert "Merged from" in (tmp_path / "merged/report.html").read_text()

    gate = command("gate", "--of", "merged")
    assert gate.returncode == whole.returncode
    assert "Gate: exit status 1" in gate.stdout
    accepted = command("gate", "--of", "merged", "--update-baseline", "--accept-new", "It never offers.")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    known = tomllib.loads((tmp_path / "clasp-baseline.toml").read_text())["known"]
    assert {entry["requirement"] for entry in known} == {"CON-3"}
    assert read_results(tmp_path / "merged/results.json").totals["expected_failure"] == len(known)

    part = command("report", "shards/1", "--results", "part", "--badge", "-")
    assert "Without a result: 2 planned cases" in part.stderr


def test_results_that_cannot_be_merged_are_a_usage_error(invoke: Invoke, tmp_path: Path) -> None:
    run = run_of(scenario("SND-1", "failed"))
    for name in ("one", "two"):
        write_results(run, tmp_path / name / "results.json")
    named = [str(tmp_path / name) for name in ("one", "two")]
    for options, words in (
        ((*named, "--results", str(tmp_path / "out")), "contain no plan"),
        ((*named, "--results", named[0]), "cannot replace a part"),
        ((*named, str(tmp_path / "three"), "--results", str(tmp_path / "out")), "there are no results here"),
    ):
        result = invoke("report", *options)
        assert result.exit_code == 2
        assert words in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("extra", [("--seed", "1"), ("test_ice.py",), ("--peer", "node")])
def test_gate_of_results_accepts_no_options_of_a_run(
    invoke: Invoke, tmp_path: Path, extra: tuple[str, ...]
) -> None:
    write_results(run_of(), tmp_path / "results.json")
    result = invoke("gate", "--of", str(tmp_path), *extra)
    assert result.exit_code == 2
    assert f"leave out {extra[0]}" in result.output
    unfinished = invoke("gate", "--of", str(tmp_path))
    assert unfinished.exit_code == 2
    assert "run the scenarios again" in unfinished.output
