"""MessagePack payloads: the keys in use, and what is refused."""

from __future__ import annotations

import msgpack
import pytest

from clasp_e2e import wire

READ = [
    ({"type": "QUERY", "pattern": "/a/**"}, wire.Query("/a/**")),
    ({"type": "SYNC", "t1": 1, "t2": None}, wire.Sync(1)),
    ({"type": "PING"}, wire.Ping()),
    ({"type": "PONG", "extra": 1}, wire.Pong()),
    (
        {
            "type": "HELLO",
            "version": 1,
            "name": "n",
            "features": ["param"],
            "capabilities": {"encryption": False},
        },
        wire.Hello("n", frozenset({"param"})),
    ),
    (
        {"type": "WELCOME", "version": 1, "session": "s", "name": "n", "features": [], "time": 5},
        wire.Welcome("s", "n", 5),
    ),
    (
        {"type": "SUBSCRIBE", "id": 1, "pattern": "/a", "types": ["param"], "options": {"maxRate": 60}},
        wire.Subscribe(1, "/a", frozenset({wire.SignalType.PARAM}), wire.SubscribeOptions(max_rate=60)),
    ),
    (
        {"type": "SUBSCRIBE", "id": 1, "pattern": "/a", "options": {"max_rate": 0, "epsilon": 1}},
        wire.Subscribe(1, "/a", options=wire.SubscribeOptions(max_rate=0, epsilon=1.0)),
    ),
    ({"type": "UNSUBSCRIBE", "id": 4}, wire.Unsubscribe(4)),
    ({"type": "PUBLISH", "address": "/a"}, wire.Publish("/a")),
    (
        {"type": "PUBLISH", "address": "/a", "signal": "param", "value": 0, "payload": 9},
        wire.Publish("/a", 0, wire.SignalType.PARAM),
    ),
    (
        {"type": "PUBLISH", "address": "/a", "signal": "gesture", "phase": "end", "id": 3, "payload": [b"x"]},
        wire.Publish("/a", [b"x"], wire.SignalType.GESTURE, id=3, phase=wire.GesturePhase.END),
    ),
    (
        {"type": "PUBLISH", "address": "/a", "signal": "stream", "samples": [1, 0.5], "rate": 8},
        wire.Publish("/a", signal=wire.SignalType.STREAM, samples=(1.0, 0.5), rate=8),
    ),
    ({"type": "SET", "address": "/a", "value": None}, wire.Set("/a", None)),
    (
        {"type": "SET", "address": "/a", "value": {"k": [1, 1.5]}, "revision": 2, "lock": True},
        wire.Set("/a", {"k": [1, 1.5]}, 2, lock=True),
    ),
    (
        {"type": "SET", "address": "/a", "value": 1, "ttl": "Never"},
        wire.Set("/a", 1, ttl=wire.Ttl(wire.TtlMode.NEVER)),
    ),
    (
        {"type": "SET", "address": "/a", "value": 1, "ttl": 0},
        wire.Set("/a", 1, ttl=wire.Ttl(wire.TtlMode.NEVER)),
    ),
    (
        {"type": "SET", "address": "/a", "value": 1, "ttl": {"Sliding": 9}},
        wire.Set("/a", 1, ttl=wire.Ttl(wire.TtlMode.SLIDING, 9)),
    ),
    (
        {"type": "SET", "address": "/a", "value": 1, "ttl": {"Absolute": 9}},
        wire.Set("/a", 1, ttl=wire.Ttl(wire.TtlMode.ABSOLUTE, 9)),
    ),
    (
        {"type": "SET", "address": "/a", "value": 1, "ttl": 9, "absolute": True},
        wire.Set("/a", 1, ttl=wire.Ttl(wire.TtlMode.ABSOLUTE, 9)),
    ),
    (
        {"type": "SET", "address": "/a", "value": 1, "ttl": {"Absolute": 0}},
        wire.Set("/a", 1, ttl=wire.Ttl(wire.TtlMode.ABSOLUTE, 0)),
    ),
    ({"type": "GET", "address": "/a"}, wire.Get("/a")),
    (
        {"type": "SNAPSHOT", "params": [{"address": "/a", "value": 1, "revision": 2, "writer": "w"}]},
        wire.Snapshot((wire.Param("/a", 1, 2, "w"),)),
    ),
    (
        {"type": "REPLAY", "pattern": "/**", "from": 1, "to": 2, "limit": 3, "types": ["event"]},
        wire.Replay("/**", 1, 2, 3, frozenset({wire.SignalType.EVENT})),
    ),
    ({"type": "ACK", "address": "/a", "locked": False}, wire.Ack("/a", locked=False)),
    ({"type": "ERROR", "code": 404, "message": "gone"}, wire.Error(404, "gone")),
    (
        {"type": "RESULT", "signals": [{"address": "/a", "type": "timeline", "access": "rw"}]},
        wire.Result((wire.SignalDefinition("/a", wire.SignalType.TIMELINE, access="rw"),)),
    ),
    (
        {
            "type": "ANNOUNCE",
            "namespace": "/n",
            "signals": [{"address": "/n/a", "type": "param", "meta": {"unit": "dB", "range": [0, 1]}}],
        },
        wire.Announce(
            "/n",
            (wire.SignalDefinition("/n/a", wire.SignalType.PARAM, meta=wire.SignalMeta("dB", (0.0, 1.0))),),
        ),
    ),
    (
        {"type": "FEDERATION_SYNC", "op": "RevisionVector", "revisions": {"/a": 2**64 - 1}, "origin": "r"},
        wire.FederationSync(wire.FederationOp.REVISION_VECTOR, revisions={"/a": 2**64 - 1}, origin="r"),
    ),
    (
        {
            "type": "BUNDLE",
            "timestamp": None,
            "messages": [
                {"type": "SET", "address": "/a", "value": 1},
                {"type": "BUNDLE", "timestamp": 3, "messages": []},
            ],
        },
        wire.Bundle((wire.Set("/a", 1), wire.Bundle((), 3))),
    ),
]


@pytest.mark.parametrize(("found", "message"), READ, ids=[found["type"] for found, _ in READ])
def test_keys_that_are_really_sent_are_read(found, message):
    payload = msgpack.packb(found)
    assert wire.decode_message(payload) == message
    assert wire.decode_message(payload + b"rest") == message
    assert wire.decode(wire.encode_frame(wire.Frame(payload, encoding=0)))[0] == message


def test_every_message_type_can_come_as_messagepack():
    assert {type(message) for _, message in READ} == set(wire.Message.__args__)


@pytest.mark.parametrize("marker", [b"\x82", b"\xde\x00\x02", b"\xdf\x00\x00\x00\x02"])
def test_each_form_of_a_map_is_recognised(marker):
    rest = b"".join(msgpack.packb(item) for item in ("type", "GET", "address", "/a"))
    assert wire.decode_message(marker + rest) == wire.Get("/a")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({}, "type is missing"),
        ({"type": 1}, "instead of a string"),
        ({"type": "NOPE"}, "'NOPE' is unknown"),
        ({"type": "QUERY"}, "pattern is missing"),
        ({"type": "QUERY", "pattern": b"/a"}, "bytes instead of a string"),
        ({"type": "UNSUBSCRIBE", "id": True}, "bool instead of an integer"),
        ({"type": "UNSUBSCRIBE", "id": 1.0}, "float instead of an integer"),
        ({"type": "UNSUBSCRIBE", "id": 2**32}, "u32"),
        ({"type": "ERROR", "code": -1, "message": "x"}, "u16"),
        ({"type": "SET", "address": "/a", "value": 2**63}, "i64"),
        ({"type": "SET", "address": "/a", "value": msgpack.ExtType(5, b"")}, "ExtType"),
        ({"type": "SET", "address": "/a", "value": msgpack.Timestamp(1)}, "Timestamp"),
        ({"type": "SET", "address": "/a", "value": 1, "lock": 1}, "instead of a bool"),
        ({"type": "SET", "address": "/a", "value": 1, "ttl": {}}, "Absolute is missing"),
        ({"type": "SET", "address": "/a", "value": {b"k": 1}}, "instead of a string"),
        ({"type": "PUBLISH", "address": "/a", "signal": "smoke"}, "'smoke' is unknown"),
        ({"type": "PUBLISH", "address": "/a", "samples": 3}, "instead of an array"),
        ({"type": "PUBLISH", "address": "/a", "samples": ["x"]}, "instead of a number"),
        ({"type": "BUNDLE", "messages": [1]}, "instead of a map"),
        ({"type": "SNAPSHOT", "params": {}}, "instead of an array"),
        (
            {
                "type": "ANNOUNCE",
                "namespace": "/",
                "signals": [{"address": "/", "type": "param", "meta": {"range": [1]}}],
            },
            "1 bounds",
        ),
        ({1: 2}, "MessagePack"),
    ],
)
def test_maps_that_hold_no_message_are_refused(found, reason):
    with pytest.raises(wire.WireError, match=reason):
        wire.decode_message(msgpack.packb(found))


def test_nesting_is_bounded():
    bundle: dict = {"type": "PING"}
    value: object = 0
    for _ in range(33):
        bundle = {"type": "BUNDLE", "messages": [bundle]}
        value = [value]
    for found in (bundle, {"type": "SET", "address": "/a", "value": value}):
        with pytest.raises(wire.WireError, match="deeper"):
            wire.decode_message(msgpack.packb(found))
    with pytest.raises(wire.WireError, match="MessagePack"):
        wire.decode_message(b"\x81\xa1k" * 5000 + b"\xc0")


@pytest.mark.parametrize(
    "payload",
    [
        b"\x81",
        b"\x81\xa4type\xdb\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xa1\xff\xc0",
        b"\x81\xc1\xc0",
    ],
)
def test_broken_messagepack_is_refused(payload):
    with pytest.raises(wire.WireError, match="MessagePack"):
        wire.decode_message(payload)
