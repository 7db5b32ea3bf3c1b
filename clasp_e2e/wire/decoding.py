"""The compact binary encoding to messages.

As tolerant as the reference implementation: bytes after a message are ignored, unknown bits too, an
unknown signal type counts as an event, an unknown gesture phase as the start. Where the reference
would panic for lack of bytes, this raises `WireError`.
"""

from __future__ import annotations

from collections.abc import Callable

from clasp_e2e.wire.buffers import Reader
from clasp_e2e.wire.codes import ALL_TYPES, FEATURE_BITS, TYPE_BITS, MessageType
from clasp_e2e.wire.errors import WireError
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
    Value,
    Welcome,
)
from clasp_e2e.wire.values import MAX_DEPTH, read_value, read_value_data

__all__ = ["decode_binary"]


def decode_binary(payload: bytes) -> Message:
    """The message in a binary payload; `WireError` if there is none."""
    return _message(payload, 0)


def _message(payload: bytes, depth: int) -> Message:
    r = Reader(payload)
    code = r.u8("message type")
    if code == MessageType.BUNDLE:
        return _bundle(r, depth)
    read = _READERS.get(code)
    if read is None:
        raise WireError(f"message type: 0x{code:02x} is unknown; the payload is neither binary nor a map")
    return read(r)


def _features(mask: int) -> frozenset[str]:
    return frozenset(feature for feature, bit in FEATURE_BITS.items() if mask & bit)


def _types(mask: int) -> frozenset[SignalType]:
    if mask == ALL_TYPES:
        return frozenset()
    return frozenset(signal for signal, bit in TYPE_BITS.items() if mask & bit)


def _signal_type(code: int) -> SignalType:
    return SignalType(code) if code <= SignalType.TIMELINE else SignalType.EVENT


def _hello(r: Reader) -> Hello:
    version = r.u8("HELLO version")
    features = _features(r.u8("HELLO features"))
    name = r.string("HELLO name")
    return Hello(name, features, r.string("HELLO token") or None, version)


def _welcome(r: Reader) -> Welcome:
    version = r.u8("WELCOME version")
    features = _features(r.u8("WELCOME features"))
    time = r.u64("WELCOME time")
    session = r.string("WELCOME session")
    name = r.string("WELCOME name")
    return Welcome(session, name, time, features, r.string("WELCOME token") or None, version)


def _announce(r: Reader) -> Announce:
    return Announce(r.string("ANNOUNCE namespace"), _signals(r, "ANNOUNCE"))


def _result(r: Reader) -> Result:
    return Result(_signals(r, "RESULT"))


def _signals(r: Reader, what: str) -> tuple[SignalDefinition, ...]:
    return tuple(_signal(r, what) for _ in range(r.u16(f"{what} count")))


def _signal(r: Reader, what: str) -> SignalDefinition:
    address = r.string(f"{what} address")
    signal = _signal_type(r.u8(f"{what} signal type"))
    flags = r.u8(f"{what} options")
    return SignalDefinition(
        address,
        signal,
        datatype=r.string(f"{what} datatype") if flags & 0x01 else None,
        access=r.string(f"{what} access") if flags & 0x02 else None,
        meta=_meta(r) if flags & 0x04 and what == "ANNOUNCE" else None,
    )


def _meta(r: Reader) -> SignalMeta:
    flags = r.u8("meta options")
    return SignalMeta(
        unit=r.string("meta unit") if flags & 0x01 else None,
        range=(r.f64("meta range"), r.f64("meta range")) if flags & 0x02 else None,
        default=read_value(r) if flags & 0x04 else None,
        description=r.string("meta description") if flags & 0x08 else None,
    )


def _federation_sync(r: Reader) -> FederationSync:
    code = r.u8("FEDERATION_SYNC op")
    try:
        op = FederationOp(code)
    except ValueError:
        raise WireError(f"FEDERATION_SYNC op: {code} is unknown, 1 to 4 are known") from None
    patterns = tuple(
        r.string("FEDERATION_SYNC pattern") for _ in range(r.u16("FEDERATION_SYNC pattern count"))
    )
    revisions = {
        r.string("FEDERATION_SYNC revision key"): r.u64("FEDERATION_SYNC revision")
        for _ in range(r.u16("FEDERATION_SYNC revision count"))
    }
    flags = r.u8("FEDERATION_SYNC flags")
    return FederationSync(
        op,
        patterns,
        revisions,
        since_revision=r.u64("FEDERATION_SYNC since_revision") if flags & 0x80 else None,
        origin=r.string("FEDERATION_SYNC origin") if flags & 0x40 else None,
    )


def _subscribe(r: Reader) -> Subscribe:
    subscription = r.u32("SUBSCRIBE id")
    pattern = r.string("SUBSCRIBE pattern")
    types = _types(r.u8("SUBSCRIBE types"))
    flags = r.u8("SUBSCRIBE options")
    options = SubscribeOptions(
        max_rate=r.u32("SUBSCRIBE max_rate") if flags & 0x01 else None,
        epsilon=r.f64("SUBSCRIBE epsilon") if flags & 0x02 else None,
        history=r.u32("SUBSCRIBE history") if flags & 0x04 else None,
        window=r.u32("SUBSCRIBE window") if flags & 0x08 else None,
    )
    return Subscribe(subscription, pattern, types, options)


def _unsubscribe(r: Reader) -> Unsubscribe:
    return Unsubscribe(r.u32("UNSUBSCRIBE id"))


def _publish(r: Reader) -> Publish:
    flags = r.u8("PUBLISH flags")
    phase = flags & 0x07
    address = r.string("PUBLISH address")
    indicator = r.u8("PUBLISH indicator")
    value: Value = None
    samples = None
    if indicator == 1:
        value = read_value(r)
    elif indicator == 2:
        samples = tuple(r.f64("PUBLISH sample") for _ in range(r.u16("PUBLISH sample count")))
    return Publish(
        address,
        value,
        _signal_type(flags >> 5),
        samples,
        timestamp=r.u64("PUBLISH timestamp") if flags & 0x10 else None,
        id=r.u32("PUBLISH id") if flags & 0x08 else None,
        phase=GesturePhase(phase) if phase <= GesturePhase.CANCEL else GesturePhase.START,
        # No flag tells of the rate: it is there if there are bytes for it.
        rate=r.u32("PUBLISH rate") if r.remaining >= 4 else None,
        null_value=indicator == 1 and value is None,
    )


def _set(r: Reader) -> Set:
    flags = r.u8("SET flags")
    address = r.string("SET address")
    value = read_value_data(r, flags & 0x0F)
    return Set(
        address,
        value,
        revision=r.u64("SET revision") if flags & 0x80 else None,
        lock=bool(flags & 0x40),
        unlock=bool(flags & 0x20),
        ttl=_ttl(r.u32("SET ttl")) if flags & 0x10 else None,
    )


def _ttl(raw: int) -> Ttl:
    if raw == 0:
        return Ttl(TtlMode.NEVER)
    return Ttl(TtlMode.ABSOLUTE if raw >> 31 else TtlMode.SLIDING, raw & 0x7FFF_FFFF)


def _get(r: Reader) -> Get:
    return Get(r.string("GET address"))


def _snapshot(r: Reader) -> Snapshot:
    return Snapshot(tuple(_param(r) for _ in range(r.u16("SNAPSHOT count"))))


def _param(r: Reader) -> Param:
    address = r.string("SNAPSHOT address")
    value = read_value(r)
    revision = r.u64("SNAPSHOT revision")
    flags = r.u8("SNAPSHOT options")
    return Param(
        address,
        value,
        revision,
        writer=r.string("SNAPSHOT writer") if flags & 0x01 else None,
        timestamp=r.u64("SNAPSHOT timestamp") if flags & 0x02 else None,
    )


def _replay(r: Reader) -> Replay:
    flags = r.u8("REPLAY flags")
    return Replay(
        r.string("REPLAY pattern"),
        since=r.u64("REPLAY since") if flags & 0x80 else None,
        until=r.u64("REPLAY until") if flags & 0x40 else None,
        limit=r.u32("REPLAY limit") if flags & 0x20 else None,
        types=_types(r.u8("REPLAY types")),
    )


def _bundle(r: Reader, depth: int) -> Bundle:
    if depth >= MAX_DEPTH:
        raise WireError(f"BUNDLE: bundles nest deeper than {MAX_DEPTH}")
    flags = r.u8("BUNDLE flags")
    count = r.u16("BUNDLE count")
    timestamp = r.u64("BUNDLE timestamp") if flags & 0x80 else None
    messages = tuple(_message(r.blob("BUNDLE message"), depth + 1) for _ in range(count))
    return Bundle(messages, timestamp)


def _sync(r: Reader) -> Sync:
    flags = r.u8("SYNC flags")
    return Sync(
        r.u64("SYNC t1"),
        t2=r.u64("SYNC t2") if flags & 0x01 else None,
        t3=r.u64("SYNC t3") if flags & 0x02 else None,
    )


def _ping(_: Reader) -> Ping:
    return Ping()


def _pong(_: Reader) -> Pong:
    return Pong()


def _ack(r: Reader) -> Ack:
    flags = r.u8("ACK flags")
    return Ack(
        address=r.string("ACK address") if flags & 0x01 else None,
        revision=r.u64("ACK revision") if flags & 0x02 else None,
        locked=r.u8("ACK locked") != 0 if flags & 0x04 else None,
        holder=r.string("ACK holder") if flags & 0x08 else None,
        correlation_id=r.u32("ACK correlation_id") if flags & 0x10 else None,
    )


def _error(r: Reader) -> Error:
    code = r.u16("ERROR code")
    message = r.string("ERROR message")
    flags = r.u8("ERROR flags")
    return Error(
        code,
        message,
        address=r.string("ERROR address") if flags & 0x01 else None,
        correlation_id=r.u32("ERROR correlation_id") if flags & 0x02 else None,
    )


def _query(r: Reader) -> Query:
    return Query(r.string("QUERY pattern"))


_READERS: dict[int, Callable[[Reader], Message]] = {
    MessageType.HELLO: _hello,
    MessageType.WELCOME: _welcome,
    MessageType.ANNOUNCE: _announce,
    MessageType.FEDERATION_SYNC: _federation_sync,
    MessageType.SUBSCRIBE: _subscribe,
    MessageType.UNSUBSCRIBE: _unsubscribe,
    MessageType.PUBLISH: _publish,
    MessageType.SET: _set,
    MessageType.GET: _get,
    MessageType.SNAPSHOT: _snapshot,
    MessageType.REPLAY: _replay,
    MessageType.SYNC: _sync,
    MessageType.PING: _ping,
    MessageType.PONG: _pong,
    MessageType.ACK: _ack,
    MessageType.ERROR: _error,
    MessageType.QUERY: _query,
    MessageType.RESULT: _result,
}
