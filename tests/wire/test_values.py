"""Values: their codes, widths and limits."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given

from clasp_e2e.wire import WireError
from clasp_e2e.wire.buffers import Reader, Writer
from clasp_e2e.wire.values import MAX_DEPTH, read_value, write_value

from .strategies import VALUES


def written(value):
    writer = Writer()
    write_value(writer, value)
    return writer.finish()


def nested(depth, kind):
    value = 0
    for _ in range(depth):
        value = [value] if kind is list else {"k": value}
    return value


@given(VALUES)
def test_value_survives_the_round_trip_type_and_all(value):
    reader = Reader(written(value))
    back = read_value(reader)
    assert back == value
    assert repr(back) == repr(value)  # tells 1, 1.0 and True apart, which == does not
    assert reader.remaining == 0


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, "00"),
        (True, "01 01"),
        (-2, "05 fffffffffffffffe"),
        (1.0, "07 3ff0000000000000"),
        ("hé", "08 0003 68c3a9"),
        (b"\x00\xff", "09 0002 00ff"),
        ([None, False], "0a 0002 00 01 00"),
        ({"a": {}}, "0b 0001 0001 61 0b 0000"),
    ],
)
def test_bytes_are_those_of_the_protocol(value, data):
    assert written(value) == bytes.fromhex(data)
    assert read_value(Reader(bytes.fromhex(data))) == value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("02 80", -128),
        ("03 8000", -(2**15)),
        ("04 7fffffff", 2**31 - 1),
        ("06 3fc00000", 1.5),
        ("01 07", True),
        ("0b 0002 0001 61 02 01 0001 61 02 02", {"a": 2}),
    ],
)
def test_narrower_numbers_and_odd_forms_are_read(data, value):
    assert read_value(Reader(bytes.fromhex(data))) == value


def test_nan_and_the_infinities_pass():
    assert math.isnan(read_value(Reader(written(math.nan))))
    assert read_value(Reader(written(-math.inf))) == -math.inf
    assert read_value(Reader(b"\x06" + struct.pack(">f", math.inf))) == math.inf


@pytest.mark.parametrize("kind", [list, dict])
def test_nesting_is_bounded_both_ways(kind):
    deepest = nested(MAX_DEPTH, kind)
    assert read_value(Reader(written(deepest))) == deepest
    with pytest.raises(WireError, match="deeper"):
        written(nested(MAX_DEPTH + 1, kind))
    opening = b"\x0a\x00\x01" if kind is list else b"\x0b\x00\x01\x00\x00"
    with pytest.raises(WireError, match="deeper"):
        read_value(Reader(opening * 10_000 + b"\x00"))


def test_value_that_holds_itself_is_refused():
    loop: list = []
    loop.append(loop)
    with pytest.raises(WireError, match="deeper"):
        written(loop)


@pytest.mark.parametrize(
    "value",
    [2**63, -(2**63) - 1, "x" * 65536, b"x" * 65536, [None] * 65536, "\ud800", (1, 2), {1: 2}, {1}, object()],
    ids=lambda value: type(value).__name__,
)
def test_unsupported_value_is_refused(value):
    with pytest.raises(WireError):
        written(value)


def test_longest_string_and_array_pass():
    assert read_value(Reader(written("é" * 32767))) == "é" * 32767
    assert read_value(Reader(written([None] * 65535))) == [None] * 65535


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "truncated"),
        ("0c", "0x0c is unknown"),
        ("05 00", "truncated"),
        ("08 0001", "truncated"),
        ("08 0001 ff", "UTF-8"),
        ("0a ffff 00", "truncated"),
        ("0b 0001 0001 ff 00", "UTF-8"),
    ],
)
def test_broken_values_are_refused(data, message):
    with pytest.raises(WireError, match=message):
        read_value(Reader(bytes.fromhex(data)))
