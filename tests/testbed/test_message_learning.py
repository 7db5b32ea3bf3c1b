from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest

from clasp_e2e import wire
from clasp_e2e.scripted.adopted_conventions import EnclosedPayload, FramedPayload
from clasp_e2e.scripted.message_templates import Text, Variable
from clasp_e2e.testbed.message_learning import (
    SeenAttempt,
    SeenRelay,
    Unlearned,
    learn_payloads,
    learn_relay,
    learn_signals,
    mentions,
)

SESSIONS = ("session-of-alice", "session-of-bob", "session-of-carol", "session-of-dave")
CANDIDATE = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"

Encode = Callable[[wire.Signal, str], wire.Publish | wire.Set]
"""Returns the message of a signal to a session."""


def sdp(ufrag: str) -> str:
    return (
        f"v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:p\r\n"
    )


def attempt(number: int, encode: Encode, *, trickles: bool = False) -> SeenAttempt:
    one, other, name = SESSIONS[2 * number], SESSIONS[2 * number + 1], f"attempt-{number}{number}"
    seen = SeenAttempt(one, other)
    signals: list[wire.Signal] = [wire.Offer(one, sdp(f"u{number}"), name)]
    if trickles:
        signals.append(wire.IceCandidate(one, CANDIDATE, name))
    signals += [wire.Answer(other, sdp(f"w{number}"), name), wire.ConnectedSignal(one, name)]
    seen.connecting = [(each.sender, encode(each, seen.other(each.sender))) for each in signals]
    seen.ending = [(one, encode(wire.DisconnectedSignal(one, name), other))]
    return seen


def attempts(encode: Encode, *, trickles: bool = False) -> list[SeenAttempt]:
    return [attempt(number, encode, trickles=trickles) for number in (0, 1)]


def publicly(signal: wire.Signal, target: str) -> wire.Publish:
    return wire.Publish(wire.signal_address(target), {**wire.encode_signal(signal)})


def with_own_fields(signal: wire.Signal, target: str) -> wire.Publish:
    names = {
        "type": "kind", "from": "sender", "correlation_id": "call", "sdp": "text", "candidate": "ice",
        "reason": "why",
    }  # fmt: skip
    fields = {names[key]: value for key, value in wire.encode_signal(signal).items()}
    return wire.Publish(f"/calls/{target}", {**fields, "version": 2})


def test_signals_of_the_public_form_are_those_of_the_reference() -> None:
    assert learn_signals(attempts(publicly)) is None


def test_own_fields_are_learned_with_what_was_seen() -> None:
    form = learn_signals(attempts(with_own_fields))
    assert form
    assert set(form.templates) == {wire.Offer, wire.Answer, wire.ConnectedSignal, wire.DisconnectedSignal}
    assert form.names_attempts
    sent = form.templates[wire.Answer].message(
        {"sender": "me", "target": "you", "correlation": "a7", "sdp": "the sdp"}
    )
    assert sent == wire.Publish(
        "/calls/you", {"kind": "answer", "sender": "me", "call": "a7", "text": "the sdp", "version": 2}
    )
    assert form.templates[wire.Answer].bindings(sent) == {
        "sender": "me", "target": "you", "correlation": "a7", "sdp": "the sdp",
    }  # fmt: skip
    assert form.templates[wire.Offer].bindings(sent) is None


def test_trickled_candidates_are_learned_if_they_were_seen() -> None:
    form = learn_signals(attempts(with_own_fields, trickles=True))
    assert form
    sent = form.templates[wire.IceCandidate].message(
        {"sender": "me", "target": "you", "correlation": "a7", "candidate": "candidate:2"}
    )
    assert isinstance(sent.value, dict)
    assert sent.value["ice"] == "candidate:2"


def test_signals_around_the_public_map_are_known_without_being_seen() -> None:
    def nested(signal: wire.Signal, target: str) -> wire.Set:
        return wire.Set(f"/calls/{target}", json.dumps({"p2p": [wire.encode_signal(signal)]}, sort_keys=True))

    form = learn_signals(attempts(nested))
    assert form
    sent = form.templates[wire.IceCandidate].message(
        {"sender": "me", "target": "you", "correlation": "a7", "candidate text": "candidate:2"}
    )
    assert sent == nested(wire.IceCandidate("me", "candidate:2", "a7"), "you")


def test_numbers_are_correlation_ids() -> None:
    def numbered(signal: wire.Signal, target: str) -> wire.Publish:
        number = 70 + int(signal.correlation_id[-1])
        return wire.Publish(f"/calls/{target}", {**wire.encode_signal(signal), "correlation_id": number})

    form = learn_signals(attempts(numbered))
    assert form
    assert form.numbers_attempts
    assert "correlation" in form.templates[wire.DisconnectedSignal].variables


def test_signals_without_a_correlation_id_name_no_attempt() -> None:
    def anonymous(signal: wire.Signal, target: str) -> wire.Publish:
        value = {key: each for key, each in wire.encode_signal(signal).items() if key != "correlation_id"}
        return wire.Publish(f"/calls/{target}", value)

    form = learn_signals(attempts(anonymous))
    assert form
    assert not form.names_attempts


def test_a_field_that_changes_without_a_known_reason_is_not_learned() -> None:
    times = iter(range(100))

    def timed(signal: wire.Signal, target: str) -> wire.Publish:
        return wire.Publish(f"/calls/{target}", {**wire.encode_signal(signal), "at": next(times)})

    with pytest.raises(Unlearned, match="changes for a reason that is not known"):
        learn_signals(attempts(timed))


def test_running_numbers_are_not_learned() -> None:
    counts: Counter[str] = Counter()

    def numbered(signal: wire.Signal, target: str) -> wire.Publish:
        counts[signal.sender] += 1
        head = {"number": counts[signal.sender]}
        return wire.Publish(f"/calls/{target}", {**wire.encode_signal(signal), "head": json.dumps(head)})

    with pytest.raises(Unlearned, match=r"its signals have running numbers \(head.number\)"):
        learn_signals(attempts(numbered))


def test_numbers_of_the_kinds_of_signals_are_no_running_numbers() -> None:
    kinds = {wire.Offer: 1, wire.Answer: 2, wire.IceCandidate: 3, wire.ConnectedSignal: 4}

    def of_kind(signal: wire.Signal, target: str) -> wire.Publish:
        return wire.Publish(
            f"/calls/{target}", {**wire.encode_signal(signal), "kind": kinds.get(type(signal), 5)}
        )

    assert learn_signals(attempts(of_kind)) is not None


def test_signals_without_an_sdp_are_not_learned() -> None:
    def sealed(signal: wire.Signal, target: str) -> wire.Publish:
        return wire.Publish(f"/calls/{target}", repr(signal).encode())

    with pytest.raises(Unlearned, match="none was read"):
        learn_signals(attempts(sealed))


def test_pattern_of_a_subscription_has_the_own_session_and_any_sender() -> None:
    def by_sender(signal: wire.Signal, target: str) -> wire.Publish:
        return wire.Publish(f"/calls/{target}/from/{signal.sender}", {**wire.encode_signal(signal)})

    form = learn_signals(attempts(by_sender))
    assert form
    assert form.templates[wire.Offer].pattern("me") == "/calls/me/from/*"


def relayed(encode: Callable[[bytes, bool], wire.Value]) -> list[SeenRelay]:
    return [
        SeenRelay(
            SESSIONS[0],
            SESSIONS[1],
            payload,
            reliable,
            (wire.Publish(f"/inbox/{SESSIONS[1]}", encode(payload, reliable)),),
        )
        for payload, reliable in ((b"a payload", True), (b"another payload", False))
    ]


def test_relay_is_learned_with_its_mark_of_reliability() -> None:
    template = learn_relay(relayed(lambda payload, reliable: {"hex": payload.hex(), "safe": reliable}))
    assert template
    assert template.address == Text(("/inbox/", Variable("target")))
    sent = template.message({"target": "you", "data": b"\1\2", "reliable": True})
    assert sent.value == {"hex": "0102", "safe": True}
    assert template.bindings(sent) == {"target": "you", "data": b"\1\2", "reliable": True}


def test_relay_in_pieces_is_not_learned() -> None:
    assert learn_relay(relayed(lambda payload, _: {"piece": payload[:10]})) is None


def test_raw_payloads_are_those_of_the_reference() -> None:
    assert learn_payloads([(b"a payload", b"a payload")]) is None


@pytest.mark.parametrize("form", ["", "base64", "hex"])
def test_constant_bytes_around_payloads_are_learned(form: str) -> None:
    known = EnclosedPayload(b"<", b">", form)
    payloads = [b"a payload", b"another payload"]
    assert learn_payloads([(payload, known.frame(payload)) for payload in payloads]) == known
    assert known.read(known.frame(b"\0\xff")) == b"\0\xff"
    assert known.read(b"something else") is None


def test_clasp_frames_around_payloads_are_learned() -> None:
    def frame(payload: bytes) -> bytes:
        return wire.encode(wire.Publish("/app/data", {"payload": payload}))

    form = learn_payloads([(payload, frame(payload)) for payload in (b"a payload", b"another payload")])
    assert isinstance(form, FramedPayload)
    assert form.frame(b"x" * 900) == frame(b"x" * 900)
    assert form.read(frame(b"y")) == b"y"
    assert form.read(b"y") is None


def test_numbered_payloads_are_not_learned() -> None:
    with pytest.raises(Unlearned, match="from message to message"):
        learn_payloads([(b"a payload", b"1: a payload"), (b"another payload", b"2: another payload")])


@pytest.mark.parametrize(
    ("session", "address", "value", "is_named"),
    [
        ("1", "/clasp/p2p/signal/1", {}, True),
        ("1", "/clasp/p2p/signal/12", {"sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0"}, False),
        ("1", "/any", {"from": "1"}, True),
        ("1", "/any", '{"from": "1"}', True),
        ("room/7/1", "/clasp/p2p/signal/room/7/1", {}, True),
        ("room/7/1", "/clasp/p2p/signal/room/7/12", {}, False),
        ("0123456789", "/any", ["peer:0123456789"], True),
        ('{"id": 1}', "/any", {"session_id": '{"id": 1}'}, True),
        ("0123456789", "/any", ["peer:01234567890"], False),
    ],
)
def test_message_mentions_a_session_by_its_whole_id(
    session: str, address: str, value: wire.Value, is_named: bool
) -> None:
    assert mentions(wire.Publish(address, value), session) == is_named
