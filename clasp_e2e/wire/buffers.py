"""A reader and a writer of the primitive fields: big-endian numbers and length-prefixed strings.

Every method takes `what`, the name of the field, so that an error can say where it happened.
"""

import struct
from collections.abc import Sized

from clasp_e2e.wire.errors import WireError

MAX_LENGTH = 0xFFFF
"""The largest length or count that the u16 before strings, bytes, arrays and maps can tell."""

_F32 = struct.Struct(">f")
_F64 = struct.Struct(">d")


def utf8(data: bytes, what: str) -> str:
    """The text in `data`; `WireError` if it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError(f"{what}: not valid UTF-8 ({error.reason} at byte {error.start})") from None


class Reader:
    """Reads fields from the front of `data`; `WireError` where too little is left."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    @property
    def remaining(self) -> int:
        """How many bytes have not been read."""
        return len(self._data) - self._offset

    def take(self, size: int, what: str) -> bytes:
        """The next `size` bytes."""
        if self.remaining < size:
            raise WireError(
                f"{what}: truncated at byte {self._offset}, {size} bytes needed, {self.remaining} left"
            )
        start = self._offset
        self._offset += size
        return self._data[start : self._offset]

    def u8(self, what: str) -> int:
        """An unsigned byte."""
        return self.take(1, what)[0]

    def u16(self, what: str) -> int:
        """An unsigned integer of 2 bytes."""
        return int.from_bytes(self.take(2, what))

    def u32(self, what: str) -> int:
        """An unsigned integer of 4 bytes."""
        return int.from_bytes(self.take(4, what))

    def u64(self, what: str) -> int:
        """An unsigned integer of 8 bytes."""
        return int.from_bytes(self.take(8, what))

    def signed(self, size: int, what: str) -> int:
        """A signed integer of `size` bytes, in two's complement."""
        return int.from_bytes(self.take(size, what), signed=True)

    def f32(self, what: str) -> float:
        """An IEEE 754 number of 4 bytes."""
        (number,) = _F32.unpack(self.take(4, what))
        return number

    def f64(self, what: str) -> float:
        """An IEEE 754 number of 8 bytes."""
        (number,) = _F64.unpack(self.take(8, what))
        return number

    def blob(self, what: str) -> bytes:
        """Bytes behind their u16 length."""
        return self.take(self.u16(f"{what} length"), what)

    def string(self, what: str) -> str:
        """UTF-8 text behind its u16 length in bytes."""
        return utf8(self.blob(what), what)


class Writer:
    """Collects fields; `WireError` for what does not fit its field."""

    def __init__(self) -> None:
        self._data = bytearray()

    def finish(self) -> bytes:
        """All that was written."""
        return bytes(self._data)

    def u8(self, value: int, what: str) -> None:
        """An unsigned byte."""
        self._integer(value, 1, what, signed=False)

    def u16(self, value: int, what: str) -> None:
        """An unsigned integer of 2 bytes."""
        self._integer(value, 2, what, signed=False)

    def u32(self, value: int, what: str) -> None:
        """An unsigned integer of 4 bytes."""
        self._integer(value, 4, what, signed=False)

    def u64(self, value: int, what: str) -> None:
        """An unsigned integer of 8 bytes."""
        self._integer(value, 8, what, signed=False)

    def i64(self, value: int, what: str) -> None:
        """A signed integer of 8 bytes."""
        self._integer(value, 8, what, signed=True)

    def f64(self, value: float, what: str) -> None:
        """An IEEE 754 number of 8 bytes."""
        try:
            self._data += _F64.pack(value)
        except (struct.error, OverflowError):
            raise WireError(f"{what}: {value!r} does not fit a 64 bit float") from None

    def count(self, items: Sized, what: str) -> None:
        """The u16 count or length that goes before `items`."""
        if len(items) > MAX_LENGTH:
            raise WireError(f"{what}: {len(items)} is more than the {MAX_LENGTH} that CLASP can count")
        self._integer(len(items), 2, what, signed=False)

    def blob(self, value: bytes, what: str) -> None:
        """Bytes behind their u16 length."""
        self.count(value, f"{what} length")
        self._data += value

    def string(self, value: str, what: str) -> None:
        """UTF-8 text behind its u16 length in bytes."""
        try:
            data = value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise WireError(f"{what}: cannot be written as UTF-8 ({error.reason})") from None
        self.blob(data, what)

    def _integer(self, value: int, size: int, what: str, *, signed: bool) -> None:
        try:
            self._data += value.to_bytes(size, signed=signed)
        except OverflowError:
            kind = f"{'i' if signed else 'u'}{size * 8}"
            raise WireError(f"{what}: {value} does not fit {kind}") from None
