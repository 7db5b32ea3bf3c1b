"""The maps by which peers find and connect to each other, and the addresses they travel to.

Source: the public documents leave signaling open; this is what the reference implementation publishes.
Keys that are not known are ignored, as there.
"""

from dataclasses import MISSING, dataclass, fields
from typing import TypeAlias

from clasp_e2e.wire.errors import WireError
from clasp_e2e.wire.messages import Value

SIGNAL_PREFIX = "/clasp/p2p/signal/"
"""What stands before the target session in the address of a signal."""

ANNOUNCE_ADDRESS = "/clasp/p2p/announce"
"""Where clients make themselves known as able to connect directly."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Asks for a connection: the session that asks, its SDP, and the name of the attempt."""

    sender: str
    sdp: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Agrees to the offer with the same `correlation_id`."""

    sender: str
    sdp: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class IceCandidate:
    """A way to reach the sender; `candidate` is JSON text, as a browser would write it."""

    sender: str
    candidate: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class ConnectedSignal:
    """Tells that the sender's side of the connection stands."""

    sender: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class DisconnectedSignal:
    """Tells that the sender has ended the connection."""

    sender: str
    correlation_id: str
    reason: str | None = None


Signal: TypeAlias = Offer | Answer | IceCandidate | ConnectedSignal | DisconnectedSignal


@dataclass(frozen=True, slots=True)
class Announcement:
    """Tells that `session_id` can connect directly, and how."""

    session_id: str
    p2p_capable: bool = True
    features: tuple[str, ...] = ()


def signal_address(session: str) -> str:
    """The address of signals to `session`; `WireError` unless that is one segment that is not empty."""
    if not session or "/" in session:
        raise WireError(f"session {session!r}: a session id is not empty and holds no '/'")
    return SIGNAL_PREFIX + session


def signal_target(address: str) -> str | None:
    """The session that a signal to `address` is for, or `None` if no signal goes there."""
    target = address.removeprefix(SIGNAL_PREFIX)
    return target if target and target != address and "/" not in target else None


_TYPES: dict[str, type[Signal]] = {
    "offer": Offer,
    "answer": Answer,
    "ice_candidate": IceCandidate,
    "connected": ConnectedSignal,
    "disconnected": DisconnectedSignal,
}
_WORDS = {kind: word for word, kind in _TYPES.items()}


def encode_signal(s: Signal) -> dict[str, Value]:
    """Return the map that is published for a signal."""
    value: dict[str, Value] = {"type": _WORDS[type(s)], "from": s.sender, "correlation_id": s.correlation_id}
    for each in fields(s):
        if each.name not in ("sender", "correlation_id") and (found := getattr(s, each.name)) is not None:
            value[each.name] = found
    return value


def decode_signal(value: Value) -> Signal:
    """Return the signal that was published as `value`. Raises `WireError` if it is none."""
    if not isinstance(value, dict):
        raise WireError(f"signal: a {type(value).__name__} was published, a signal is a map")
    word = _string(value, "signal", "type")
    what = f"signal {word}"
    found = {"sender": _string(value, what, "from"), "correlation_id": _string(value, what, "correlation_id")}
    if word not in _TYPES:
        raise WireError(f"signal: type {word!r} is unknown; there are {', '.join(_TYPES)}")
    for each in fields(_TYPES[word]):
        if each.name not in found and (each.default is MISSING or value.get(each.name) is not None):
            found[each.name] = _string(value, what, each.name)
    return _TYPES[word](**found)


def encode_announcement(a: Announcement) -> dict[str, Value]:
    """The map that stands for an announcement."""
    return {"session_id": a.session_id, "p2p_capable": a.p2p_capable, "features": list(a.features)}


def decode_announcement(value: Value) -> Announcement:
    """The announcement that a published value stands for; `WireError` if it stands for none."""
    if not isinstance(value, dict):
        raise WireError(f"announcement: a {type(value).__name__} was published, an announcement is a map")
    capable = value.get("p2p_capable")
    if not isinstance(capable, bool):
        raise WireError("announcement: p2p_capable is missing or no bool")
    features = value.get("features", [])
    if not isinstance(features, list):
        raise WireError("announcement: features is no array of strings")
    names = tuple(feature for feature in features if isinstance(feature, str))
    if len(names) != len(features):
        raise WireError("announcement: features is no array of strings")
    return Announcement(_string(value, "announcement", "session_id"), capable, names)


def _string(value: dict[str, Value], what: str, key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        problem = "is missing" if key not in value else f"is a {type(found).__name__}, not a string"
        raise WireError(f"{what}: {key} {problem}")
    return found
