"""The difference between two results: each kind of change, and what counts as the same reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.runs import run_of, scenario

from clasp_e2e.results.difference import ChangeKind, Comparable, ResultsDifference, compare_results
from clasp_e2e.results.matrix_results import Cell, State
from clasp_e2e.results.outcome import Outcome, RequirementVerdict
from clasp_e2e.results.run_record import Run

SEEN = "expected 5 bytes (68656c6c6f); seen: 3 bytes (616263)"


def results(run: Run | Cell, *intermittent: str, cell: str = "") -> Comparable:
    return Comparable("results", "2026", "clasp-e2e 1", {cell: run}, frozenset(intermittent))


def difference(
    old: str, new: str, *intermittent: str, before: str = SEEN, now: str = SEEN
) -> ResultsDifference:
    """Compare two runs that differ in the outcome of one case of SND-1."""
    runs = [run_of(scenario("SND-1", out, message=text)) for out, text in ((old, before), (new, now))]
    return compare_results(results(runs[0], *intermittent), results(runs[1], *intermittent))


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("passed", "failed", ChangeKind.BROKEN),
        ("blocked", "failed", ChangeKind.BROKEN),
        ("passed", "expected_failure", ChangeKind.BROKEN),
        ("failed", "passed", ChangeKind.MENDED),
        ("expected_failure", "unexpected_pass", ChangeKind.MENDED),
        ("failed", "blocked", ChangeKind.LOST),
        ("passed", "error", ChangeKind.LOST),
        ("unobserved", "passed", ChangeKind.JUDGED),
        ("passed", "unstable", ChangeKind.UNSTABLE),
    ],
)
def test_change_follows_from_outcomes(old: str, new: str, change: ChangeKind) -> None:
    found = difference(old, new)
    (case,) = found.cases
    assert (case.change, case.before, case.now) == (change, Outcome(old), Outcome(new))
    assert found.broken is (change is ChangeKind.BROKEN)


@pytest.mark.parametrize("outcome", [each.value for each in Outcome if each is not Outcome.UNSTABLE])
def test_equal_results_have_no_difference(outcome: str) -> None:
    found = difference(outcome, outcome)
    assert (found.cases, found.requirements, found.broken) == ((), (), False)
    assert found.unchanged > 0


def test_generated_numbers_are_no_other_reason() -> None:
    again = "expected 5 bytes (0102030405); seen: 4 bytes (61626364)"
    assert difference("failed", "failed", now=again).cases == ()
    (case,) = difference("failed", "failed", now="expected an event; seen: nothing").cases
    assert case.change is ChangeKind.OTHER_REASON
    assert (case.reason_before, case.reason_now) == (SEEN, "expected an event; seen: nothing")


def test_intermittent_failure_is_unstable() -> None:
    found = difference("passed", "expected_failure", "SND-1")
    assert {each.change for each in (*found.cases, *found.requirements)} == {ChangeKind.UNSTABLE}
    assert not found.broken


def test_case_of_one_result_is_new_or_gone() -> None:
    extra = run_of(scenario("SND-1", "failed"), scenario("SND-1", "passed", id="file::more[a-b]"))
    one = run_of(scenario("SND-1", "failed"))
    (new,) = compare_results(results(one), results(extra)).cases
    (gone,) = compare_results(results(extra), results(one)).cases
    assert (new.change, new.before, gone.change, gone.now) == (ChangeKind.NEW, None, ChangeKind.GONE, None)


def test_cells_without_results_are_compared_by_requirement() -> None:
    def cell(*failed: str) -> Comparable:
        one = Cell(offerer="a", answerer="b", router="r", state=State.JUDGED, failed=failed)
        return results(one, cell=one.name)

    found = compare_results(cell("SND-1"), cell("SND-2"))
    assert [(each.id, each.change, each.before) for each in found.requirements] == [
        ("SND-2", ChangeKind.BROKEN, RequirementVerdict.PASS),
        ("SND-1", ChangeKind.MENDED, RequirementVerdict.FAIL),
    ]
    assert found.broken


@given(st.sampled_from(Outcome), st.sampled_from(Outcome))
def test_comparison_reversed_mends_what_it_broke(one: Outcome, other: Outcome) -> None:
    forward, back = (difference(a, b) for a, b in ((one, other), (other, one)))
    assert forward.unchanged == back.unchanged
    if {each.change for each in forward.cases} == {ChangeKind.MENDED}:
        assert {each.change for each in back.cases} == {ChangeKind.BROKEN}
