"""The conventions of a client, as its messages show them."""

from __future__ import annotations

import base64
import json

import pytest
from network.samples import AIORTC as SDP

from clasp_e2e import wire
from clasp_e2e.testbed.convention_forms import ClientTraffic, carriers_in, conventions_of

ME, PEER = "11111111-aaaa", "22222222-bbbb"
PAYLOAD = b"sixteen bytes ok"
LARGE_PAYLOAD = PAYLOAD * 1024
SIGNAL = wire.encode_signal(wire.Offer(ME, SDP, "attempt"))
CANDIDATE = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"


def seen(*carriers: wire.Publish | wire.Set, **fields) -> ClientTraffic:
    return ClientTraffic(ME, frozenset([PEER]), list(carriers), **fields)


def of(name: str, *carriers: wire.Publish | wire.Set, **fields) -> list[str]:
    return sorted(conventions_of(seen(*carriers, **fields)).get(name, ()))


@pytest.mark.parametrize(
    ("address", "template"),
    [
        (wire.signal_address(PEER), "/clasp/p2p/signal/{target}"),
        (f"/rtc/{ME}/{PEER}", "/rtc/{sender}/{target}"),
        (f"/rtc/to-{PEER}", "/rtc/to-{target}"),
        ("/rtc/9f86d081884c7d659a2feaa0", "/rtc/{id}"),
        ("/rtc/conversations/v2", "/rtc/conversations/v2"),
    ],
)
def test_signal_address_is_a_template(address: str, template: str) -> None:
    assert of("signal address", wire.Publish(address, SIGNAL)) == [template]


@pytest.mark.parametrize(
    ("carrier", "form"),
    [
        (wire.Publish("/x", SIGNAL), "a PUBLISH of a map with type, from, correlation_id, sdp"),
        (
            wire.Publish("/x", {**SIGNAL, "more": 1}),
            "a PUBLISH of a map with type, from, correlation_id, sdp, more",
        ),
        (wire.Set("/x", {"d": SDP, "n": 1}), "a SET of a map with d, n (no string)"),
        (wire.Publish("/x", json.dumps({"d": SDP})), "a PUBLISH of JSON text of a map with d"),
        (wire.Publish("/x", SDP), "a PUBLISH of text"),
    ],
)
def test_signal_form_is_described(carrier: wire.Publish | wire.Set, form: str) -> None:
    assert of("signal form", carrier) == [form]


def test_encoded_description_in_a_usual_signal_is_another_form() -> None:
    encoded = {**SIGNAL, "sdp": base64.b64encode(SDP.encode()).decode()}
    expected = "a PUBLISH of a map with type, from, correlation_id, sdp (encoded)"
    assert of("signal form", wire.Publish("/x", encoded)) == [expected]


def test_correlation_id_of_a_description_is_found() -> None:
    assert seen(wire.Publish("/x", SIGNAL)).correlation_of(SDP) == "attempt"
    assert seen(wire.Publish("/x", {"sdp": SDP, "call": "attempt"})).correlation_of(SDP) is None


def test_signals_that_cannot_be_read_are_named_so() -> None:
    carrier = wire.Publish(f"/secret/{PEER}", b"\x00\x01")
    assert of("signal form", carrier) == ["content that the harness cannot read"]
    assert of("signal address", carrier) == ["/secret/{target}"]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (CANDIDATE, "JSON text or a line"),
        (json.dumps({"candidate": CANDIDATE}), "JSON text or a line"),
        ({"candidate": CANDIDATE, "sdpMLineIndex": 0}, "a map"),
    ],
)
def test_candidate_form_is_described(value: wire.Value, form: str) -> None:
    signal = {"type": "ice_candidate", "from": ME, "correlation_id": "a", "candidate": value}
    assert of("candidate form", wire.Publish("/x", signal)) == [form]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ({"data": LARGE_PAYLOAD, "from": ME}, "bytes in a map with data, from"),
        (base64.b64encode(LARGE_PAYLOAD).decode(), "text"),
        (LARGE_PAYLOAD[:10], "bytes in pieces"),
        (b"#1 " + LARGE_PAYLOAD, "bytes with more"),
        (b"unlike the payload", "content that the harness cannot read"),
    ],
)
def test_relay_is_described(value: wire.Value, form: str) -> None:
    carrier = wire.Publish(f"/via/{PEER}", value)
    assert of("relay", carrier, sent=[LARGE_PAYLOAD], relayed=[LARGE_PAYLOAD]) == [f"/via/{{target}}: {form}"]


def test_copy_of_a_payload_that_was_sent_directly_is_no_relay() -> None:
    assert of("relay", wire.Publish("/copies", PAYLOAD), sent=[PAYLOAD]) == []


@pytest.mark.parametrize(
    ("arrived", "form"),
    [
        ([PAYLOAD], "raw bytes"),
        ([PAYLOAD, b"a keep-alive"], "raw bytes"),
        ([wire.encode(wire.Publish("/x", PAYLOAD))], "CLASP frames"),
        ([base64.b64encode(PAYLOAD)], "text"),
        ([PAYLOAD[:8], PAYLOAD[8:]], "a form of its own"),
        ([b"#1 " + PAYLOAD], "a form of its own"),
        ([PAYLOAD[::-1]], "a form of its own"),
    ],
)
def test_framing_is_described(arrived: list[bytes], form: str) -> None:
    assert of("payload framing", sent=[PAYLOAD], arrived_at_reference=arrived) == [form]


def test_channels_are_named_in_order() -> None:
    assert of("channels", channels=frozenset(["b", "a"])) == ["a, b"]
    assert of("channels", channels=frozenset[str]()) == ["none opened in-band"]


@pytest.mark.parametrize(
    ("answered", "rule"),
    [
        ({ME}, "the offer of the smaller session id wins"),
        ({PEER}, "the offer of the greater session id wins"),
        ({ME, PEER}, "both offers are answered"),
    ],
)
def test_tie_break_is_described(answered: set[str], rule: str) -> None:
    assert of("tie-break", crossing=frozenset([ME, PEER]), crossing_answered=frozenset(answered)) == [rule]


def test_what_was_not_seen_is_left_out() -> None:
    assert conventions_of(seen()) == {}


def test_carriers_in_a_bundle_are_found() -> None:
    inner = wire.Publish("/x", 1)
    assert list(carriers_in(wire.Bundle((inner, wire.Ping())))) == [inner]


def test_short_session_ids_are_recognized_between_slashes() -> None:
    traffic = ClientTraffic("7", frozenset(["a/b", "9"]), [wire.Publish("/7/a/b/9/79", SIGNAL)])
    assert conventions_of(traffic)["signal address"] == {"/{sender}/{target}/{target}/79"}
