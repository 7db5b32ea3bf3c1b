"""The deadlines of the harness."""

from __future__ import annotations

import pytest

from clasp_e2e.testbed.waiting import Patience, covered


def test_deadline_scale_applies_to_harness_not_to_specification() -> None:
    one, four = Patience(), Patience(4)
    for name in ("event", "call", "open", "retransmission", "cleanup"):
        assert getattr(four, name) == 4 * getattr(one, name)
    assert (one.attempt(30), four.attempt(30)) == (33, 42)
    assert one.consent > 36
    assert four.consent - one.consent == 3 * one.event


@pytest.mark.parametrize(
    ("intervals", "seconds"),
    [
        ([], 0),
        ([(1, 3), (5, 6)], 3),
        ([(2, 4), (1, 3)], 3),
        ([(0, 10), (2, 3), (10, 11)], 11),
    ],
)
def test_waits_at_the_same_time_count_once(intervals: list[tuple[float, float]], seconds: float) -> None:
    assert covered(intervals) == seconds
