"""Messages: bytes of public implementations, round trips, defaults, and values that cannot be encoded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e import wire

from .strategies import BY_TYPE, MESSAGES, U64

# Captured, with a timestamp and a map of our own where those of a capture vary.
CAPTURED = {
    "Python HELLO": (
        "53 01 0009 01 01 e0 0002 7079 0000",
        wire.Hello("py", frozenset({"param", "event", "stream"})),
    ),
    "Python SUBSCRIBE": (
        "53 01 0021 10 00000001 0018" + b"/clasp/p2p/signal/sess-1".hex() + "ff 00",
        wire.Subscribe(1, "/clasp/p2p/signal/sess-1"),
    ),
    "Rust SUBSCRIBE": (
        "53 41 0021 10 00000001 0018" + b"/clasp/p2p/signal/sess-1".hex() + "ff 00",
        wire.Subscribe(1, "/clasp/p2p/signal/sess-1"),
    ),
    "JS emit(1)": (
        "53 41 0018 20 30 0002 2f65 01 07 3ff0000000000000 0006000000000001",
        wire.Publish("/e", 1.0, timestamp=0x0006000000000001),
    ),
    "Rust signal": (
        "53 41 0026 20 20 0013" + b"/clasp/p2p/signal/s".hex() + "01 0b 0001 0004 74797065 08 0002 6f6b",
        wire.Publish("/clasp/p2p/signal/s", {"type": "ok"}),
    ),
}


@pytest.mark.parametrize(("data", "message"), CAPTURED.values(), ids=CAPTURED)
def test_captured_bytes_are_read_and_written(data, message):
    captured = bytes.fromhex(data)
    decoded, frame = wire.decode(captured)
    assert decoded == message
    assert wire.encode(message, qos=frame.qos) == captured


@pytest.mark.parametrize("kind", BY_TYPE, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_message_survives_the_round_trip(kind, data):
    message = data.draw(BY_TYPE[kind])
    assert wire.decode_message(wire.encode_message(message)) == message


def test_strategies_know_every_message():
    assert set(BY_TYPE) == set(wire.Message.__args__)
    assert len(BY_TYPE) == 19


@given(MESSAGES, st.none() | st.sampled_from(wire.QoS), st.none() | U64)
def test_whole_frame_carries_message_qos_and_timestamp(message, qos, timestamp):
    decoded, frame = wire.decode(wire.encode(message, qos=qos, timestamp=timestamp))
    assert decoded == message
    assert frame.qos == (wire.default_qos(message) if qos is None else qos)
    assert frame.timestamp == timestamp
    assert frame.encoding == 1


@pytest.mark.parametrize(
    ("message", "qos"),
    [
        (wire.Publish("/a", signal=wire.SignalType.PARAM), wire.QoS.CONFIRM),
        (wire.Publish("/a"), wire.QoS.CONFIRM),
        (wire.Publish("/a", signal=wire.SignalType.STREAM), wire.QoS.FIRE),
        (wire.Publish("/a", signal=wire.SignalType.GESTURE), wire.QoS.FIRE),
        (wire.Publish("/a", signal=wire.SignalType.TIMELINE), wire.QoS.COMMIT),
        (wire.Set("/a", 1), wire.QoS.CONFIRM),
        (wire.Subscribe(1, "/a"), wire.QoS.CONFIRM),
        (wire.Unsubscribe(1), wire.QoS.CONFIRM),
        (wire.Replay("/a"), wire.QoS.CONFIRM),
        (wire.FederationSync(wire.FederationOp.SYNC_COMPLETE), wire.QoS.CONFIRM),
        (wire.Bundle(), wire.QoS.COMMIT),
        (wire.Hello("x"), wire.QoS.FIRE),
        (wire.Ping(), wire.QoS.FIRE),
    ],
)
def test_default_qos_is_that_of_the_protocol(message, qos):
    assert wire.default_qos(message) is qos


def test_published_null_is_not_the_same_as_none():
    null, none = wire.Publish("/a", null_value=True), wire.Publish("/a")
    assert wire.encode_message(null) == bytes.fromhex("20 20 0002 2f61 01 00")
    assert wire.encode_message(none) == bytes.fromhex("20 20 0002 2f61 00")
    assert wire.decode_message(wire.encode_message(null)) != none


def test_error_has_its_optional_fields_behind_its_flags():
    data = bytes.fromhex("51 0194 0004 676f6e65 03 0002 2f61 00000007")
    assert wire.encode_message(wire.Error(404, "gone", "/a", 7)) == data


def test_all_types_and_no_types_differ_on_the_wire():
    assert wire.encode_message(wire.Subscribe(1, "/a"))[-2] == 0xFF
    assert wire.encode_message(wire.Subscribe(1, "/a", frozenset(wire.SignalType)))[-2] == 0x1F


@pytest.mark.parametrize(
    ("ttl", "data"),
    [
        (wire.Ttl(wire.TtlMode.NEVER), "00000000"),
        (wire.Ttl(wire.TtlMode.SLIDING, 35), "00000023"),
        (wire.Ttl(wire.TtlMode.SLIDING, 2**31 - 1), "7fffffff"),
        (wire.Ttl(wire.TtlMode.ABSOLUTE, 0), "80000000"),
        (wire.Ttl(wire.TtlMode.ABSOLUTE, 2**31 - 1), "ffffffff"),
    ],
)
def test_time_to_live_has_its_mode_in_the_highest_bit(ttl, data):
    payload = wire.encode_message(wire.Set("/a", None, ttl=ttl))
    assert payload == bytes.fromhex("21 10 0002 2f61" + data)
    assert wire.decode_message(payload) == wire.Set("/a", None, ttl=ttl)


@pytest.mark.parametrize(
    ("features", "bits"),
    [
        ("param", "80"),
        ("event", "40"),
        ("stream", "20"),
        ("gesture", "10"),
        ("timeline", "08"),
        ("federation", "04"),
    ],
)
def test_each_feature_has_its_bit(features, bits):
    assert wire.encode_message(wire.Hello("", frozenset({features}))) == bytes.fromhex(
        f"01 01 {bits} 0000 0000"
    )


# Written out by hand from the protocol, so that encoder and decoder cannot be wrong together.
SPELLED_OUT = {
    "20 7b 0002 2f61 02 0001 3ff0000000000000 0000000000000001 00000002 00000003": wire.Publish(
        "/a", None, wire.SignalType.GESTURE, (1.0,), 1, 2, wire.GesturePhase.CANCEL, 3
    ),
    "21 e1 0002 2f61 01 0000000000000007": wire.Set("/a", True, 7, lock=True, unlock=True),
    "10 00000001 0002 2f61 0a 0f 00000002 3ff0000000000000 00000003 00000004": wire.Subscribe(
        1,
        "/a",
        frozenset({wire.SignalType.EVENT, wire.SignalType.GESTURE}),
        wire.SubscribeOptions(2, 1.0, 3, 4),
    ),
    "30 80 0002 0000000000000005 0001 41 0005 22 0002 2f61": wire.Bundle((wire.Ping(), wire.Get("/a")), 5),
    "23 0001 0002 2f61 01 01 0000000000000006 03 0001 77 0000000000000008": wire.Snapshot(
        (wire.Param("/a", True, 6, "w", 8),)
    ),
    "50 1f 0002 2f61 0000000000000001 01 0001 68 00000002": wire.Ack("/a", 1, True, "h", 2),
    "24 e0 0002 2f61 0000000000000001 0000000000000002 00000003 10": wire.Replay(
        "/a", 1, 2, 3, frozenset({wire.SignalType.TIMELINE})
    ),
    "40 03 0000000000000001 0000000000000002 0000000000000003": wire.Sync(1, 2, 3),
    "04 02 0001 0002 2f61 0001 0001 6b 0000000000000001 c0 0000000000000002 0001 6f": wire.FederationSync(
        wire.FederationOp.REQUEST_SYNC, ("/a",), {"k": 1}, 2, "o"
    ),
    "02 01 80 0000000000000009 0001 73 0001 6e 0001 74": wire.Welcome("s", "n", 9, frozenset({"param"}), "t"),
    "61 0001 0002 2f61 02 03 0001 64 0001 72": wire.Result(
        (wire.SignalDefinition("/a", wire.SignalType.STREAM, "d", "r"),)
    ),
    "03 00016e 0001 00022f61 00 04 0f 000175 0000000000000000 3ff0000000000000 0101 0001 78": wire.Announce(
        "n",
        (
            wire.SignalDefinition(
                "/a", wire.SignalType.PARAM, meta=wire.SignalMeta("u", (0.0, 1.0), True, "x")
            ),
        ),
    ),
}


@pytest.mark.parametrize(
    ("data", "message"), SPELLED_OUT.items(), ids=[type(message).__name__ for message in SPELLED_OUT.values()]
)
def test_every_field_is_where_the_protocol_puts_it(data, message):
    assert wire.encode_message(message) == bytes.fromhex(data)
    assert wire.decode_message(bytes.fromhex(data)) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("20 e0 0002 2f61 00", wire.Publish("/a")),
        ("20 27 0002 2f61 00", wire.Publish("/a")),
        ("20 20 0002 2f61 07", wire.Publish("/a")),
        ("20 20 0002 2f61 00 00000005", wire.Publish("/a", rate=5)),
        ("20 20 0002 2f61 00 000005", wire.Publish("/a")),
        ("22 0002 2f61 ffff", wire.Get("/a")),
        ("41 00", wire.Ping()),
        ("11 00000001 00", wire.Unsubscribe(1)),
    ],
    ids=["signal type", "phase", "indicator", "rate", "less than a rate", "GET", "PING", "UNSUBSCRIBE"],
)
def test_deviations_that_the_reference_tolerates_are_tolerated(data, message):
    assert wire.decode_message(bytes.fromhex(data)) == message


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (wire.Hello("x", frozenset({"telepathy"})), "telepathy"),
        (wire.Hello("x", version=256), "u8"),
        (wire.Hello("x" * 65536), "65536"),
        (wire.Subscribe(2**32, "/a"), "u32"),
        (wire.Subscribe(-1, "/a"), "u32"),
        (wire.Publish("/a", 1, samples=(1.0,)), "exclude"),
        (wire.Publish("/a", 1, null_value=True), "null_value"),
        (wire.Publish("/a", samples=(10**400,)), "float"),
        (wire.Set("/a", 1, ttl=wire.Ttl(wire.TtlMode.SLIDING)), "sliding takes 1"),
        (wire.Set("/a", 1, ttl=wire.Ttl(wire.TtlMode.NEVER, 1)), "never takes 0"),
        (wire.Set("/a", 1, ttl=wire.Ttl(wire.TtlMode.ABSOLUTE, 2**31)), "absolute takes"),
        (wire.Set("/a", 2**63), "i64"),
        (wire.Set("/a", object()), "object is no CLASP value"),
        (wire.Error(-1, "x"), "u16"),
        (wire.Snapshot((wire.Param("/a", 1, -1),)), "u64"),
        (wire.Bundle((wire.Set("/a", "x" * 65535),)), "BUNDLE message"),
        (
            wire.Result((wire.SignalDefinition("/a", wire.SignalType.PARAM, meta=wire.SignalMeta()),)),
            "ANNOUNCE only",
        ),
    ],
)
def test_message_without_an_encoding_is_refused(message, reason):
    with pytest.raises(wire.WireError, match=reason):
        wire.encode_message(message)


def test_message_larger_than_a_frame_is_refused():
    message = wire.Set("/a", ["x" * 40000, "x" * 40000])
    assert len(wire.encode_message(message)) > wire.MAX_PAYLOAD
    with pytest.raises(wire.WireError, match="65535 is the most"):
        wire.encode(message)
