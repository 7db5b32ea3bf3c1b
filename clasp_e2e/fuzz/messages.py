"""Random messages of each of the 19 types, all of them valid.

Source: the wire protocol page of the CLASP documentation, "Message Types".
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TypeVar, cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]  # published without types

from clasp_e2e import wire

T = TypeVar("T")

SPECIAL_NUMBERS = (0, 1, -1, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308)
_TEXTS = (
    "",
    "x",
    "value",
    "clasp",
    "ä€😀",
    "\x00",
    "a\nb",
    "*",
    "/",
    "**",
    "../..",
    "%s%n",
    "\u202e",
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


def _maybe(rng: random.Random, make: Callable[[], T]) -> T | None:
    return make() if rng.random() < 0.5 else None


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


def _types(rng: random.Random) -> frozenset[wire.SignalType]:
    return frozenset(rng.choices(list(wire.SignalType), k=rng.randrange(4)))


def _definition(rng: random.Random, meta: bool) -> wire.SignalDefinition:
    return wire.SignalDefinition(
        _address(rng),
        rng.choice(list(wire.SignalType)),
        _maybe(rng, lambda: _text(rng)),
        _maybe(rng, lambda: _text(rng)),
        wire.SignalMeta(_text(rng), (0.0, rng.choice(_FLOATS)), random_value(rng, 1)) if meta else None,
    )


def _ttl(rng: random.Random) -> wire.Ttl:
    mode = rng.choice(list(wire.TtlMode))
    return wire.Ttl(mode, 0 if mode is wire.TtlMode.NEVER else rng.choice((1, 5, 2**31 - 1)))


def _publish(rng: random.Random) -> wire.Publish:
    value = random_value(rng)
    samples = tuple(rng.choices(_FLOATS, k=rng.randrange(5))) if value is None else None
    return wire.Publish(
        rng.choice((_address(rng), _address(rng), wire.ANNOUNCE_ADDRESS, wire.SIGNAL_PREFIX + "nobody")),
        value,
        rng.choice(list(wire.SignalType)),
        samples,
        _maybe(rng, lambda: _unsigned(rng, 64)),
        _maybe(rng, lambda: _unsigned(rng, 32)),
        rng.choice(list(wire.GesturePhase)),
        _maybe(rng, lambda: _unsigned(rng, 32)),
    )


def _bundle(rng: random.Random) -> wire.Bundle:
    makers = list(_MAKERS.values())
    return wire.Bundle(
        tuple(rng.choice(makers)(rng) for _ in range(rng.randrange(3))),
        _maybe(rng, lambda: _unsigned(rng, 64)),
    )


_MAKERS: dict[type[object], Callable[[random.Random], wire.Message]] = {
    wire.Hello: lambda rng: wire.Hello(
        _text(rng), frozenset(rng.choices(_FEATURES, k=2)), _maybe(rng, lambda: "token"), _unsigned(rng, 8)
    ),
    wire.Welcome: lambda rng: wire.Welcome(_text(rng), _text(rng), _unsigned(rng, 64)),
    wire.Announce: lambda rng: wire.Announce(
        _address(rng), tuple(_definition(rng, rng.random() < 0.5) for _ in range(rng.randrange(3)))
    ),
    wire.FederationSync: lambda rng: wire.FederationSync(
        rng.choice(list(wire.FederationOp)),
        tuple(_pattern(rng) for _ in range(rng.randrange(3))),
        {_text(rng): _unsigned(rng, 64) for _ in range(rng.randrange(3))},
        _maybe(rng, lambda: _unsigned(rng, 64)),
        _maybe(rng, lambda: _text(rng)),
    ),
    wire.Subscribe: lambda rng: wire.Subscribe(
        rng.choice((0, 1, 2**32 - 1, rng.randrange(100))),
        _pattern(rng),
        _types(rng),
        wire.SubscribeOptions(
            _maybe(rng, lambda: _unsigned(rng, 32)), _maybe(rng, lambda: rng.choice(_FLOATS))
        ),
    ),
    wire.Unsubscribe: lambda rng: wire.Unsubscribe(rng.choice((0, 1, 2**32 - 1, rng.randrange(100)))),
    wire.Publish: _publish,
    wire.Set: lambda rng: wire.Set(
        _address(rng),
        random_value(rng),
        _maybe(rng, lambda: _unsigned(rng, 64)),
        rng.random() < 0.2,
        rng.random() < 0.2,
        _maybe(rng, lambda: _ttl(rng)),
    ),
    wire.Get: lambda rng: wire.Get(_address(rng)),
    wire.Snapshot: lambda rng: wire.Snapshot(
        tuple(
            wire.Param(_address(rng), random_value(rng), _unsigned(rng, 64), _maybe(rng, lambda: _text(rng)))
            for _ in range(rng.randrange(3))
        )
    ),
    wire.Replay: lambda rng: wire.Replay(
        _pattern(rng), _maybe(rng, lambda: _unsigned(rng, 64)), None, _maybe(rng, lambda: _unsigned(rng, 32))
    ),
    wire.Sync: lambda rng: wire.Sync(_unsigned(rng, 64), _maybe(rng, lambda: _unsigned(rng, 64))),
    wire.Ping: lambda _: wire.Ping(),
    wire.Pong: lambda _: wire.Pong(),
    wire.Ack: lambda rng: wire.Ack(
        _maybe(rng, lambda: _text(rng)),
        _maybe(rng, lambda: _unsigned(rng, 64)),
        _maybe(rng, lambda: True),
        _maybe(rng, lambda: _text(rng)),
    ),
    wire.Error: lambda rng: wire.Error(
        _unsigned(rng, 16), _text(rng), _maybe(rng, lambda: wire.SIGNAL_PREFIX + "nobody")
    ),
    wire.Query: lambda rng: wire.Query(_pattern(rng)),
    wire.Result: lambda rng: wire.Result(
        tuple(_definition(rng, meta=False) for _ in range(rng.randrange(3)))
    ),
    wire.Bundle: _bundle,
}

MESSAGE_TYPES = tuple(_MAKERS)
"""The classes of the 19 messages."""


def random_message(rng: random.Random, kind: type[object]) -> wire.Message:
    """A valid message of the class `kind`, one of `MESSAGE_TYPES`."""
    return _MAKERS[kind](rng)


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
