"""The frame of a message.

Source: the wire protocol page of the CLASP documentation, "Frame Format" and "QoS Levels".
"""

from dataclasses import dataclass
from enum import IntEnum

from clasp_e2e.wire.buffers import Reader, Writer
from clasp_e2e.wire.errors import WireError

MAX_PAYLOAD = 65535
"""The maximum payload of a frame, in bytes."""

_MAGIC = 0x53
_TIMESTAMP = 0x20
_ENCRYPTED = 0x10
_COMPRESSED = 0x08
_ENCODING = 0x07
_QOS_SHIFT = 6


class QoS(IntEnum):
    """The delivery guarantee that the sender requests."""

    FIRE = 0
    """Best effort."""
    CONFIRM = 1
    """At least once."""
    COMMIT = 2
    """Exactly once, in order."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A payload and the fields of its header.

    `timestamp` is in microseconds. `encoding` is 0 for MessagePack and 1 for binary, up to 7; it is kept but
    not used, because every decoder goes by the first byte of the payload.
    """

    payload: bytes
    qos: QoS = QoS.FIRE
    timestamp: int | None = None
    encrypted: bool = False
    compressed: bool = False
    encoding: int = 1


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of a frame. Raises `WireError` if a field does not fit."""
    if len(frame.payload) > MAX_PAYLOAD:
        raise WireError(
            f"frame: the payload has {len(frame.payload)} bytes, {MAX_PAYLOAD} is the most; send less at once"
        )
    if not 0 <= frame.encoding <= _ENCODING:
        raise WireError(f"frame: encoding {frame.encoding} is not in 0 to {_ENCODING}")
    flags = frame.qos << _QOS_SHIFT | frame.encoding
    if frame.timestamp is not None:
        flags |= _TIMESTAMP
    if frame.encrypted:
        flags |= _ENCRYPTED
    if frame.compressed:
        flags |= _COMPRESSED
    writer = Writer()
    writer.u8(_MAGIC, "frame magic")
    writer.u8(flags, "frame flags")
    writer.u16(len(frame.payload), "frame payload length")
    if frame.timestamp is not None:
        writer.u64(frame.timestamp, "frame timestamp")
    return writer.finish() + frame.payload


def split_frames(data: bytes) -> list[bytes]:
    """Return the frames in `data`, each as its bytes; `[data]` if it does not begin with a whole frame.

    A WebSocket message may hold several frames. Other bytes after a frame belong to it, because
    `decode_frame` ignores them.
    """
    starts = [0]
    while (end := _end_of_frame(data, starts[-1])) is not None and _end_of_frame(data, end) is not None:
        starts.append(end)
    return [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def _end_of_frame(data: bytes, start: int) -> int | None:
    """Return where the frame at `start` ends; None if no whole frame begins there."""
    if len(data) < start + 4 or data[start] != _MAGIC:
        return None
    header = 12 if data[start + 1] & _TIMESTAMP else 4
    end = start + header + int.from_bytes(data[start + 2 : start + 4])
    return end if end <= len(data) else None


def decode_frame(data: bytes) -> Frame:
    """Return the frame at the start of `data`. Raises `WireError` if there is none.

    As in the reference implementation, bytes after the declared payload are ignored, and the reserved
    QoS counts as `FIRE`.
    """
    reader = Reader(data)
    magic = reader.u8("frame magic")
    if magic != _MAGIC:
        raise WireError(f"frame magic: 0x{magic:02x} instead of 0x{_MAGIC:02x}; this is no CLASP frame")
    flags = reader.u8("frame flags")
    size = reader.u16("frame payload length")
    timestamp = reader.u64("frame timestamp") if flags & _TIMESTAMP else None
    qos = flags >> _QOS_SHIFT
    return Frame(
        payload=reader.take(size, "frame payload"),
        qos=QoS(qos) if qos <= QoS.COMMIT else QoS.FIRE,
        timestamp=timestamp,
        encrypted=bool(flags & _ENCRYPTED),
        compressed=bool(flags & _COMPRESSED),
        encoding=flags & _ENCODING,
    )
