"""MessagePack to messages: the older encoding, which some clients still use for some messages.

Source: the wire protocol page of the CLASP documentation, "Backward Compatibility". The keys are the
field names of the reference implementation; published clients send BUNDLE, QUERY and SYNC this way.
A nil counts as an absent key, and unknown keys are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TypeVar, cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]  # published without types

from clasp_e2e.wire.errors import WireError
from clasp_e2e.wire.mapped import Map, boolean, each, number, string, strings, u8, u16, u32, u64, value
from clasp_e2e.wire.messages import (
    Ack,
    Announce,
    Bundle,
    Error,
    FederationOp,
    FederationSync,
    GesturePhase,
    Get,
    Hello,
    Message,
    Param,
    Ping,
    Pong,
    Publish,
    Query,
    Replay,
    Result,
    Set,
    SignalDefinition,
    SignalMeta,
    SignalType,
    Snapshot,
    Subscribe,
    SubscribeOptions,
    Sync,
    Ttl,
    TtlMode,
    Unsubscribe,
    Welcome,
)
from clasp_e2e.wire.values import MAX_DEPTH

__all__ = ["decode_msgpack", "is_msgpack"]

E = TypeVar("E", bound=IntEnum)


def is_msgpack(payload: bytes) -> bool:
    """Whether the first byte opens a MessagePack map, and so no binary message."""
    return bool(payload) and (payload[0] & 0xF0 == 0x80 or payload[0] in (0xDE, 0xDF))


def decode_msgpack(payload: bytes) -> Message:
    """The message in a MessagePack map; `WireError` if it holds none."""
    try:
        unpackb = cast("Callable[..., object]", msgpack.unpackb)  # pyright: ignore[reportUnknownMemberType]
        found = unpackb(payload, strict_map_key=True)
    except msgpack.ExtraData as error:
        # Bytes after a message are ignored here as in the binary encoding.
        found = cast("object", error.unpacked)
    except ValueError as error:
        raise WireError(f"MessagePack: {str(error) or type(error).__name__}") from None
    return _message(found, 0)


def _message(found: object, depth: int) -> Message:
    kind = Map(found, "message").required("type", string)
    if kind == "BUNDLE":
        return _bundle(Map(found, kind), depth)
    read = _READERS.get(kind)
    if read is None:
        raise WireError(f"message type: {kind!r} is unknown; there are {', '.join(_READERS)}, BUNDLE")
    return read(Map(found, kind))


def _bundle(m: Map, depth: int) -> Bundle:
    if depth >= MAX_DEPTH:
        raise WireError(f"BUNDLE: bundles nest deeper than {MAX_DEPTH}")
    messages = each(lambda found, _: _message(found, depth + 1))
    return Bundle(m.required("messages", messages), m.optional("timestamp", u64))


def _named(kind: type[E]) -> Callable[[object, str], E]:
    """The reader of an enum's member by its name, in whatever case and with or without underscores."""
    names = {member.name.replace("_", ""): member for member in kind}

    def read(found: object, what: str) -> E:
        name = string(found, what)
        member = names.get(name.upper())
        if member is None:
            raise WireError(f"{what}: {name!r} is unknown; there are {', '.join(names).lower()}")
        return member

    return read


_signal_type = _named(SignalType)
_phase = _named(GesturePhase)
_op = _named(FederationOp)


def _types(m: Map) -> frozenset[SignalType]:
    return frozenset(m.optional("types", each(_signal_type)) or ())


def _hello(m: Map) -> Hello:
    return Hello(
        m.required("name", string),
        frozenset(m.optional("features", strings) or ()),
        m.optional("token", string),
        m.required("version", u8),
    )


def _welcome(m: Map) -> Welcome:
    return Welcome(
        m.required("session", string),
        m.required("name", string),
        m.required("time", u64),
        frozenset(m.optional("features", strings) or ()),
        m.optional("token", string),
        m.required("version", u8),
    )


def _announce(m: Map) -> Announce:
    return Announce(m.required("namespace", string), m.optional("signals", each(_signal)) or ())


def _result(m: Map) -> Result:
    return Result(m.required("signals", each(_signal)))


def _signal(found: object, what: str) -> SignalDefinition:
    m = Map(found, what)
    return SignalDefinition(
        m.required("address", string),
        m.required("type", _signal_type),
        m.optional("datatype", string),
        m.optional("access", string),
        m.optional("meta", _meta),
    )


def _meta(found: object, what: str) -> SignalMeta:
    m = Map(found, what)
    return SignalMeta(
        m.optional("unit", string),
        m.optional("range", _range),
        m.optional("default", value),
        m.optional("description", string),
    )


def _range(found: object, what: str) -> tuple[float, float]:
    bounds = each(number)(found, what)
    if len(bounds) != 2:
        raise WireError(f"{what}: {len(bounds)} bounds instead of 2")
    return bounds[0], bounds[1]


def _federation_sync(m: Map) -> FederationSync:
    return FederationSync(
        m.required("op", _op),
        m.optional("patterns", strings) or (),
        m.optional("revisions", _revisions) or {},
        m.optional("since_revision", u64),
        m.optional("origin", string),
    )


def _revisions(found: object, what: str) -> dict[str, int]:
    m = Map(found, what)
    return {key: m.required(key, u64) for key in m.names()}


def _subscribe(m: Map) -> Subscribe:
    return Subscribe(
        m.required("id", u32),
        m.required("pattern", string),
        _types(m),
        m.optional("options", _options) or SubscribeOptions(),
    )


def _options(found: object, what: str) -> SubscribeOptions:
    m = Map(found, what)
    max_rate = m.optional("max_rate", u32)
    return SubscribeOptions(
        # The Python and JavaScript clients spell it in their own way.
        m.optional("maxRate", u32) if max_rate is None else max_rate,
        m.optional("epsilon", number),
        m.optional("history", u32),
        m.optional("window", u32),
    )


def _unsubscribe(m: Map) -> Unsubscribe:
    return Unsubscribe(m.required("id", u32))


def _publish(m: Map) -> Publish:
    found = m.optional("value", value)
    if found is None:
        found = m.optional("payload", value)
    signal = m.optional("signal", _signal_type)
    return Publish(
        m.required("address", string),
        found,
        SignalType.EVENT if signal is None else signal,
        # Of value and samples the value counts, as where the reference writes such a message on.
        m.optional("samples", each(number)) if found is None else None,
        m.optional("timestamp", u64),
        m.optional("id", u32),
        m.optional("phase", _phase) or GesturePhase.START,
        m.optional("rate", u32),
    )


def _set(m: Map) -> Set:
    return Set(
        m.required("address", string),
        m.optional("value", value),
        m.optional("revision", u64),
        m.optional("lock", boolean) or False,
        m.optional("unlock", boolean) or False,
        _ttl(m),
    )


def _ttl(m: Map) -> Ttl | None:
    """Either as the reference names it (`"Never"`, `{"Sliding": 5}`), or seconds and a bool `absolute`."""
    found = m.get("ttl")
    if found is None or found == "Never":
        return None if found is None else Ttl(TtlMode.NEVER)
    if isinstance(found, dict):
        modes = Map(cast("object", found), "SET ttl")
        sliding = modes.optional("Sliding", u32)
        seconds = modes.required("Absolute", u32) if sliding is None else sliding
        absolute = sliding is None
    else:
        seconds = m.required("ttl", u32)
        absolute = m.optional("absolute", boolean) or False
    if seconds == 0 and not absolute:
        return Ttl(TtlMode.NEVER)
    return Ttl(TtlMode.ABSOLUTE if absolute else TtlMode.SLIDING, seconds & 0x7FFF_FFFF)


def _get(m: Map) -> Get:
    return Get(m.required("address", string))


def _snapshot(m: Map) -> Snapshot:
    return Snapshot(m.required("params", each(_param)))


def _param(found: object, what: str) -> Param:
    m = Map(found, what)
    return Param(
        m.required("address", string),
        m.optional("value", value),
        m.required("revision", u64),
        m.optional("writer", string),
        m.optional("timestamp", u64),
    )


def _replay(m: Map) -> Replay:
    return Replay(
        m.required("pattern", string),
        m.optional("from", u64),
        m.optional("to", u64),
        m.optional("limit", u32),
        _types(m),
    )


def _sync(m: Map) -> Sync:
    return Sync(m.required("t1", u64), m.optional("t2", u64), m.optional("t3", u64))


def _ping(_: Map) -> Ping:
    return Ping()


def _pong(_: Map) -> Pong:
    return Pong()


def _ack(m: Map) -> Ack:
    return Ack(
        m.optional("address", string),
        m.optional("revision", u64),
        m.optional("locked", boolean),
        m.optional("holder", string),
        m.optional("correlation_id", u32),
    )


def _error(m: Map) -> Error:
    return Error(
        m.required("code", u16),
        m.required("message", string),
        m.optional("address", string),
        m.optional("correlation_id", u32),
    )


def _query(m: Map) -> Query:
    return Query(m.required("pattern", string))


_READERS: dict[str, Callable[[Map], Message]] = {
    "HELLO": _hello,
    "WELCOME": _welcome,
    "ANNOUNCE": _announce,
    "FEDERATION_SYNC": _federation_sync,
    "SUBSCRIBE": _subscribe,
    "UNSUBSCRIBE": _unsubscribe,
    "PUBLISH": _publish,
    "SET": _set,
    "GET": _get,
    "SNAPSHOT": _snapshot,
    "REPLAY": _replay,
    "SYNC": _sync,
    "PING": _ping,
    "PONG": _pong,
    "ACK": _ack,
    "ERROR": _error,
    "QUERY": _query,
    "RESULT": _result,
}
