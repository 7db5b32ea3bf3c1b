"""Typed access to what a MessagePack decoder found.

A `Read` function takes what was found and the name of its field, and gives the typed thing or raises
`WireError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar, cast

from clasp_e2e.wire.errors import WireError
from clasp_e2e.wire.messages import Value
from clasp_e2e.wire.values import MAX_DEPTH

__all__ = ["Map", "boolean", "each", "number", "string", "strings", "u8", "u16", "u32", "u64", "value"]

T = TypeVar("T")
Read: TypeAlias = Callable[[object, str], T]


class Map:
    """A map with string keys. A nil counts as an absent key."""

    def __init__(self, found: object, what: str) -> None:
        if not isinstance(found, dict):
            raise WireError(f"{what}: a {_kind(found)} instead of a map")
        self._found = cast("dict[object, object]", found)
        self._what = what

    def get(self, key: str) -> object:
        """What is under `key`, or `None`."""
        return self._found.get(key)

    def names(self) -> list[str]:
        """All keys."""
        return [string(key, f"{self._what} key") for key in self._found]

    def optional(self, key: str, read: Read[T]) -> T | None:
        """What `read` makes of the value under `key`, or `None` if there is none."""
        found = self._found.get(key)
        return None if found is None else read(found, f"{self._what} {key}")

    def required(self, key: str, read: Read[T]) -> T:
        """What `read` makes of the value under `key`, which must be there."""
        if self._found.get(key) is None:
            raise WireError(f"{self._what}: {key} is missing")
        return read(self._found[key], f"{self._what} {key}")


def string(found: object, what: str) -> str:
    """Text."""
    if not isinstance(found, str):
        raise WireError(f"{what}: a {_kind(found)} instead of a string")
    return found


def boolean(found: object, what: str) -> bool:
    """True or false."""
    if not isinstance(found, bool):
        raise WireError(f"{what}: a {_kind(found)} instead of a bool")
    return found


def number(found: object, what: str) -> float:
    """A float; an integer is taken for one."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise WireError(f"{what}: a {_kind(found)} instead of a number")
    return float(found)


def u8(found: object, what: str) -> int:
    """An integer below 2**8."""
    return _unsigned(found, what, 8)


def u16(found: object, what: str) -> int:
    """An integer below 2**16."""
    return _unsigned(found, what, 16)


def u32(found: object, what: str) -> int:
    """An integer below 2**32."""
    return _unsigned(found, what, 32)


def u64(found: object, what: str) -> int:
    """An integer below 2**64."""
    return _unsigned(found, what, 64)


def _unsigned(found: object, what: str, bits: int) -> int:
    if isinstance(found, bool) or not isinstance(found, int):
        raise WireError(f"{what}: a {_kind(found)} instead of an integer")
    if not 0 <= found < 1 << bits:
        raise WireError(f"{what}: {found} does not fit u{bits}")
    return found


def each(read: Read[T]) -> Read[tuple[T, ...]]:
    """The reader of an array of what `read` reads."""

    def array(found: object, what: str) -> tuple[T, ...]:
        if not isinstance(found, list):
            raise WireError(f"{what}: a {_kind(found)} instead of an array")
        return tuple(read(item, what) for item in cast("list[object]", found))

    return array


strings = each(string)
"""An array of texts."""


def value(found: object, what: str) -> Value:
    """A CLASP value: no extension types, string keys only, integers of i64, depth up to `MAX_DEPTH`."""
    return _value(found, what, 0)


def _value(found: object, what: str, depth: int) -> Value:
    if found is None or isinstance(found, bool | float | str | bytes):
        return found
    if isinstance(found, int):
        if not -(2**63) <= found < 2**63:
            raise WireError(f"{what}: {found} does not fit i64")
        return found
    if depth >= MAX_DEPTH:
        raise WireError(f"{what}: arrays and maps nest deeper than {MAX_DEPTH}")
    if isinstance(found, list):
        return [_value(item, what, depth + 1) for item in cast("list[object]", found)]
    if isinstance(found, dict):
        items = cast("dict[object, object]", found).items()
        return {string(key, f"{what} key"): _value(item, what, depth + 1) for key, item in items}
    raise WireError(f"{what}: a {_kind(found)} is no CLASP value")


def _kind(found: object) -> str:
    return type(found).__name__
