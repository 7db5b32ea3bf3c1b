"""The recorder and the evidence: what is known is on the disk, whatever comes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.outcome import Outcome, Verdict
from clasp_e2e.results.plan import Plan
from clasp_e2e.results.recorder import Recorder
from clasp_e2e.results.resolution import resolve_run
from clasp_e2e.results.run_record import ScenarioResult, Subject
from clasp_e2e.results.store import read_results
from clasp_e2e.spec import Catalogue


def result(requirement: str, case_id: str = "file::test[x-x]") -> ScenarioResult:
    return ScenarioResult(
        id=case_id, title="t", requirements=(requirement,), pairing="x-x", outcome=Outcome.PASSED
    )


@pytest.fixture
def recorder(small: Catalogue, tmp_path: Path) -> Recorder:
    return Recorder(small, tmp_path, command="pytest", seed=3, judged={"offerer", "answerer"})


def test_results_are_there_after_each_scenario_and_partial_until_the_end(recorder: Recorder) -> None:
    recorder.add(result("M-1"))
    recorder.add(result("M-2"))
    so_far = read_results(recorder.path)
    assert len(so_far.scenarios) == 2
    assert so_far.verdict is Verdict.PARTIAL
    assert recorder.run is None


def test_what_was_taken_in_is_settled_and_written(recorder: Recorder, small: Catalogue) -> None:
    recorder.add(result("M-1"))
    recorder.capabilities = {"turn", "close"}
    plan = Plan(cases={"file::test[x-x]": ("M-1",)}, covered=("M-1",), all_files=True, cast={"router": "r"})
    run = resolve_run(recorder.draft(plan, subset=False), small, (), date(2026, 1, 1)).run
    recorder.conclude(run)
    # The T-1 of this catalogue has no scenario, so that the capability it needs changes nothing.
    assert run.verdict is Verdict.CONFORMANT
    assert run is recorder.run
    assert read_results(recorder.path) == run
    assert (run.catalogue, run.seed, run.judged_roles) == (small.hash, 3, ("answerer", "offerer"))
    assert run.capabilities == ("close", "turn")


def test_subjects_come_along_from_another_process(recorder: Recorder) -> None:
    subject = Subject("x", "1", "Rust", "cmd:x")
    recorder.add(result("M-1"), {"offerer": to_plain(subject)})
    assert recorder.subjects == {"offerer": subject}
    assert recorder.subjects_json() == {"offerer": to_plain(subject)}
    recorder.add(result("M-2"), {})
    assert recorder.subjects == {"offerer": subject}
