"""The conventions that two implementations need in common, read from `conventions.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).parent / "conventions.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """A choice that the P2P page leaves open, and on which two implementations have to agree."""

    name: str
    reference: str
    """The value that the reference uses."""
    removes: frozenset[str]
    """The requirements that are not judged between implementations that differ in it."""
    reads: frozenset[str] = frozenset()
    """Other values that the reference understands: with it, they are no difference."""
    requirement: str | None = None
    """The SHOULD that recommends the reference's value; None if nobody wrote it."""
    varies: bool = False
    """Whether one implementation may use several values."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    convention: list[Convention]


@cache
def load_conventions() -> tuple[Convention, ...]:
    """Return the conventions in the order of the file."""
    return tuple(msgspec.toml.decode(FILE.read_bytes(), type=_File).convention)
