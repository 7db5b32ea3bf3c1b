"""The steadiness of a case: its outcome, pass rate and interval."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.stability import Stability, to_report


def stability(**counts: int) -> Stability:
    made = Stability()
    for name, count in counts.items():
        for number in range(count):
            made.add(Outcome(name), f"{name} {number}", f"run --seed {number}")
    return made


def test_same_outcome_each_time_is_the_outcome() -> None:
    assert stability(passed=3).outcome is Outcome.PASSED
    assert stability(failed=3).outcome is Outcome.FAILED


def test_different_outcomes_are_unstable() -> None:
    case = stability(passed=3, failed=1)
    assert case.outcome is Outcome.UNSTABLE
    assert case.pass_rate == 0.75
    assert case.messages[Outcome.FAILED] == "failed 0"


def test_interval_is_that_of_wilson() -> None:
    low, high = stability(passed=9, failed=1).interval
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)


@given(st.integers(0, 300), st.integers(0, 300))
def test_interval_contains_the_rate_and_narrows(passed: int, failed: int) -> None:
    if not passed + failed:
        return
    case, more = stability(passed=passed, failed=failed), stability(passed=2 * passed, failed=2 * failed)
    assert 0 <= case.interval[0] <= case.pass_rate + 1e-9
    assert case.pass_rate - 1e-9 <= case.interval[1] <= 1
    assert more.interval[1] - more.interval[0] < case.interval[1] - case.interval[0]


def test_report_holds_each_case() -> None:
    report = to_report({"a": stability(passed=1, failed=1)}, rounds=2, seed=7, command="stress 2")
    assert report["case_runs"] == 2
    assert report["cases"] == {
        "a": {
            "outcome": "unstable",
            "runs": 2,
            "outcomes": {"passed": 1, "failed": 1},
            "pass_rate": 0.5,
            "interval": [0.094529, 0.905471],
            "messages": {"passed": "passed 0", "failed": "failed 0"},
        }
    }
