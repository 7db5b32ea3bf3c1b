"""The search for the first bad version: it finds it, within its bound of runs, whatever is skipped."""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import log2

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.results.bisection import Bisected, Judged, bisect_versions, maximum_runs


def search(count: int, judge: Callable[[int], Judged]) -> tuple[Bisected, list[int]]:
    """Return the result, and the versions that were asked for."""
    steps = bisect_versions(count)
    asked: list[int] = []
    try:
        number = next(steps)
        while True:
            asked.append(number)
            number = steps.send(judge(number))
    except StopIteration as ended:
        return ended.value, asked


def bad_from(first: int, skipped: Collection[int] = ()) -> Callable[[int], Judged]:
    def judge(number: int) -> Judged:
        if number in skipped:
            return Judged.SKIPPED
        return Judged.BAD if number >= first else Judged.GOOD

    return judge


@given(st.integers(2, 2000), st.data())
def test_first_bad_version_is_found_within_the_bound(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, count - 1))
    found, asked = search(count, bad_from(first))
    assert found.first_bad == first
    assert found.skipped == ()
    assert len(asked) <= log2(count) + 1
    assert len(set(asked)) == len(asked)
    assert first in asked  # Its run gives the reason.


@given(st.integers(2, 200), st.data())
def test_skipped_versions_leave_the_bound_and_are_named(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, count - 1))
    skipped = data.draw(st.sets(st.integers(0, count - 1)))
    found, asked = search(count, bad_from(first, skipped))
    assert sum(each not in skipped for each in asked) <= log2(count) + 1
    assert found.first_bad is not None
    assert first in (found.first_bad, *found.skipped)
    assert set(found.skipped) <= skipped
    assert first not in skipped or found.first_bad > first or found.first_bad == count - 1


@given(st.integers(2, 200))
def test_bad_end_that_is_good_is_reported(count: int) -> None:
    found, _ = search(count, lambda _: Judged.GOOD)
    assert (found.first_bad, found.wrong_end) == (None, count - 1)


@given(st.integers(2, 200))
def test_good_end_is_checked_if_the_bound_leaves_a_run(count: int) -> None:
    found, asked = search(count, lambda _: Judged.BAD)
    assert len(asked) <= maximum_runs(count)
    assert (found.wrong_end == 0) is (0 in asked)
    assert found.first_bad == (None if 0 in asked else 1)
