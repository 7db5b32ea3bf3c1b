"""Values: a type code followed by data.

Source: the wire protocol page of the CLASP documentation, "Value Types". Code and data can be written
separately because SET stores the code in its flags.
"""

from enum import IntEnum

from clasp_e2e.wire.buffers import Reader, Writer
from clasp_e2e.wire.errors import WireError
from clasp_e2e.wire.messages import Value

MAX_DEPTH = 32
"""The maximum depth of arrays and maps, and of bundles. CLASP has no limit, but a decoder needs one."""


class ValueType(IntEnum):
    """The type codes."""

    NULL = 0x00
    BOOL = 0x01
    I8 = 0x02
    I16 = 0x03
    I32 = 0x04
    I64 = 0x05
    F32 = 0x06
    F64 = 0x07
    STRING = 0x08
    BYTES = 0x09
    ARRAY = 0x0A
    MAP = 0x0B


def value_type(value: Value) -> ValueType:
    """Return the type code of `value`: I64 for integers, F64 for floats."""
    match value:
        case None:
            return ValueType.NULL
        case bool():
            return ValueType.BOOL
        case int():
            return ValueType.I64
        case float():
            return ValueType.F64
        case str():
            return ValueType.STRING
        case bytes():
            return ValueType.BYTES
        case list():
            return ValueType.ARRAY
        case dict():
            return ValueType.MAP
        case _:  # pyright: ignore[reportUnnecessaryComparison]  # callers are not always type-checked
            raise WireError(f"value: a {type(value).__name__} is no CLASP value")


def write_value(writer: Writer, value: Value, depth: int = 0) -> None:
    """Write code and data. Raises `WireError` if there is no code, it does not fit, or nests too deep."""
    writer.u8(value_type(value), "value type")
    write_value_data(writer, value, depth)


def write_value_data(writer: Writer, value: Value, depth: int = 0) -> None:
    """Write the data only. Raises the same errors as `write_value`."""
    match value:
        case None:
            pass
        case bool():
            writer.u8(value, "bool")
        case int():
            writer.i64(value, "integer")
        case float():
            writer.f64(value, "float")
        case str():
            writer.string(value, "string")
        case bytes():
            writer.blob(value, "bytes")
        case list():
            _check_depth(depth)
            writer.count(value, "array")
            for item in value:
                write_value(writer, item, depth + 1)
        case dict():
            _check_depth(depth)
            writer.count(value, "map")
            for key, item in value.items():
                _check_key(key)
                writer.string(key, "map key")
                write_value(writer, item, depth + 1)


def read_value(reader: Reader, depth: int = 0) -> Value:
    """Read code and data. Raises `WireError` for an unknown code, missing bytes, or too deep nesting."""
    return read_value_data(reader, reader.u8("value type"), depth)


def read_value_data(reader: Reader, code: int, depth: int = 0) -> Value:
    """Read the data of the type `code`, with the errors of `read_value`. The last of equal keys wins."""
    match code:
        case ValueType.NULL:
            return None
        case ValueType.BOOL:
            return reader.u8("bool") != 0
        case ValueType.I8 | ValueType.I16 | ValueType.I32 | ValueType.I64:
            return reader.signed(1 << (code - ValueType.I8), "integer")
        case ValueType.F32:
            return reader.f32("float")
        case ValueType.F64:
            return reader.f64("float")
        case ValueType.STRING:
            return reader.string("string")
        case ValueType.BYTES:
            return reader.blob("bytes")
        case ValueType.ARRAY:
            _check_depth(depth)
            count = reader.u16("array count")
            return [read_value(reader, depth + 1) for _ in range(count)]
        case ValueType.MAP:
            _check_depth(depth)
            count = reader.u16("map count")
            return {reader.string("map key"): read_value(reader, depth + 1) for _ in range(count)}
        case _:
            raise WireError(f"value type: 0x{code:02x} is unknown, 0x00 to 0x0b are known")


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise WireError(f"value: arrays and maps nest deeper than {MAX_DEPTH}")


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise WireError(f"map key: a {type(key).__name__} instead of a string")
