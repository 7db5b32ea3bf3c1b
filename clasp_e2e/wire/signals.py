"""P2P signals and announcements, and the addresses they are published to.

Source: the reference implementation, since the public documents do not define signaling. Unknown keys are
ignored, as in the reference.
"""

from dataclasses import MISSING, dataclass, fields
from typing import TypeAlias

from clasp_e2e.wire.errors import WireError
from clasp_e2e.wire.messages import Value

SIGNAL_PREFIX = "/clasp/p2p/signal/"
"""The prefix of the address of a signal, before the target session."""

ANNOUNCE_ADDRESS = "/clasp/p2p/announce"
"""The address at which clients announce that they support direct connections."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A request for a connection: the sender's session, its SDP, and the id of the attempt."""

    sender: str
    sdp: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the offer with the same `correlation_id`."""

    sender: str
    sdp: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class IceCandidate:
    """An ICE candidate of the sender; `candidate` is JSON text in the format of browsers."""

    sender: str
    candidate: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class ConnectedSignal:
    """A message that the sender's side of the connection is established."""

    sender: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class DisconnectedSignal:
    """A message that the sender has ended the connection."""

    sender: str
    correlation_id: str
    reason: str | None = None


Signal: TypeAlias = Offer | Answer | IceCandidate | ConnectedSignal | DisconnectedSignal


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message that the session `session_id` supports direct connections, with its features."""

    session_id: str
    p2p_capable: bool = True
    features: tuple[str, ...] = ()


def signal_address(session: str) -> str:
    """Return the address of signals to `session`. Raises `WireError` if it is empty."""
    if not session:
        raise WireError("a session id is not empty")
    return SIGNAL_PREFIX + session


def signal_target(address: str) -> str | None:
    """Return the target session of a signal to `address`, or `None` if it is not a signal address."""
    target = address.removeprefix(SIGNAL_PREFIX)
    return target if target and target != address else None


_TYPES: dict[str, type[Signal]] = {
    "offer": Offer,
    "answer": Answer,
    "ice_candidate": IceCandidate,
    "connected": ConnectedSignal,
    "disconnected": DisconnectedSignal,
}
_NAMES = {signal: name for name, signal in _TYPES.items()}


def encode_signal(s: Signal) -> dict[str, Value]:
    """Return the map that is published for a signal."""
    value: dict[str, Value] = {
        "type": _NAMES[type(s)],
        "from": s.sender,
        "correlation_id": s.correlation_id,
    }
    for each in fields(s):
        if each.name not in ("sender", "correlation_id") and (found := getattr(s, each.name)) is not None:
            value[each.name] = found
    return value


def decode_signal(value: Value) -> Signal:
    """Return the signal in a published value. Raises `WireError` if there is none."""
    if not isinstance(value, dict):
        raise WireError(f"signal: a {type(value).__name__} was published, a signal is a map")
    kind = _string(value, "signal", "type")
    what = f"signal {kind}"
    found = {"sender": _string(value, what, "from"), "correlation_id": _string(value, what, "correlation_id")}
    if kind not in _TYPES:
        raise WireError(f"signal: type {kind!r} is unknown; there are {', '.join(_TYPES)}")
    for each in fields(_TYPES[kind]):
        if each.name not in found and (each.default is MISSING or value.get(each.name) is not None):
            found[each.name] = _string(value, what, each.name)
    return _TYPES[kind](**found)


def encode_announcement(a: Announcement) -> dict[str, Value]:
    """Return the map that is published for an announcement."""
    return {"session_id": a.session_id, "p2p_capable": a.p2p_capable, "features": list(a.features)}


def decode_announcement(value: Value) -> Announcement:
    """Return the announcement in a published value. Raises `WireError` if there is none."""
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
