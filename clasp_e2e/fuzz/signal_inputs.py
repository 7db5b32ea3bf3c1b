"""Valid, mutated and random signals.

The descriptions were recorded from a negotiation of the reference peer with itself. No peer has their
certificate, so they cannot lead to a connection.
"""

import json
import random

from clasp_e2e import wire
from clasp_e2e.fuzz.message_inputs import random_value
from clasp_e2e.fuzz.mutations import HUGE, mutated_candidate, mutated_sdp, mutated_value

# Placeholders for ids that are known only when the signal is sent. They have the length of a UUID.
TARGET = "the-session-that-the-signal-is-sent-"
ATTACKER = "the-session-that-the-signal-comes-of"
ATTEMPT = "correlation-id-of-the-targets-offer-"

_SDP = "\r\n".join(
    (
        "v=0",
        "o=- 4004376347 4004376347 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "a=msid-semantic:WMS *",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 127.0.0.1",
        "a=mid:0",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
        "a=candidate:16572de626da4e5384a0ce2d0d93678a 1 udp 2130706431 127.0.0.1 9 typ host",
        "a=end-of-candidates",
        "a=ice-ufrag:rg72",
        "a=ice-pwd:CXzuZjLoBEjy5xHT9aZCR1",
        "a=fingerprint:sha-256 E1:18:FA:11:6A:B2:31:96:07:59:EE:F5:4B:BF:BA:2F:E3:29:79:9A:C5:C9:8D:56:2A:F7"
        ":66:B7:4C:33:CA:C1",
        "a=setup:actpass",
        "",
    )
)
_ANSWER_SDP = _SDP.replace("actpass", "active").replace("rg72", "lXZD")
# Port 9 is the discard service.
_CANDIDATE = "candidate:16572de626da4e5384a0ce2d0d93678a 1 udp 2130706431 127.0.0.1 9 typ host"

_KINDS = ("offer", "answer", "ice_candidate", "ice_candidate", "connected", "disconnected")


def _sender(rng: random.Random) -> str:
    return rng.choice((ATTACKER, ATTACKER, ATTACKER, TARGET, "somebody", f"session-{rng.randrange(1000)}"))


def _correlation_id(rng: random.Random) -> str:
    return rng.choice((ATTEMPT, ATTEMPT, f"attempt-{rng.randrange(4)}", f"attempt-{rng.getrandbits(32):x}"))


def _candidate(rng: random.Random, text: str) -> str:
    member = json.dumps({"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0})
    return rng.choice((member, member, text, f"a={text}"))


def _mutated_candidate(rng: random.Random) -> str:
    """Return a mutated candidate, or one in truncated or deeply nested JSON."""
    candidate = _candidate(rng, mutated_candidate(rng, _CANDIDATE))
    match rng.randrange(8):
        case 0:
            return candidate[: rng.randrange(len(candidate) + 1)]
        case 1:
            return '{"candidate": ' + rng.choice(("[", '{"candidate": ')) * rng.choice((10, 1000, 4000))
        case _:
            return candidate


def _signal(rng: random.Random, *, mutated: bool) -> dict[str, wire.Value]:
    kind = rng.choice(_KINDS)
    signal: dict[str, wire.Value] = {
        "type": kind,
        "from": _sender(rng),
        "correlation_id": _correlation_id(rng),
    }
    if kind in ("offer", "answer"):
        sdp = _SDP if kind == "offer" else _ANSWER_SDP
        signal["sdp"] = mutated_sdp(rng, sdp) if mutated else sdp
    elif kind == "ice_candidate":
        signal["candidate"] = _mutated_candidate(rng) if mutated else _candidate(rng, _CANDIDATE)
    elif kind == "disconnected":
        signal["reason"] = "closed by the peer"
    return signal


def valid_signal(rng: random.Random) -> dict[str, wire.Value]:
    """Return a signal as the reference implementation publishes it."""
    return _signal(rng, mutated=False)


def mutated_signal(rng: random.Random) -> dict[str, wire.Value]:
    """Return a signal with a mutated description or candidate, mutated fields, or both."""
    inner = rng.random() < 0.6
    signal = _signal(rng, mutated=inner)
    has_inner = "sdp" in signal or "candidate" in signal
    return signal if inner and has_inner and rng.random() < 0.8 else mutated_value(rng, signal)


def senseless_signal(rng: random.Random) -> wire.Value:
    """Return any value: of a wrong type, deeply nested, huge, or with random fields."""
    match rng.randrange(6):
        case 0:
            nested: wire.Value = random_value(rng)
            for _ in range(rng.randrange(28)):
                nested = [nested] if rng.random() < 0.5 else {"sdp": nested}
            return nested
        case 1:
            return {"type": "offer", "from": ATTACKER, "correlation_id": "x", "sdp": "v=0\r\n" * (HUGE // 5)}
        case 2:
            return {f"key {number}": number for number in range(300)}
        case 3:
            return {key: random_value(rng) for key in ("type", "from", "correlation_id", "sdp", "candidate")}
        case _:
            return random_value(rng)
