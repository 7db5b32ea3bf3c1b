"""Random messages of each of the 19 types, all of them valid.

Source: the wire protocol page of the CLASP documentation, "Message Types".
"""

import functools
import math
import random
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TypeVar, cast, get_args, get_type_hints

import msgpack  # pyright: ignore[reportMissingTypeStubs]  # published without types

from clasp_e2e import wire
from clasp_e2e.wire.layouts import LAYOUTS

T = TypeVar("T")

SPECIAL_NUMBERS = (0, 1, -1, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308)
_TEXTS = (
    *("", "x", "value", "clasp", "ä€😀", "\x00", "a\nb", "*", "/", "**", "../..", "%s%n", "\u202e"),
    "x" * 300,
)
_SEGMENTS = ("fuzz", "a", "b", "lights", "zone5", "0", "clasp")
_WILD = ("*", "**", "zone*", "*a*")
_FEATURES = ("param", "event", "stream", "gesture", "timeline", "federation")


def _text(rng: random.Random) -> str:
    return rng.choice(_TEXTS)


def _address(rng: random.Random) -> str:
    """An address out of some hundred, so that what a router keeps for each stays bounded."""
    return "/" + "/".join(rng.choices(_SEGMENTS, k=rng.randint(1, 2)))


def _pattern(rng: random.Random) -> str:
    return "/" + "/".join(rng.choices(_SEGMENTS + _WILD, k=rng.randint(1, 3)))


def _unsigned(rng: random.Random, bits: int) -> int:
    return rng.choice((0, 1, 2**bits - 1, rng.getrandbits(bits)))


def random_value(rng: random.Random, depth: int = 3) -> wire.Value:
    """A value of any type that CLASP has, nested at most `depth` deep."""
    match rng.randrange(10 if depth else 7):
        case 0:
            return None
        case 1:
            return rng.random() < 0.5
        case 2:
            return rng.choice(SPECIAL_NUMBERS)
        case 3:
            return rng.choice(_FLOATS)
        case 4 | 5:
            return _text(rng)
        case 6:
            return rng.randbytes(rng.choice((0, 1, 30)))
        case 7 | 8:
            return {_text(rng): random_value(rng, depth - 1) for _ in range(rng.randrange(4))}
        case _:
            return [random_value(rng, depth - 1) for _ in range(rng.randrange(4))]


def _ttl(rng: random.Random) -> wire.Ttl:
    mode = rng.choice(list(wire.TtlMode))
    return wire.Ttl(mode, 0 if mode is wire.TtlMode.NEVER else rng.choice((1, 5, 2**31 - 1)))


def _publish(rng: random.Random) -> wire.Publish:
    made = cast("wire.Publish", _record(rng, wire.Publish))
    address = rng.choice((made.address, made.address, wire.ANNOUNCE_ADDRESS, wire.SIGNAL_PREFIX + "nobody"))
    samples = tuple(rng.choices(_FLOATS, k=rng.randrange(5))) if made.value is None else None
    return replace(made, address=address, samples=samples)


def _result(rng: random.Random) -> wire.Result:
    made = cast("wire.Result", _record(rng, wire.Result))
    return wire.Result(tuple(replace(each, meta=None) for each in made.signals))


def _error(rng: random.Random) -> wire.Error:
    address = wire.SIGNAL_PREFIX + "nobody"
    return replace(cast("wire.Error", _record(rng, wire.Error)), address=rng.choice((None, address)))


def _several(make: Callable[[random.Random], T]) -> Callable[[random.Random], tuple[T, ...]]:
    return lambda rng: tuple(make(rng) for _ in range(rng.randrange(3)))


_BITS = {"version": 8, "code": 16} | dict.fromkeys(
    ("rate", "limit", "max_rate", "history", "window", "correlation_id"), 32
)
"""The bits of the integers that have fewer than 64."""

_FIELDS: dict[str, Callable[[random.Random], object]] = {
    "address": _address,
    "namespace": _address,
    "pattern": _pattern,
    # Out of a few, so that a subscription is at times replaced, or ended.
    "id": lambda rng: rng.choice((0, 1, 2**32 - 1, rng.randrange(100))),
    "patterns": _several(_pattern),
    "value": random_value,
    "default": lambda rng: random_value(rng, 1),
    "null_value": lambda _: False,
    "samples": lambda _: None,
    "range": lambda rng: (0.0, rng.choice(_FLOATS)),
    "features": lambda rng: frozenset(rng.choices(_FEATURES, k=2)),
    "types": lambda rng: frozenset(rng.choices(list(wire.SignalType), k=rng.randrange(4))),
    "revisions": lambda rng: {_text(rng): _unsigned(rng, 64) for _ in range(rng.randrange(3))},
    "token": lambda _: "token",
    "ttl": _ttl,
    "params": _several(lambda rng: _record(rng, wire.Param)),
    "signals": _several(lambda rng: _record(rng, wire.SignalDefinition)),
    "messages": _several(lambda rng: random_message(rng, rng.choice(MESSAGE_TYPES[:-1]))),
}
"""The makers of the fields whose type does not say what is valid."""


_hints = functools.cache(get_type_hints)


def _record(rng: random.Random, kind: type[object]) -> object:
    """A dataclass of the class `kind`, each field by its name or else by its type."""
    made: dict[str, object] = {}
    for name, hint in _hints(kind).items():
        kinds = get_args(hint) or (hint,)
        absent = type(None) in kinds and name not in ("value", "samples") and rng.random() < 0.5
        made[name] = None if absent else _field(rng, name, kinds[0])
    return kind(**made)


def _field(rng: random.Random, name: str, kind: type[object]) -> object:
    if name in _FIELDS:
        return _FIELDS[name](rng)
    if is_dataclass(kind):
        return _record(rng, kind)
    if issubclass(kind, Enum):
        return rng.choice(list(kind))
    if kind is int:
        return _unsigned(rng, _BITS.get(name, 64))
    if kind is str:
        return _text(rng)
    return rng.random() < 0.2 if kind is bool else rng.choice(_FLOATS)


MESSAGE_TYPES: tuple[type[object], ...] = (
    *(layout.kind for layout in LAYOUTS.values() if isinstance(layout.kind, type)),
    wire.Bundle,
)
"""The classes of the 19 messages."""


_MESSAGES: dict[type[object], Callable[[random.Random], wire.Message]] = {
    wire.Publish: _publish,
    wire.Result: _result,
    wire.Error: _error,
}
"""The makers of the messages whose fields depend on each other, or that are to provoke more."""


def random_message(rng: random.Random, kind: type[object]) -> wire.Message:
    """A valid message of the class `kind`, one of `MESSAGE_TYPES`."""
    return cast("wire.Message", _MESSAGES[kind](rng) if kind in _MESSAGES else _record(rng, kind))


def as_messagepack(message: wire.Message) -> bytes:
    """The older encoding of a message, as far as the field names alone make it."""
    packb = cast("Callable[[object], bytes]", msgpack.packb)  # pyright: ignore[reportUnknownMemberType]
    return packb(_plain(message))


def _plain(value: object) -> object:
    match value:
        case Enum():
            return value.name.lower()
        case frozenset() | tuple() | list():
            return [_plain(item) for item in cast("tuple[object, ...]", value)]
        case dict():
            return {key: _plain(item) for key, item in cast("dict[str, object]", value).items()}
        case wire.Ttl():
            return "Never" if value.mode is wire.TtlMode.NEVER else {value.mode.name.title(): value.seconds}
        case _ if is_dataclass(value):
            named = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
            if "type" in named:  # The signal type of a definition; a message's own type is its class.
                return named
            kind = (
                "FEDERATION_SYNC" if isinstance(value, wire.FederationSync) else type(value).__name__.upper()
            )
            return {"type": kind} | named
        case _:
            return value
