"""Signals and announcements: maps to typed values and back."""

from __future__ import annotations

import pytest
from hypothesis import given

from clasp_e2e import wire

from .strategies import ANNOUNCEMENTS, SIGNALS, VALUES


@given(SIGNALS)
def test_signal_survives_the_round_trip(signal):
    assert wire.decode_signal(wire.encode_signal(signal)) == signal


@given(SIGNALS)
def test_signal_survives_the_wire(signal):
    sent = wire.Publish(wire.signal_address("s"), wire.encode_signal(signal))
    received, _ = wire.decode(wire.encode(sent))
    assert isinstance(received, wire.Publish)
    assert wire.decode_signal(received.value) == signal


@given(ANNOUNCEMENTS)
def test_announcement_survives_the_round_trip(announcement):
    assert wire.decode_announcement(wire.encode_announcement(announcement)) == announcement


def test_keys_are_those_of_the_reference():
    assert wire.encode_signal(wire.Offer("me", "v=0", "c1")) == {
        "type": "offer",
        "from": "me",
        "correlation_id": "c1",
        "sdp": "v=0",
    }
    assert wire.encode_signal(wire.IceCandidate("me", "{}", "c1")) == {
        "type": "ice_candidate",
        "from": "me",
        "correlation_id": "c1",
        "candidate": "{}",
    }
    assert "reason" not in wire.encode_signal(wire.DisconnectedSignal("me", "c1"))
    assert wire.encode_announcement(wire.Announcement("me", features=("webrtc",))) == {
        "session_id": "me",
        "p2p_capable": True,
        "features": ["webrtc"],
    }


def test_unknown_keys_and_a_null_reason_are_ignored():
    value = {"type": "disconnected", "from": "a", "correlation_id": "c", "reason": None, "mood": "bad"}
    assert wire.decode_signal(value) == wire.DisconnectedSignal("a", "c")
    assert wire.decode_announcement(
        {"session_id": "a", "p2p_capable": False, "mood": 1}
    ) == wire.Announcement("a", p2p_capable=False)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "a signal is a map"),
        ([], "a signal is a map"),
        ({}, "type is missing"),
        ({"type": 1}, "type is a int"),
        ({"type": "offer", "correlation_id": "c", "sdp": ""}, "offer: from is missing"),
        ({"type": "offer", "from": "a", "sdp": ""}, "correlation_id is missing"),
        ({"type": "answer", "from": "a", "correlation_id": "c"}, "sdp is missing"),
        ({"type": "ice_candidate", "from": "a", "correlation_id": "c", "candidate": {}}, "is a dict"),
        ({"type": "disconnected", "from": "a", "correlation_id": "c", "reason": 3}, "reason is a int"),
        ({"type": "Offer", "from": "a", "correlation_id": "c", "sdp": ""}, "'Offer' is unknown"),
    ],
)
def test_malformed_signal_is_refused(value, reason):
    with pytest.raises(wire.WireError, match=reason):
        wire.decode_signal(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"session_id": "a"},
        {"session_id": "a", "p2p_capable": 1},
        {"p2p_capable": True},
        {"session_id": "a", "p2p_capable": True, "features": "x"},
        {"session_id": "a", "p2p_capable": True, "features": [1]},
    ],
)
def test_malformed_announcement_is_refused(value):
    with pytest.raises(wire.WireError, match="announcement"):
        wire.decode_announcement(value)


@given(VALUES)
def test_any_value_is_a_signal_or_refused(value):
    for decode in (wire.decode_signal, wire.decode_announcement):
        try:
            decode(value)
        except wire.WireError:
            continue


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("/clasp/p2p/signal/s-1", "s-1"),
        ("/clasp/p2p/signal/", None),
        ("/clasp/p2p/signal", None),
        ("/clasp/p2p/signal/a/b", "a/b"),
        ("/clasp/p2p/announce", None),
        ("s-1", None),
        ("", None),
    ],
)
def test_target_of_an_address(address, target):
    assert wire.signal_target(address) == target
    if target is not None:
        assert wire.signal_address(target) == address


def test_no_address_is_made_for_an_empty_session():
    with pytest.raises(wire.WireError, match="session"):
        wire.signal_address("")
