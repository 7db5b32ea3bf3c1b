"""Addresses and the patterns that match them.

An address is `/` followed by segments that are separated by `/`. In a pattern, the segment `**` matches
any number of segments, including none, and `*` matches any characters within one segment: a whole
segment if it is alone, a part of one if it is embedded, as in `zone5*`. No other character is special.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from clasp_e2e.wire.errors import WireError

T = TypeVar("T")


def check_address(s: str) -> None:
    """Raise `WireError` unless `s` is an address: a leading `/`, and no empty segment except the last."""
    _check_segments(s, "address")


def check_pattern(s: str) -> None:
    """Raise `WireError` unless `s` is a pattern: an address that may contain `*`."""
    _check_segments(s, "pattern")


def matches(pattern: str, address: str) -> bool:
    """Return whether `pattern` matches `address`.

    The time is at most proportional to the product of the lengths. Neither argument is validated.
    """
    if "*" not in pattern:
        return pattern == address
    return _glob(pattern.split("/"), address.split("/"), "**", _segment_matches)


def _segment_matches(pattern: str, segment: str) -> bool:
    if "*" not in pattern:
        return pattern == segment
    return _glob(pattern, segment, "*", str.__eq__)


def _glob(pattern: Sequence[T], subject: Sequence[T], star: T, same: Callable[[T, T], bool]) -> bool:
    """Return whether `subject` equals `pattern` with each `star` replaced by any number of items.

    Only the last star is extended on a mismatch: it can match whatever an earlier one could.
    """
    at = 0  # in the pattern
    here = 0  # in the subject
    retry: tuple[int, int] | None = None  # the position after the last star, and the end of its match
    while here < len(subject):
        if at < len(pattern) and pattern[at] == star:
            at += 1
            retry = (at, here)
        elif at < len(pattern) and same(pattern[at], subject[here]):
            at += 1
            here += 1
        elif retry is not None:
            at, here = retry[0], retry[1] + 1
            retry = (at, here)
        else:
            return False
    return all(item == star for item in pattern[at:])


def _check_segments(s: str, what: str) -> None:
    if not s.startswith("/"):
        raise WireError(f"{what} {s!r}: does not start with '/'")
    if "//" in s:
        raise WireError(f"{what} {s!r}: has an empty segment")
