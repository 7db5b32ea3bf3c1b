"""Any bytes are a message or a `WireError`."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clasp_e2e import wire
from clasp_e2e.wire.layouts import MessageType
from clasp_e2e.wire.values import MAX_DEPTH

from .strategies import MESSAGES, VALUES

KEYS = st.sampled_from(
    [
        "type",
        "address",
        "value",
        "signal",
        "pattern",
        "id",
        "messages",
        "t1",
        "ttl",
        "options",
        "params",
        "meta",
    ]
)
KINDS = st.sampled_from([kind.name for kind in MessageType])


def is_message_or_refused(payload):
    """Decodes; what decodes and can be written again must mean the same again."""
    try:
        message = wire.decode_message(payload)
    except wire.WireError:
        return
    assert type(message) in wire.Message.__args__
    try:
        again = wire.encode_message(message)
    except wire.WireError:
        return
    assert repr(wire.decode_message(again)) == repr(message)  # repr, because NaN differs from itself


@given(st.binary(max_size=60))
@example(b"")
@example(b"\x00")
@example(b"\x30\x00\xff\xff")
@example(b"\x23\xff\xff")
@example(b"\x03\x00\x00\xff\xff")
def test_random_payloads(payload):
    is_message_or_refused(payload)


@given(st.sampled_from(MessageType), st.binary(max_size=60))
def test_random_bodies(kind, body):
    is_message_or_refused(bytes([kind]) + body)


@given(MESSAGES, st.data())
def test_mutated_messages(message, data):
    payload = bytearray(wire.encode_message(message))
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    is_message_or_refused(bytes(payload))


@given(MESSAGES, st.data())
def test_truncated_messages(message, data):
    payload = wire.encode_message(message)
    is_message_or_refused(payload[: data.draw(st.integers(0, len(payload) - 1))])


@given(st.binary(max_size=60))
def test_random_frames(data):
    for candidate in (data, b"S" + data):
        try:
            message, frame = wire.decode(candidate)
        except wire.WireError:
            continue
        assert wire.decode_message(frame.payload) == message


@given(KINDS, st.dictionaries(KEYS, VALUES, max_size=5), st.data())
def test_random_and_mutated_messagepack(kind, found, data):
    payload = bytearray(msgpack.packb({**found, "type": kind}))
    is_message_or_refused(bytes(payload))
    at = data.draw(st.integers(0, len(payload) - 1))
    payload[at] = data.draw(st.integers(0, 255))
    is_message_or_refused(bytes(payload))


def test_nested_bundles_are_bounded_both_ways():
    message: wire.Message = wire.Ping()
    for _ in range(MAX_DEPTH):
        message = wire.Bundle((message,))
    payload = wire.encode_message(message)
    assert wire.decode_message(payload) == message
    with pytest.raises(wire.WireError, match="deeper"):
        wire.encode_message(wire.Bundle((message,)))
    deeper = b"\x30\x00\x00\x01" + len(payload).to_bytes(2) + payload
    with pytest.raises(wire.WireError, match="deeper"):
        wire.decode_message(deeper)


def test_error_names_place_and_problem():
    with pytest.raises(
        wire.WireError, match="SUBSCRIBE pattern: truncated at byte 7, 24 bytes needed, 1 left"
    ):
        wire.decode_message(bytes.fromhex("10 00000001 0018 2f"))
