"""The binary layouts of the 19 messages.

Sources: the wire protocol page of the CLASP documentation, "Message Types", "Key Message Structures" and
"Backward Compatibility"; for what it does not define (ANNOUNCE, FEDERATION_SYNC, REPLAY, SYNC, RESULT, the
MessagePack keys), the reference implementation.
"""

from collections.abc import Callable
from enum import IntEnum

from clasp_e2e.wire import messages as m
from clasp_e2e.wire.buffers import Reader, Writer
from clasp_e2e.wire.errors import WireError
from clasp_e2e.wire.fields import (
    BOOL,
    F64,
    FEATURES,
    FEDERATION_OP,
    FLAGS,
    RANGE,
    REVISIONS,
    SIGNAL_TYPE,
    SIGNAL_TYPES,
    STRING,
    TOKEN,
    U8,
    U16,
    U32,
    U64,
    VALUE,
    Field,
    FieldType,
    RecordLayout,
    boolean,
    each,
    mapping,
    member,
    signal_type,
)
from clasp_e2e.wire.values import read_value, read_value_data, value_type, write_value, write_value_data


class MessageType(IntEnum):
    """The first byte of a binary message."""

    HELLO = 0x01
    WELCOME = 0x02
    ANNOUNCE = 0x03
    FEDERATION_SYNC = 0x04
    SUBSCRIBE = 0x10
    UNSUBSCRIBE = 0x11
    PUBLISH = 0x20
    SET = 0x21
    GET = 0x22
    SNAPSHOT = 0x23
    REPLAY = 0x24
    BUNDLE = 0x30
    SYNC = 0x40
    PING = 0x41
    PONG = 0x42
    ACK = 0x50
    ERROR = 0x51
    QUERY = 0x60
    RESULT = 0x61


class _Publish(RecordLayout):
    """PUBLISH: the flags hold signal type and phase; an indicator selects value, samples or neither."""

    def write(self, w: Writer, record: m.Publish, what: str) -> None:
        has_value = record.value is not None or record.null_value
        if record.value is not None and record.null_value:
            raise WireError(
                "PUBLISH: null_value means a value of null, but there is a value; give one of them"
            )
        if has_value and record.samples is not None:
            raise WireError("PUBLISH: value and samples exclude each other; give one of them")
        w.u8(record.signal << 5 | self.flags(record) | record.phase, f"{what} flags")
        w.string(record.address, f"{what} address")
        if has_value:
            w.u8(1, f"{what} indicator")
            write_value(w, record.value)
        elif record.samples is not None:
            w.u8(2, f"{what} indicator")
            _SAMPLES.write(w, record.samples, f"{what} samples")
        else:
            w.u8(0, f"{what} indicator")
        for number, write in ((record.timestamp, w.u64), (record.id, w.u32), (record.rate, w.u32)):
            if number is not None:
                write(number, f"{what} timestamp, id or rate")

    def read(self, r: Reader, what: str) -> m.Publish:
        flags = r.u8(f"{what} flags")
        phase = flags & 0x07
        address = r.string(f"{what} address")
        indicator = r.u8(f"{what} indicator")
        value = read_value(r) if indicator == 1 else None
        return m.Publish(
            address,
            value,
            signal_type(flags >> 5),
            _SAMPLES.read(r, f"{what} samples") if indicator == 2 else None,
            timestamp=r.u64(f"{what} timestamp") if flags & 0x10 else None,
            id=r.u32(f"{what} id") if flags & 0x08 else None,
            phase=m.GesturePhase(phase) if phase <= m.GesturePhase.CANCEL else m.GesturePhase.START,
            # No flag indicates the rate: it is present if there are bytes for it.
            rate=r.u32(f"{what} rate") if r.remaining >= 4 else None,
            null_value=indicator == 1 and value is None,
        )


class _Set(RecordLayout):
    """SET: the flags hold the type of the value, lock and unlock."""

    def write(self, w: Writer, record: m.Set, what: str) -> None:
        flags = value_type(record.value) | self.flags(record) | 0x40 * record.lock | 0x20 * record.unlock
        w.u8(flags, f"{what} flags")
        w.string(record.address, f"{what} address")
        write_value_data(w, record.value)
        if record.revision is not None:
            w.u64(record.revision, f"{what} revision")
        if record.ttl is not None:
            _TTL.write(w, record.ttl, f"{what} ttl")

    def read(self, r: Reader, what: str) -> m.Set:
        flags = r.u8(f"{what} flags")
        address = r.string(f"{what} address")
        return m.Set(
            address,
            read_value_data(r, flags & 0x0F),
            revision=r.u64(f"{what} revision") if flags & 0x80 else None,
            lock=bool(flags & 0x40),
            unlock=bool(flags & 0x20),
            ttl=_TTL.read(r, f"{what} ttl") if flags & 0x10 else None,
        )


def _write_ttl(w: Writer, ttl: m.Ttl, what: str) -> None:
    """Write the mode in bit 31, and the seconds. Zero means never, so it cannot mean "sliding, 0 s"."""
    lowest = 1 if ttl.mode is m.TtlMode.SLIDING else 0
    highest = 0 if ttl.mode is m.TtlMode.NEVER else 2**31 - 1
    if not lowest <= ttl.seconds <= highest:
        raise WireError(f"{what}: {ttl.mode.value} takes {lowest} to {highest} seconds, not {ttl.seconds}")
    w.u32(ttl.seconds | (0x8000_0000 if ttl.mode is m.TtlMode.ABSOLUTE else 0), what)


def _ttl(seconds: int, *, absolute: bool) -> m.Ttl:
    if seconds == 0 and not absolute:
        return m.Ttl(m.TtlMode.NEVER)
    return m.Ttl(m.TtlMode.ABSOLUTE if absolute else m.TtlMode.SLIDING, seconds & 0x7FFF_FFFF)


def _read_ttl(r: Reader, what: str) -> m.Ttl:
    seconds = r.u32(what)
    return _ttl(seconds, absolute=bool(seconds >> 31))


def _convert_ttl(found: object, what: str) -> m.Ttl:
    """Return a time to live in the notation of the reference: `"Never"`, `{"Sliding": 5}`."""
    if found == "Never":
        return m.Ttl(m.TtlMode.NEVER)
    modes = mapping(found, what)
    absolute = modes.get("Sliding") is None
    seconds = modes.get("Absolute" if absolute else "Sliding")
    if seconds is None:
        raise WireError(f"{what}: Absolute is missing")
    return _ttl(U32.convert(seconds, what), absolute=absolute)


def _adapt_set(found: dict[object, object]) -> dict[object, object]:
    """Rename the keys that clients send: seconds, and a bool `absolute`."""
    ttl = found.get("ttl")
    if ttl is None or ttl == "Never" or isinstance(ttl, dict):
        return found
    absolute = found.get("absolute")
    mode = "Absolute" if absolute is not None and boolean(absolute, "SET absolute") else "Sliding"
    return found | {"ttl": {mode: ttl}}


def _adapt_publish(found: dict[object, object]) -> dict[object, object]:
    """Rename `payload`, and drop samples next to a value, as the reference does when it forwards them."""
    value = found.get("payload") if found.get("value") is None else found.get("value")
    return found | {"value": value, "samples": found.get("samples") if value is None else None}


def _adapt_options(found: dict[object, object]) -> dict[object, object]:
    """Rename the keys that the Python and JavaScript clients send."""
    return found if found.get("max_rate") is not None else found | {"max_rate": found.get("maxRate")}


def _refuse_meta(_writer: Writer, _meta: object, what: str) -> None:
    raise WireError(f"{what}: meta is sent in ANNOUNCE only; leave it out")


_SAMPLES = each(F64)
_TTL = FieldType(_read_ttl, _write_ttl, _convert_ttl)
_META = RecordLayout(
    m.SignalMeta,
    FLAGS,
    Field("unit", STRING, 0x01),
    Field("range", RANGE, 0x02),
    Field("default", VALUE, 0x04),
    Field("description", STRING, 0x08),
)


def _signals(meta: FieldType | RecordLayout) -> FieldType:
    return each(
        RecordLayout(
            m.SignalDefinition,
            Field("address", STRING),
            Field("type", SIGNAL_TYPE),
            FLAGS,
            Field("datatype", STRING, 0x01),
            Field("access", STRING, 0x02),
            Field("meta", meta, 0x04),
        )
    )


_PARAM = RecordLayout(
    m.Param,
    Field("address", STRING),
    Field("value", VALUE),
    Field("revision", U64),
    FLAGS,
    Field("writer", STRING, 0x01),
    Field("timestamp", U64, 0x02),
)
_OPTIONS = RecordLayout(
    m.SubscribeOptions,
    FLAGS,
    Field("max_rate", U32, 0x01),
    Field("epsilon", F64, 0x02),
    Field("history", U32, 0x04),
    Field("window", U32, 0x08),
    adapt=_adapt_options,
)

LAYOUTS: dict[MessageType, RecordLayout] = {
    MessageType.HELLO: RecordLayout(
        m.Hello,
        Field("version", U8, required=True),
        Field("features", FEATURES),
        Field("name", STRING),
        Field("token", TOKEN),
    ),
    MessageType.WELCOME: RecordLayout(
        m.Welcome,
        Field("version", U8, required=True),
        Field("features", FEATURES),
        Field("time", U64),
        Field("session", STRING),
        Field("name", STRING),
        Field("token", TOKEN),
    ),
    MessageType.ANNOUNCE: RecordLayout(
        m.Announce, Field("namespace", STRING), Field("signals", _signals(_META))
    ),
    MessageType.FEDERATION_SYNC: RecordLayout(
        m.FederationSync,
        Field("op", FEDERATION_OP),
        Field("patterns", each(STRING)),
        Field("revisions", REVISIONS),
        FLAGS,
        Field("since_revision", U64, 0x80),
        Field("origin", STRING, 0x40),
    ),
    MessageType.SUBSCRIBE: RecordLayout(
        m.Subscribe,
        Field("id", U32),
        Field("pattern", STRING),
        Field("types", SIGNAL_TYPES),
        Field("options", _OPTIONS),
    ),
    MessageType.UNSUBSCRIBE: RecordLayout(m.Unsubscribe, Field("id", U32)),
    MessageType.PUBLISH: _Publish(
        m.Publish,
        Field("address", STRING),
        Field("value", VALUE),
        Field("signal", SIGNAL_TYPE),
        Field("samples", _SAMPLES),
        Field("timestamp", U64, 0x10),
        Field("id", U32, 0x08),
        Field("phase", FieldType(Reader.u8, Writer.u8, member(m.GesturePhase))),
        Field("rate", U32),
        adapt=_adapt_publish,
    ),
    MessageType.SET: _Set(
        m.Set,
        Field("address", STRING),
        Field("value", VALUE),
        Field("revision", U64, 0x80),
        Field("lock", BOOL),
        Field("unlock", BOOL),
        Field("ttl", _TTL, 0x10),
        adapt=_adapt_set,
    ),
    MessageType.GET: RecordLayout(m.Get, Field("address", STRING)),
    MessageType.SNAPSHOT: RecordLayout(m.Snapshot, Field("params", each(_PARAM), required=True)),
    MessageType.REPLAY: RecordLayout(
        m.Replay,
        FLAGS,
        Field("pattern", STRING),
        Field("since", U64, 0x80, key="from"),
        Field("until", U64, 0x40, key="to"),
        Field("limit", U32, 0x20),
        Field("types", SIGNAL_TYPES),
    ),
    MessageType.SYNC: RecordLayout(
        m.Sync, FLAGS, Field("t1", U64), Field("t2", U64, 0x01), Field("t3", U64, 0x02)
    ),
    MessageType.PING: RecordLayout(m.Ping),
    MessageType.PONG: RecordLayout(m.Pong),
    MessageType.ACK: RecordLayout(
        m.Ack,
        FLAGS,
        Field("address", STRING, 0x01),
        Field("revision", U64, 0x02),
        Field("locked", BOOL, 0x04),
        Field("holder", STRING, 0x08),
        Field("correlation_id", U32, 0x10),
    ),
    MessageType.ERROR: RecordLayout(
        m.Error,
        Field("code", U16),
        Field("message", STRING),
        FLAGS,
        Field("address", STRING, 0x01),
        Field("correlation_id", U32, 0x02),
    ),
    MessageType.QUERY: RecordLayout(m.Query, Field("pattern", STRING)),
    MessageType.RESULT: RecordLayout(
        m.Result,
        Field(
            "signals", _signals(FieldType(lambda _r, _what: None, _refuse_meta, _META.convert)), required=True
        ),
    ),
}
"""The layout of each message except BUNDLE, which contains messages."""

TYPE_OF: dict[Callable[..., object], MessageType] = {layout.kind: code for code, layout in LAYOUTS.items()}
