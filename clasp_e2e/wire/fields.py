"""The types of message fields, and records of fields, in both encodings.

Each type reads and writes the binary encoding, and converts decoded MessagePack, the older encoding, which
is only read. It is as tolerant as the reference implementation: unknown bits are ignored, and an unknown
signal type counts as an event. Where the reference would panic on missing bytes, it raises `WireError`.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import MISSING, dataclass, fields
from enum import IntEnum
from typing import Any, TypeVar, cast

from clasp_e2e.wire.buffers import Reader, Writer
from clasp_e2e.wire.errors import WireError
from clasp_e2e.wire.messages import FederationOp, SignalType, Value
from clasp_e2e.wire.values import MAX_DEPTH, read_value, write_value

T = TypeVar("T")

FEATURE_BITS = {
    "param": 0x80,
    "event": 0x40,
    "stream": 0x20,
    "gesture": 0x10,
    "timeline": 0x08,
    "federation": 0x04,
}
"""The features in HELLO and WELCOME, and the bit of each."""

_ALL_TYPES = 0xFF
"""The mask of all signal types."""


@dataclass(frozen=True, slots=True)
class FieldType:
    """The functions that read and write one type of field.

    The last argument of each function is the name of the field, for error messages.
    """

    read: Callable[[Reader, str], Any]
    write: Callable[[Writer, Any, str], None]
    convert: Callable[[object, str], Any]
    """Converts a decoded MessagePack value to the type of the field."""


def expect(found: object, kind: type[T] | tuple[type[T], ...], name: str, what: str) -> T:
    """Return `found`, which must be of the type `kind`. A bool is not a number."""
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        raise WireError(f"{what}: a {type(found).__name__} instead of {name}")
    return found


def string(found: object, what: str) -> str:
    """Return `found`, which must be text."""
    return expect(found, str, "a string", what)


def boolean(found: object, what: str) -> bool:
    """Return `found`, which must be true or false."""
    return expect(found, bool, "a bool", what)


def mapping(found: object, what: str) -> dict[object, object]:
    """Return `found`, which must be a map."""
    return cast("dict[object, object]", expect(found, dict, "a map", what))


def array(convert: Callable[[object, str], T], found: object, what: str) -> tuple[T, ...]:
    """Return the items of `found`, which must be an array, each converted."""
    items = cast("list[object]", expect(found, list, "an array", what))
    return tuple(convert(item, what) for item in items)


def _number(found: object, what: str) -> float:
    return float(expect(found, (int, float), "a number", what))


def _unsigned(bits: int) -> Callable[[object, str], int]:
    def convert(found: object, what: str) -> int:
        number = expect(found, int, "an integer", what)
        if not 0 <= number < 1 << bits:
            raise WireError(f"{what}: {number} does not fit u{bits}")
        return number

    return convert


def member(kind: type[IntEnum]) -> Callable[[object, str], Any]:
    """Return a converter from a member's name, in any case and with or without underscores."""
    names = {item.name.replace("_", ""): item for item in kind}

    def convert(found: object, what: str) -> IntEnum:
        name = string(found, what)
        if name.upper() not in names:
            raise WireError(f"{what}: {name!r} is unknown; there are {', '.join(names).lower()}")
        return names[name.upper()]

    return convert


def _value(found: object, what: str, depth: int = 0) -> Value:
    """Return a CLASP value: no extension types, string keys, i64 integers, depth up to `MAX_DEPTH`."""
    if found is None or isinstance(found, bool | float | str | bytes):
        return found
    if isinstance(found, int):
        if not -(2**63) <= found < 2**63:
            raise WireError(f"{what}: {found} does not fit i64")
        return found
    if depth >= MAX_DEPTH:
        raise WireError(f"{what}: arrays and maps nest deeper than {MAX_DEPTH}")
    if isinstance(found, list):
        return [_value(item, what, depth + 1) for item in cast("list[object]", found)]
    if isinstance(found, dict):
        items = cast("dict[object, object]", found).items()
        return {string(key, f"{what} key"): _value(item, what, depth + 1) for key, item in items}
    raise WireError(f"{what}: a {type(found).__name__} is no CLASP value")


def _write_features(w: Writer, features: Set[str], what: str) -> None:
    unknown = features - FEATURE_BITS.keys()
    if unknown:
        raise WireError(f"features: {sorted(unknown)} have no bit; there are {', '.join(FEATURE_BITS)}")
    w.u8(sum(FEATURE_BITS[feature] for feature in features), what)


def _read_features(r: Reader, what: str) -> frozenset[str]:
    mask = r.u8(what)
    return frozenset(feature for feature, bit in FEATURE_BITS.items() if mask & bit)


def _write_types(w: Writer, types: Set[SignalType], what: str) -> None:
    w.u8(sum(1 << signal for signal in types) if types else _ALL_TYPES, what)


def _read_types(r: Reader, what: str) -> frozenset[SignalType]:
    mask = r.u8(what)
    return frozenset(signal for signal in SignalType if mask & 1 << signal and mask != _ALL_TYPES)


def signal_type(code: int) -> SignalType:
    """Return the signal type of a code; an unknown one counts as an event."""
    return SignalType(code) if code <= SignalType.TIMELINE else SignalType.EVENT


def _read_op(r: Reader, what: str) -> FederationOp:
    code = r.u8(what)
    try:
        return FederationOp(code)
    except ValueError:
        raise WireError(f"{what}: {code} is unknown, 1 to 4 are known") from None


def _write_range(w: Writer, bounds: tuple[float, float], what: str) -> None:
    for bound in bounds:
        w.f64(bound, what)


def _convert_range(found: object, what: str) -> tuple[float, ...]:
    bounds = array(_number, found, what)
    if len(bounds) != 2:
        raise WireError(f"{what}: {len(bounds)} bounds instead of 2")
    return bounds


def _write_revisions(w: Writer, revisions: dict[str, int], what: str) -> None:
    w.count(revisions, what)
    for key, revision in revisions.items():
        w.string(key, f"{what} key")
        w.u64(revision, what)


STRING = FieldType(Reader.string, Writer.string, string)
BOOL = FieldType(lambda r, what: r.u8(what) != 0, Writer.u8, boolean)
U8 = FieldType(Reader.u8, Writer.u8, _unsigned(8))
U16 = FieldType(Reader.u16, Writer.u16, _unsigned(16))
U32 = FieldType(Reader.u32, Writer.u32, _unsigned(32))
U64 = FieldType(Reader.u64, Writer.u64, _unsigned(64))
F64 = FieldType(Reader.f64, Writer.f64, _number)
VALUE = FieldType(lambda r, _: read_value(r), lambda w, value, _: write_value(w, value), _value)
TOKEN = FieldType(
    lambda r, what: r.string(what) or None, lambda w, token, what: w.string(token or "", what), string
)
"""Text that is empty if absent."""
FEATURES = FieldType(
    _read_features, _write_features, lambda found, what: frozenset(array(string, found, what))
)
SIGNAL_TYPE = FieldType(lambda r, what: signal_type(r.u8(what)), Writer.u8, member(SignalType))
SIGNAL_TYPES = FieldType(
    _read_types, _write_types, lambda found, what: frozenset(array(member(SignalType), found, what))
)
FEDERATION_OP = FieldType(_read_op, Writer.u8, member(FederationOp))
RANGE = FieldType(lambda r, what: (r.f64(what), r.f64(what)), _write_range, _convert_range)
REVISIONS = FieldType(
    lambda r, what: {r.string(f"{what} key"): r.u64(what) for _ in range(r.u16(f"{what} count"))},
    _write_revisions,
    lambda found, what: {
        string(key, f"{what} key"): U64.convert(revision, what)
        for key, revision in mapping(found, what).items()
    },
)


def each(item: FieldType | RecordLayout) -> FieldType:
    """Return the type of an array of `item`: the count, followed by the items."""

    def write(w: Writer, items: tuple[object, ...], what: str) -> None:
        w.count(items, what)
        for each_item in items:
            item.write(w, each_item, what)

    return FieldType(
        lambda r, what: tuple(item.read(r, what) for _ in range(r.u16(f"{what} count"))),
        write,
        lambda found, what: array(item.convert, found, what),
    )


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record, with its name in the dataclass."""

    name: str
    type: FieldType | RecordLayout
    bit: int = 0
    """The bit in the flags that marks the field as present; 0 if it is always present."""
    key: str = ""
    """The key in MessagePack, if it differs from the name."""
    required: bool = False
    """Whether MessagePack must contain it although the dataclass has a default."""


FLAGS = Field("flags", U8)
"""The position of the byte that has a bit for each optional field."""


class RecordLayout:
    """A dataclass whose fields are encoded in the order of `layout` in the binary encoding.

    `adapt` changes the keys of a MessagePack map to those of the layout, if there are several spellings.
    """

    def __init__(
        self,
        kind: Callable[..., Any],
        *layout: Field,
        adapt: Callable[[dict[object, object]], dict[object, object]] = lambda found: found,
    ) -> None:
        self.kind = kind
        self._layout = layout
        self._adapt = adapt
        without_default = {
            field.name
            for field in fields(cast("Any", kind))
            if field.default is MISSING and field.default_factory is MISSING
        }
        self._required = {field.name for field in layout if field.required or field.name in without_default}

    def read(self, r: Reader, what: str) -> Any:
        """Read the next record from `r`."""
        found: dict[str, object] = {}
        flags = 0
        for field in self._layout:
            if field is FLAGS:
                flags = r.u8(f"{what} flags")
            elif not field.bit or flags & field.bit:
                found[field.name] = field.type.read(r, f"{what} {field.name}")
        return self.kind(**found)

    def write(self, w: Writer, record: Any, what: str) -> None:
        """Write the fields of `record`."""
        for field in self._layout:
            if field is FLAGS:
                w.u8(self.flags(record), f"{what} flags")
            elif not field.bit or getattr(record, field.name) is not None:
                field.type.write(w, getattr(record, field.name), f"{what} {field.name}")

    def flags(self, record: Any) -> int:
        """Return the bits of the optional fields that are present."""
        return sum(
            field.bit for field in self._layout if field.bit and getattr(record, field.name) is not None
        )

    def convert(self, found: object, what: str) -> Any:
        """Return the record in a MessagePack map. A nil counts as an absent key; unknown keys are ignored."""
        values = self._adapt(mapping(found, what))
        converted: dict[str, object] = {}
        for field in self._layout:
            key = field.key or field.name
            value = values.get(key)
            if value is not None:
                converted[field.name] = field.type.convert(value, f"{what} {key}")
            elif field.type is VALUE:
                converted[field.name] = None
            elif field.name in self._required:
                raise WireError(f"{what}: {key} is missing")
        return self.kind(**converted)
