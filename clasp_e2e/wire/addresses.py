"""Addresses and the patterns that match them.

An address is `/` and segments with `/` between them. In a pattern, `**` as a whole segment stands for
any number of segments, none among them, and `*` stands for any run of characters within one segment:
alone for one whole segment, embedded as in `zone5*` for part of it. Nothing else is special.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from clasp_e2e.wire.errors import WireError

T = TypeVar("T")


def check_address(s: str) -> None:
    """Raises `WireError` unless `s` is an address: a leading `/`, no empty segment but the last."""
    _check_segments(s, "address")


def check_pattern(s: str) -> None:
    """Raises `WireError` unless `s` is a pattern: segments as in an address, with any `*` in them."""
    _check_segments(s, "pattern")


def matches(pattern: str, address: str) -> bool:
    """Whether `pattern` stands for `address`.

    Takes at worst the product of the two lengths, whatever the wildcards. Neither is checked.
    """
    if "*" not in pattern:
        return pattern == address
    return _glob(pattern.split("/"), address.split("/"), "**", _segment_matches)


def _segment_matches(pattern: str, segment: str) -> bool:
    if "*" not in pattern:
        return pattern == segment
    return _glob(pattern, segment, "*", str.__eq__)


def _glob(pattern: Sequence[T], subject: Sequence[T], star: T, same: Callable[[T, T], bool]) -> bool:
    """Whether `subject` is `pattern` with each `star` replaced by some run of items.

    Only the last star is ever widened: whatever an earlier one could take over, the last one can too.
    """
    at = 0  # in the pattern
    here = 0  # in the subject
    retry: tuple[int, int] | None = None  # behind the last star, and where its run ends
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
