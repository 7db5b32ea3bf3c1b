"""The search for the first version that does not meet a requirement, by halving. Pure."""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass
from enum import StrEnum
from math import log2


class Judged(StrEnum):
    """What a run of a version showed of the requirement."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"
    """The version cannot be built, or the requirement was not judged."""


@dataclass(frozen=True, slots=True)
class Bisected:
    """The result of a search over versions, which are numbered from the oldest."""

    first_bad: int | None
    """The first bad version; None if an end turned out to be the opposite of what was claimed."""
    skipped: tuple[int, ...] = ()
    """Versions before `first_bad` that could not be judged; one of them may be the first bad one."""
    wrong_end: int | None = None
    """The end that is the opposite of what was claimed."""
    good_end_checked: bool = False
    """Whether a run showed that the oldest version is good."""


def maximum_runs(versions: int) -> int:
    """Return the maximum number of runs that judge, over so many versions: log2(n) + 1."""
    return int(log2(versions)) + 1


def bisect_versions(count: int) -> Generator[int, Judged, Bisected]:
    """Search among `count` versions of which the first is good and the last is bad, as claimed.

    The generator yields the number of the version to judge, and expects what its run showed. Versions that
    are skipped do not count as runs: the nearest one to the middle that can be judged is taken instead.
    The ends are checked last, the bad one always, because its failure is what the search reports if all
    others are good, and the good one if a run is left within `maximum_runs`.
    """
    good, bad = 0, count - 1
    skipped: set[int] = set()
    runs = 0
    while candidates := [each for each in range(good + 1, bad) if each not in skipped]:
        middle = candidates[len(candidates) // 2]
        match (yield middle):
            case Judged.SKIPPED:
                skipped.add(middle)
                continue
            case Judged.GOOD:
                good = middle
            case Judged.BAD:
                bad = middle
        runs += 1
    if bad == count - 1:
        judged = yield bad
        if judged is Judged.GOOD:
            return Bisected(None, wrong_end=bad)
        runs += judged is Judged.BAD
    checked = good > 0
    if not checked and runs < maximum_runs(count):
        judged = yield 0
        if judged is Judged.BAD:
            return Bisected(None, wrong_end=0)
        checked = judged is Judged.GOOD
    return Bisected(bad, _between(skipped, good, bad), good_end_checked=checked)


def _between(numbers: Collection[int], low: int, high: int) -> tuple[int, ...]:
    return tuple(sorted(each for each in numbers if low < each < high))
