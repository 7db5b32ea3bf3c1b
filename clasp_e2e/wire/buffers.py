"""A reader and a writer of primitive fields: big-endian numbers and length-prefixed strings.

The argument `what` of each method is the name of the field, for error messages.
"""

import struct
from collections.abc import Sized

from clasp_e2e.wire.errors import WireError

MAX_LENGTH = 0xFFFF
"""The largest length or count that fits the u16 before strings, bytes, arrays and maps."""

_F32 = struct.Struct(">f")
_F64 = struct.Struct(">d")


def utf8(data: bytes, what: str) -> str:
    """Return the text in `data`. Raises `WireError` if it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError(f"{what}: not valid UTF-8 ({error.reason} at byte {error.start})") from None


class Reader:
    """A reader of fields from `data`. Its methods raise `WireError` if the data is too short."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    @property
    def remaining(self) -> int:
        """The number of unread bytes."""
        return len(self._data) - self._offset

    def take(self, size: int, what: str) -> bytes:
        """Read the next `size` bytes."""
        if self.remaining < size:
            raise WireError(
                f"{what}: truncated at byte {self._offset}, {size} bytes needed, {self.remaining} left"
            )
        start = self._offset
        self._offset += size
        return self._data[start : self._offset]

    def u8(self, what: str) -> int:
        """Read an unsigned byte."""
        return self.take(1, what)[0]

    def u16(self, what: str) -> int:
        """Read an unsigned integer of 2 bytes."""
        return int.from_bytes(self.take(2, what))

    def u32(self, what: str) -> int:
        """Read an unsigned integer of 4 bytes."""
        return int.from_bytes(self.take(4, what))

    def u64(self, what: str) -> int:
        """Read an unsigned integer of 8 bytes."""
        return int.from_bytes(self.take(8, what))

    def signed(self, size: int, what: str) -> int:
        """Read a signed integer of `size` bytes, in two's complement."""
        return int.from_bytes(self.take(size, what), signed=True)

    def f32(self, what: str) -> float:
        """Read an IEEE 754 number of 4 bytes."""
        (number,) = _F32.unpack(self.take(4, what))
        return number

    def f64(self, what: str) -> float:
        """Read an IEEE 754 number of 8 bytes."""
        (number,) = _F64.unpack(self.take(8, what))
        return number

    def blob(self, what: str) -> bytes:
        """Read bytes with a u16 length prefix."""
        return self.take(self.u16(f"{what} length"), what)

    def string(self, what: str) -> str:
        """Read UTF-8 text with a u16 prefix that is its length in bytes."""
        return utf8(self.blob(what), what)


class Writer:
    """A writer of fields. Its methods raise `WireError` if a value does not fit its field."""

    def __init__(self) -> None:
        self._data = bytearray()

    def finish(self) -> bytes:
        """Return all bytes written."""
        return bytes(self._data)

    def u8(self, value: int, what: str) -> None:
        """Write an unsigned byte."""
        self._integer(value, 1, what, signed=False)

    def u16(self, value: int, what: str) -> None:
        """Write an unsigned integer of 2 bytes."""
        self._integer(value, 2, what, signed=False)

    def u32(self, value: int, what: str) -> None:
        """Write an unsigned integer of 4 bytes."""
        self._integer(value, 4, what, signed=False)

    def u64(self, value: int, what: str) -> None:
        """Write an unsigned integer of 8 bytes."""
        self._integer(value, 8, what, signed=False)

    def i64(self, value: int, what: str) -> None:
        """Write a signed integer of 8 bytes."""
        self._integer(value, 8, what, signed=True)

    def f64(self, value: float, what: str) -> None:
        """Write an IEEE 754 number of 8 bytes."""
        try:
            self._data += _F64.pack(value)
        except (struct.error, OverflowError):
            raise WireError(f"{what}: {value!r} does not fit a 64 bit float") from None

    def count(self, items: Sized, what: str) -> None:
        """Write the u16 count or length that precedes `items`."""
        if len(items) > MAX_LENGTH:
            raise WireError(f"{what}: {len(items)} is more than the {MAX_LENGTH} that CLASP can count")
        self._integer(len(items), 2, what, signed=False)

    def blob(self, value: bytes, what: str) -> None:
        """Write bytes with a u16 length prefix."""
        self.count(value, f"{what} length")
        self._data += value

    def string(self, value: str, what: str) -> None:
        """Write UTF-8 text with a u16 prefix that is its length in bytes."""
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
