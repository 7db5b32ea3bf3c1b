"""Messages to frames and back.

Source: the wire protocol page of the CLASP documentation, "Message Types" (default QoS), "QoS Levels"
and "Backward Compatibility".
"""

from __future__ import annotations

from clasp_e2e.wire.decoding import decode_binary
from clasp_e2e.wire.encoding import encode_message
from clasp_e2e.wire.frame import Frame, QoS, decode_frame, encode_frame
from clasp_e2e.wire.messagepack import decode_msgpack, is_msgpack
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

__all__ = ["decode", "decode_message", "default_qos", "encode", "encode_message"]

_SIGNAL_QOS = {
    SignalType.PARAM: QoS.CONFIRM,
    SignalType.EVENT: QoS.CONFIRM,
    SignalType.STREAM: QoS.FIRE,
    SignalType.GESTURE: QoS.FIRE,
    SignalType.TIMELINE: QoS.COMMIT,
}


def default_qos(m: Message) -> QoS:
    """The QoS under which a message travels if its sender asks for no other."""
    match m:
        case Publish():
            return _SIGNAL_QOS[m.signal]
        case Bundle():
            return QoS.COMMIT
        case Set() | Subscribe() | Unsubscribe() | Replay() | FederationSync():
            return QoS.CONFIRM
        case _:
            return QoS.FIRE


def decode_message(payload: bytes) -> Message:
    """The message in a payload, binary or MessagePack, told apart by the first byte.

    `WireError` if it is neither. Compressed and encrypted payloads are not undone.
    """
    return decode_msgpack(payload) if is_msgpack(payload) else decode_binary(payload)


def encode(m: Message, *, qos: QoS | None = None, timestamp: int | None = None) -> bytes:
    """A whole frame, binary, by default with the message's own QoS and no timestamp (microseconds).

    `WireError` if the message or its size does not fit.
    """
    return encode_frame(Frame(encode_message(m), default_qos(m) if qos is None else qos, timestamp))


def decode(data: bytes) -> tuple[Message, Frame]:
    """The message in a whole frame, and the frame; `WireError` if either is broken."""
    frame = decode_frame(data)
    return decode_message(frame.payload), frame
