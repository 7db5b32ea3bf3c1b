from __future__ import annotations

from pathlib import Path

import pytest
from report.runs import scenario

from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.evidence import EvidenceError, read_evidence, write_evidence
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.replay_comparison import Likeness, compare
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.results.timeline import Timeline

RUN = {"drivers": {"offerer": "node"}, "router": None, "switches": ["coturn"], "deadline_scale": 2.0}


def result(outcome: Outcome, message: str = "", requirement: str = "CON-5") -> ScenarioResult:
    judgments = {"CON-5": Outcome.PASSED, "EVT-1": Outcome.PASSED, requirement: outcome}
    blocked_by = "CON-3" if outcome is Outcome.BLOCKED else None
    fields = {"message": message, "judgments": judgments, "blocked_by": blocked_by}
    return scenario("CON-5", outcome, requirements=("CON-5", "EVT-1"), **fields)


FAILED = result(Outcome.FAILED, "expected Connected; seen: nothing")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (FAILED, Likeness.SAME),
        (result(Outcome.FAILED, "expected Connected; seen: something else"), Likeness.SAME),
        (result(Outcome.FAILED, "expected two of Connected; seen: nothing"), Likeness.DIFFERENT),
        (result(Outcome.FAILED, FAILED.message, "EVT-1"), Likeness.DIFFERENT),
        (result(Outcome.DEVIATION, FAILED.message), Likeness.DIFFERENT),
        (result(Outcome.ERROR, "the adapter failed"), Likeness.DIFFERENT),
        (result(Outcome.BLOCKED), Likeness.DIFFERENT),
        (result(Outcome.PASSED), Likeness.GONE),
    ],
)
def test_likeness_compares_outcome_requirement_and_expectation(
    now: ScenarioResult, expected: Likeness
) -> None:
    assert compare(FAILED, now).likeness is expected


def test_repeated_pass_is_the_same_and_a_new_failure_is_different() -> None:
    passed = result(Outcome.PASSED)
    assert compare(passed, passed).likeness is Likeness.SAME
    assert compare(passed, FAILED).likeness is Likeness.DIFFERENT


def test_session_ids_do_not_make_failures_different() -> None:
    one, other = (
        result(Outcome.FAILED, f"expected the session '{session}'; seen: 'x'")
        for session in ("fdb21242-3e7b-4cb3-abd7-203e55441737", "0db21242-3e7b-4cb3-abd7-203e55441737")
    )
    assert compare(one, other).likeness is Likeness.SAME


def test_evidence_is_read_as_it_was_written(tmp_path: Path) -> None:
    evidence = read_evidence(write_evidence(tmp_path, FAILED, Timeline(), {}, seed=5, run=RUN))
    assert evidence.result == FAILED
    conditions = {"seed": 5, "case": FAILED.id, "pairing": FAILED.pairing, "tool": {}, "subjects": {}}
    assert to_plain(evidence.run) == RUN | conditions


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scenario": {}, "run": {}}', "\xff"])
def test_malformed_evidence_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(EvidenceError, match=r"x\.json: "):
        read_evidence(path)


def test_evidence_without_its_conditions_cannot_be_repeated(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="written by this version"):
        read_evidence(write_evidence(tmp_path, FAILED, Timeline(), {}, seed=5))
