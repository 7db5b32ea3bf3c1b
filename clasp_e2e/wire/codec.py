"""Encoding of messages to frames, and decoding.

Source: the wire protocol page of the CLASP documentation, "Message Types" (default QoS), "QoS Levels"
and "Backward Compatibility".
"""

from collections.abc import Callable
from typing import cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]  # published without types

from clasp_e2e.wire.buffers import Reader, Writer
from clasp_e2e.wire.errors import WireError
from clasp_e2e.wire.fields import U64, array, mapping, string
from clasp_e2e.wire.frame import Frame, QoS, decode_frame, encode_frame
from clasp_e2e.wire.layouts import LAYOUTS, TYPE_OF, MessageType
from clasp_e2e.wire.messages import (
    Bundle,
    FederationSync,
    Message,
    Publish,
    Replay,
    Set,
    SignalType,
    Subscribe,
    Unsubscribe,
)
from clasp_e2e.wire.values import MAX_DEPTH

_SIGNAL_QOS = {
    SignalType.PARAM: QoS.CONFIRM,
    SignalType.EVENT: QoS.CONFIRM,
    SignalType.STREAM: QoS.FIRE,
    SignalType.GESTURE: QoS.FIRE,
    SignalType.TIMELINE: QoS.COMMIT,
}


def default_qos(m: Message) -> QoS:
    """Return the default QoS of a message."""
    match m:
        case Publish():
            return _SIGNAL_QOS[m.signal]
        case Bundle():
            return QoS.COMMIT
        case Set() | Subscribe() | Unsubscribe() | Replay() | FederationSync():
            return QoS.CONFIRM
        case _:
            return QoS.FIRE


def encode_message(m: Message) -> bytes:
    """Return the payload of a frame. Raises `WireError` if a field does not fit the encoding."""
    return _encode(m, 0)


def decode_message(payload: bytes) -> Message:
    """Return the message in a payload; its first byte distinguishes binary from MessagePack.

    Raises `WireError` if it is neither. Bytes after the message are ignored, as in the reference.
    Compressed and encrypted payloads are not supported.
    """
    is_map = payload[:1] and (payload[0] & 0xF0 == 0x80 or payload[0] in (0xDE, 0xDF))
    return _convert(_unpack(payload), 0) if is_map else _decode(payload, 0)


def encode(m: Message, *, qos: QoS | None = None, timestamp: int | None = None) -> bytes:
    """Return a binary frame, by default with the message's QoS and no timestamp (microseconds).

    Raises `WireError` if the message does not fit.
    """
    return encode_frame(Frame(encode_message(m), default_qos(m) if qos is None else qos, timestamp))


def decode(data: bytes) -> tuple[Message, Frame]:
    """Return the message in a frame, and the frame. Raises `WireError` if either is malformed."""
    frame = decode_frame(data)
    return decode_message(frame.payload), frame


def _encode(m: Message, depth: int) -> bytes:
    w = Writer()
    if isinstance(m, Bundle):
        _check_depth(depth)
        w.u8(MessageType.BUNDLE, "message type")
        w.u8(0 if m.timestamp is None else 0x80, "BUNDLE flags")
        w.count(m.messages, "BUNDLE messages")
        if m.timestamp is not None:
            w.u64(m.timestamp, "BUNDLE timestamp")
        for inner in m.messages:
            w.blob(_encode(inner, depth + 1), "BUNDLE message")
    else:
        code = TYPE_OF[type(m)]
        w.u8(code, "message type")
        LAYOUTS[code].write(w, m, code.name)
    return w.finish()


def _decode(payload: bytes, depth: int) -> Message:
    r = Reader(payload)
    code = r.u8("message type")
    if code == MessageType.BUNDLE:
        _check_depth(depth)
        flags = r.u8("BUNDLE flags")
        count = r.u16("BUNDLE count")
        timestamp = r.u64("BUNDLE timestamp") if flags & 0x80 else None
        return Bundle(tuple(_decode(r.blob("BUNDLE message"), depth + 1) for _ in range(count)), timestamp)
    if code not in LAYOUTS:
        raise WireError(f"message type: 0x{code:02x} is unknown; the payload is neither binary nor a map")
    code = MessageType(code)
    return LAYOUTS[code].read(r, code.name)


def _unpack(payload: bytes) -> object:
    try:
        unpackb = cast("Callable[..., object]", msgpack.unpackb)  # pyright: ignore[reportUnknownMemberType]
        return unpackb(payload, strict_map_key=True)
    except msgpack.ExtraData as error:
        return cast("object", error.unpacked)
    except ValueError as error:
        raise WireError(f"MessagePack: {str(error) or type(error).__name__}") from None


def _convert(found: object, depth: int) -> Message:
    """Return the message in a MessagePack map. Published clients encode BUNDLE, QUERY and SYNC this way."""
    fields = mapping(found, "message")
    if fields.get("type") is None:
        raise WireError("message: type is missing")
    kind = string(fields["type"], "message type")
    if kind not in MessageType.__members__:
        raise WireError(f"message type: {kind!r} is unknown; there are {', '.join(MessageType.__members__)}")
    if kind != MessageType.BUNDLE.name:
        return LAYOUTS[MessageType[kind]].convert(fields, kind)
    _check_depth(depth)
    if fields.get("messages") is None:
        raise WireError("BUNDLE: messages is missing")
    timestamp = fields.get("timestamp")
    return Bundle(
        array(lambda item, _: _convert(item, depth + 1), fields["messages"], "BUNDLE messages"),
        None if timestamp is None else U64.convert(timestamp, "BUNDLE timestamp"),
    )


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise WireError(f"BUNDLE: bundles nest deeper than {MAX_DEPTH}")
