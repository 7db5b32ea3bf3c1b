"""Messages to the compact binary encoding.

Source: the wire protocol page of the CLASP documentation, "Key Message Structures"; where it is
silent (ANNOUNCE, FEDERATION_SYNC, REPLAY, SYNC, RESULT), the reference implementation.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from clasp_e2e.wire.buffers import Writer
from clasp_e2e.wire.codes import ALL_TYPES, FEATURE_BITS, TYPE_BITS, MessageType
from clasp_e2e.wire.errors import WireError
from clasp_e2e.wire.messages import (
    Ack,
    Announce,
    Bundle,
    Error,
    FederationSync,
    Get,
    Hello,
    Message,
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
    Sync,
    Ttl,
    TtlMode,
    Unsubscribe,
    Welcome,
)
from clasp_e2e.wire.values import MAX_DEPTH, value_type, write_value, write_value_data

__all__ = ["encode_message"]


def encode_message(m: Message) -> bytes:
    """The payload of a frame; `WireError` if a field of the message does not fit the encoding."""
    return _message(m, 0)


def _message(m: Message, depth: int) -> bytes:
    w = Writer()
    match m:
        case Hello() | Welcome():
            _greeting(w, m)
        case Announce():
            w.u8(MessageType.ANNOUNCE, "message type")
            w.string(m.namespace, "ANNOUNCE namespace")
            _signals(w, m.signals, "ANNOUNCE")
        case FederationSync():
            _federation_sync(w, m)
        case Subscribe():
            _subscribe(w, m)
        case Unsubscribe():
            w.u8(MessageType.UNSUBSCRIBE, "message type")
            w.u32(m.id, "UNSUBSCRIBE id")
        case Publish():
            _publish(w, m)
        case Set():
            _set(w, m)
        case Get():
            w.u8(MessageType.GET, "message type")
            w.string(m.address, "GET address")
        case Snapshot():
            _snapshot(w, m)
        case Replay():
            _replay(w, m)
        case Bundle():
            _bundle(w, m, depth)
        case Sync():
            _sync(w, m)
        case Ping():
            w.u8(MessageType.PING, "message type")
        case Pong():
            w.u8(MessageType.PONG, "message type")
        case Ack():
            _ack(w, m)
        case Error():
            _error(w, m)
        case Query():
            w.u8(MessageType.QUERY, "message type")
            w.string(m.pattern, "QUERY pattern")
        case Result():
            w.u8(MessageType.RESULT, "message type")
            _signals(w, m.signals, "RESULT")
    return w.finish()


def _present(*fields: tuple[int, object]) -> int:
    """The flags byte in which the bit of each field that is not `None` is set."""
    return sum(bit for bit, value in fields if value is not None)


def _features(features: AbstractSet[str]) -> int:
    unknown = features - FEATURE_BITS.keys()
    if unknown:
        raise WireError(f"features: {sorted(unknown)} have no bit; there are {', '.join(FEATURE_BITS)}")
    return sum(FEATURE_BITS[feature] for feature in features)


def _type_mask(types: AbstractSet[SignalType]) -> int:
    return sum(TYPE_BITS[signal] for signal in types) if types else ALL_TYPES


def _greeting(w: Writer, m: Hello | Welcome) -> None:
    w.u8(MessageType.HELLO if isinstance(m, Hello) else MessageType.WELCOME, "message type")
    w.u8(m.version, "version")
    w.u8(_features(m.features), "features")
    if isinstance(m, Welcome):
        w.u64(m.time, "WELCOME time")
        w.string(m.session, "WELCOME session")
    w.string(m.name, "name")
    w.string(m.token or "", "token")


def _signals(w: Writer, signals: tuple[SignalDefinition, ...], what: str) -> None:
    with_meta = what == "ANNOUNCE"
    w.count(signals, f"{what} signals")
    for signal in signals:
        if signal.meta is not None and not with_meta:
            raise WireError(f"{what} {signal.address}: meta travels in ANNOUNCE only; leave it out")
        w.string(signal.address, f"{what} address")
        w.u8(signal.type, f"{what} signal type")
        w.u8(_present((0x01, signal.datatype), (0x02, signal.access), (0x04, signal.meta)), f"{what} options")
        if signal.datatype is not None:
            w.string(signal.datatype, f"{what} datatype")
        if signal.access is not None:
            w.string(signal.access, f"{what} access")
        if signal.meta is not None:
            _meta(w, signal.meta)


def _meta(w: Writer, meta: SignalMeta) -> None:
    flags = ((0x01, meta.unit), (0x02, meta.range), (0x04, meta.default), (0x08, meta.description))
    w.u8(_present(*flags), "meta options")
    if meta.unit is not None:
        w.string(meta.unit, "meta unit")
    if meta.range is not None:
        w.f64(meta.range[0], "meta range")
        w.f64(meta.range[1], "meta range")
    if meta.default is not None:
        write_value(w, meta.default)
    if meta.description is not None:
        w.string(meta.description, "meta description")


def _federation_sync(w: Writer, m: FederationSync) -> None:
    w.u8(MessageType.FEDERATION_SYNC, "message type")
    w.u8(m.op, "FEDERATION_SYNC op")
    w.count(m.patterns, "FEDERATION_SYNC patterns")
    for pattern in m.patterns:
        w.string(pattern, "FEDERATION_SYNC pattern")
    w.count(m.revisions, "FEDERATION_SYNC revisions")
    for key, revision in m.revisions.items():
        w.string(key, "FEDERATION_SYNC revision key")
        w.u64(revision, "FEDERATION_SYNC revision")
    w.u8(_present((0x80, m.since_revision), (0x40, m.origin)), "FEDERATION_SYNC flags")
    if m.since_revision is not None:
        w.u64(m.since_revision, "FEDERATION_SYNC since_revision")
    if m.origin is not None:
        w.string(m.origin, "FEDERATION_SYNC origin")


def _subscribe(w: Writer, m: Subscribe) -> None:
    w.u8(MessageType.SUBSCRIBE, "message type")
    w.u32(m.id, "SUBSCRIBE id")
    w.string(m.pattern, "SUBSCRIBE pattern")
    w.u8(_type_mask(m.types), "SUBSCRIBE types")
    o = m.options
    flags = ((0x01, o.max_rate), (0x02, o.epsilon), (0x04, o.history), (0x08, o.window))
    w.u8(_present(*flags), "SUBSCRIBE options")
    if o.max_rate is not None:
        w.u32(o.max_rate, "SUBSCRIBE max_rate")
    if o.epsilon is not None:
        w.f64(o.epsilon, "SUBSCRIBE epsilon")
    if o.history is not None:
        w.u32(o.history, "SUBSCRIBE history")
    if o.window is not None:
        w.u32(o.window, "SUBSCRIBE window")


def _publish(w: Writer, m: Publish) -> None:
    has_value = m.value is not None or m.null_value
    if m.value is not None and m.null_value:
        raise WireError("PUBLISH: null_value stands for a null, but there is a value; give one of them")
    if has_value and m.samples is not None:
        raise WireError("PUBLISH: value and samples exclude each other; give one of them")
    w.u8(MessageType.PUBLISH, "message type")
    w.u8(m.signal << 5 | _present((0x10, m.timestamp), (0x08, m.id)) | m.phase, "PUBLISH flags")
    w.string(m.address, "PUBLISH address")
    if has_value:
        w.u8(1, "PUBLISH indicator")
        write_value(w, m.value)
    elif m.samples is not None:
        w.u8(2, "PUBLISH indicator")
        w.count(m.samples, "PUBLISH samples")
        for sample in m.samples:
            w.f64(sample, "PUBLISH sample")
    else:
        w.u8(0, "PUBLISH indicator")
    if m.timestamp is not None:
        w.u64(m.timestamp, "PUBLISH timestamp")
    if m.id is not None:
        w.u32(m.id, "PUBLISH id")
    if m.rate is not None:
        w.u32(m.rate, "PUBLISH rate")


def _set(w: Writer, m: Set) -> None:
    flags = value_type(m.value) | _present((0x80, m.revision), (0x10, m.ttl))
    flags |= 0x40 * m.lock | 0x20 * m.unlock
    w.u8(MessageType.SET, "message type")
    w.u8(flags, "SET flags")
    w.string(m.address, "SET address")
    write_value_data(w, m.value)
    if m.revision is not None:
        w.u64(m.revision, "SET revision")
    if m.ttl is not None:
        w.u32(_ttl(m.ttl), "SET ttl")


def _ttl(ttl: Ttl) -> int:
    """The mode in bit 31 and the seconds below it. Zero means never, so it cannot mean "sliding, 0 s"."""
    lowest = {TtlMode.NEVER: 0, TtlMode.SLIDING: 1, TtlMode.ABSOLUTE: 0}[ttl.mode]
    highest = 0 if ttl.mode is TtlMode.NEVER else 2**31 - 1
    if not lowest <= ttl.seconds <= highest:
        raise WireError(
            f"SET ttl: {ttl.mode.value} takes {lowest} to {highest} seconds, {ttl.seconds} were given"
        )
    return ttl.seconds | (0x8000_0000 if ttl.mode is TtlMode.ABSOLUTE else 0)


def _snapshot(w: Writer, m: Snapshot) -> None:
    w.u8(MessageType.SNAPSHOT, "message type")
    w.count(m.params, "SNAPSHOT params")
    for param in m.params:
        w.string(param.address, "SNAPSHOT address")
        write_value(w, param.value)
        w.u64(param.revision, "SNAPSHOT revision")
        w.u8(_present((0x01, param.writer), (0x02, param.timestamp)), "SNAPSHOT options")
        if param.writer is not None:
            w.string(param.writer, "SNAPSHOT writer")
        if param.timestamp is not None:
            w.u64(param.timestamp, "SNAPSHOT timestamp")


def _replay(w: Writer, m: Replay) -> None:
    w.u8(MessageType.REPLAY, "message type")
    w.u8(_present((0x80, m.since), (0x40, m.until), (0x20, m.limit)), "REPLAY flags")
    w.string(m.pattern, "REPLAY pattern")
    if m.since is not None:
        w.u64(m.since, "REPLAY since")
    if m.until is not None:
        w.u64(m.until, "REPLAY until")
    if m.limit is not None:
        w.u32(m.limit, "REPLAY limit")
    w.u8(_type_mask(m.types), "REPLAY types")


def _bundle(w: Writer, m: Bundle, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise WireError(f"BUNDLE: bundles nest deeper than {MAX_DEPTH}")
    w.u8(MessageType.BUNDLE, "message type")
    w.u8(_present((0x80, m.timestamp)), "BUNDLE flags")
    w.count(m.messages, "BUNDLE messages")
    if m.timestamp is not None:
        w.u64(m.timestamp, "BUNDLE timestamp")
    for inner in m.messages:
        w.blob(_message(inner, depth + 1), "BUNDLE message")


def _sync(w: Writer, m: Sync) -> None:
    w.u8(MessageType.SYNC, "message type")
    w.u8(_present((0x01, m.t2), (0x02, m.t3)), "SYNC flags")
    w.u64(m.t1, "SYNC t1")
    if m.t2 is not None:
        w.u64(m.t2, "SYNC t2")
    if m.t3 is not None:
        w.u64(m.t3, "SYNC t3")


def _ack(w: Writer, m: Ack) -> None:
    flags = ((0x01, m.address), (0x02, m.revision), (0x04, m.locked), (0x08, m.holder))
    w.u8(MessageType.ACK, "message type")
    w.u8(_present(*flags, (0x10, m.correlation_id)), "ACK flags")
    if m.address is not None:
        w.string(m.address, "ACK address")
    if m.revision is not None:
        w.u64(m.revision, "ACK revision")
    if m.locked is not None:
        w.u8(m.locked, "ACK locked")
    if m.holder is not None:
        w.string(m.holder, "ACK holder")
    if m.correlation_id is not None:
        w.u32(m.correlation_id, "ACK correlation_id")


def _error(w: Writer, m: Error) -> None:
    w.u8(MessageType.ERROR, "message type")
    w.u16(m.code, "ERROR code")
    w.string(m.message, "ERROR message")
    w.u8(_present((0x01, m.address), (0x02, m.correlation_id)), "ERROR flags")
    if m.address is not None:
        w.string(m.address, "ERROR address")
    if m.correlation_id is not None:
        w.u32(m.correlation_id, "ERROR correlation_id")
