"""Frames: the content of the header, and what is omitted from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e import wire

from .strategies import FRAMES


@given(FRAMES)
def test_frame_survives_the_round_trip(frame):
    assert wire.decode_frame(wire.encode_frame(frame)) == frame


def test_flags_are_where_the_protocol_puts_them():
    plain = wire.Frame(b"x", encoding=0)
    assert wire.encode_frame(plain) == bytes.fromhex("53 00 0001 78")
    assert wire.encode_frame(wire.Frame(b"x")) == bytes.fromhex("53 01 0001 78")
    full = wire.Frame(b"x", wire.QoS.COMMIT, 0x0102030405060708, encrypted=True, compressed=True)
    assert wire.encode_frame(full) == bytes.fromhex("53 b9 0001 0102030405060708 78")


@given(FRAMES, st.binary(min_size=1, max_size=8))
def test_bytes_behind_the_payload_are_ignored(frame, rest):
    assert wire.decode_frame(wire.encode_frame(frame) + rest) == frame


@given(FRAMES, st.data())
def test_every_truncation_is_refused(frame, data):
    whole = wire.encode_frame(frame)
    size = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(wire.WireError, match="truncated"):
        wire.decode_frame(whole[:size])


def test_reserved_qos_counts_as_fire():
    assert wire.decode_frame(bytes.fromhex("53 c1 0000")).qos is wire.QoS.FIRE


def test_another_magic_byte_is_refused():
    with pytest.raises(wire.WireError, match="0x47 instead of 0x53"):
        wire.decode_frame(b"GET / HTTP/1.1")


def test_largest_payload_fits_and_one_byte_more_does_not():
    largest = wire.Frame(bytes(wire.MAX_PAYLOAD), timestamp=1)
    assert len(wire.encode_frame(largest)) == 65547
    assert wire.decode_frame(wire.encode_frame(largest)) == largest
    with pytest.raises(wire.WireError, match="65536 bytes"):
        wire.encode_frame(wire.Frame(bytes(wire.MAX_PAYLOAD + 1)))


@pytest.mark.parametrize(
    "frame",
    [
        wire.Frame(b"", encoding=8),
        wire.Frame(b"", encoding=-1),
        wire.Frame(b"", timestamp=-1),
        wire.Frame(b"", timestamp=2**64),
    ],
)
def test_header_field_that_does_not_fit_is_refused(frame):
    with pytest.raises(wire.WireError):
        wire.encode_frame(frame)


@given(st.lists(FRAMES, min_size=1, max_size=4), st.binary(max_size=8).filter(lambda b: b[:1] != b"S"))
def test_frames_in_one_message_are_split(some, rest):
    encoded = [wire.encode_frame(frame) for frame in some]
    encoded[-1] += rest
    assert wire.split_frames(b"".join(encoded)) == encoded


@given(st.binary(max_size=200))
def test_splitting_loses_no_byte(data):
    assert b"".join(wire.split_frames(data)) == data
