"""The wire codec and the published Python client read each other's messages."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given

from clasp_e2e import wire

from .strategies import ADDRESSES, VALUES

clasp = pytest.importorskip("clasp", reason="needs the published client: pip install clasp-to")


@pytest.fixture(scope="module")
def client():
    return clasp.Clasp("ws://unused.invalid")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (
            {"type": "HELLO", "name": "py", "features": ["param"], "token": "t"},
            wire.Hello("py", frozenset({"param"}), "t"),
        ),
        ({"type": "SUBSCRIBE", "id": 7, "pattern": "/a/**"}, wire.Subscribe(7, "/a/**")),
        (
            {
                "type": "SUBSCRIBE",
                "id": 7,
                "pattern": "/a",
                "types": ["event"],
                "options": {"maxRate": 3, "history": 1},
            },
            wire.Subscribe(7, "/a", frozenset({wire.SignalType.EVENT}), wire.SubscribeOptions(3, history=1)),
        ),
        ({"type": "UNSUBSCRIBE", "id": 7}, wire.Unsubscribe(7)),
        ({"type": "GET", "address": "/a"}, wire.Get("/a")),
        ({"type": "PING"}, wire.Ping()),
        ({"type": "PONG"}, wire.Pong()),
        (
            {
                "type": "SET",
                "address": "/a",
                "value": 1,
                "revision": 2,
                "lock": True,
                "ttl": 5,
                "absolute": True,
            },
            wire.Set("/a", 1, 2, lock=True, ttl=wire.Ttl(wire.TtlMode.ABSOLUTE, 5)),
        ),
        (
            {
                "type": "PUBLISH",
                "address": "/a",
                "signal": "gesture",
                "phase": "move",
                "id": 1,
                "payload": 0.5,
            },
            wire.Publish("/a", 0.5, wire.SignalType.GESTURE, id=1, phase=wire.GesturePhase.MOVE),
        ),
        ({"type": "QUERY", "pattern": "/a"}, wire.Query("/a")),
        ({"type": "SYNC", "t1": 9}, wire.Sync(9)),
        (
            {
                "type": "BUNDLE",
                "timestamp": None,
                "messages": [
                    {"type": "SET", "address": "/a", "value": 1},
                    {"type": "PUBLISH", "address": "/b", "signal": "event", "payload": "x"},
                ],
            },
            wire.Bundle((wire.Set("/a", 1), wire.Publish("/b", "x"))),
        ),
    ],
    ids=lambda item: item["type"] if isinstance(item, dict) else "",
)
def test_messages_of_the_public_client_are_decoded(client, theirs, ours):
    message, frame = wire.decode(client._encode(theirs))
    assert message == ours
    # The client packs QUERY, SYNC and BUNDLE as MessagePack, but sets the flag for binary there, too.
    assert frame.encoding == 1


ENCODED_BY_US = [
    wire.Welcome("s-1", "router", 2**40, frozenset({"param", "event"})),
    wire.Snapshot((wire.Param("/a", {"k": [1, 2.5, None]}, 3, "w", 4), wire.Param("/b", b"x", 1))),
    wire.Error(404, "no such session", "/clasp/p2p/signal/x"),
    wire.Set("/a", -5, 6, unlock=True, ttl=wire.Ttl(wire.TtlMode.SLIDING, 9)),
    wire.Publish("/a", "v", wire.SignalType.STREAM, timestamp=3, id=4, phase=wire.GesturePhase.CANCEL),
    wire.Result((wire.SignalDefinition("/a", wire.SignalType.PARAM, "f64", "rw"),)),
    wire.Query("/a/**"),
    wire.Ping(),
    wire.Pong(),
]


@pytest.mark.parametrize("message", ENCODED_BY_US, ids=lambda message: type(message).__name__)
def test_public_client_decodes_our_messages(client, message):
    theirs = client._decode(wire.encode(message, timestamp=1))
    # Packing the client's dictionary gives the same message in the older encoding, MessagePack.
    assert wire.decode_message(msgpack.packb(theirs)) == message


@given(ADDRESSES, VALUES)
def test_set_has_the_same_bytes_and_value_on_both_sides(client, address, value):
    theirs = {"type": "SET", "address": address, "value": value}
    message, _ = wire.decode(client._encode(theirs))
    assert message == wire.Set(address, value)
    assert client._decode(wire.encode(message))["value"] == value
    assert wire.encode(message, qos=wire.QoS.FIRE) == client._encode(theirs)
