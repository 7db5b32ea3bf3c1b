"""The inputs of `PeerCore`: everything that can happen to a peer.

A call has a number, by which `Resolve` or `Reject` completes it. WebRTC results have the number of
the transport that `CreateOffer` or `AcceptOffer` named.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from clasp_e2e.p2p_types import RoutingMode
from clasp_e2e.peer.errors import PeerError
from clasp_e2e.wire import Publish, Set, Value

TimerKey: TypeAlias = tuple[Literal["deadline", "reoffer", "crossing"], str]
"""The purpose of a timer, and the session id of its peer."""


@dataclass(frozen=True, slots=True)
class Start:
    """The session is established: subscribe and announce."""


@dataclass(frozen=True, slots=True)
class ConnectToPeer:
    """Call: connect to the session `peer`. Resolved with None when the offer is published."""

    call: int
    peer: str


@dataclass(frozen=True, slots=True)
class SendP2P:
    """Call: send `data` to the session `peer`. Resolved with a `SendResult`."""

    call: int
    peer: str
    data: bytes
    reliable: bool


@dataclass(frozen=True, slots=True)
class SetRoutingMode:
    """Call: set the routing mode from the next send on. Resolved with None."""

    call: int
    mode: RoutingMode


@dataclass(frozen=True, slots=True)
class GetRoutingMode:
    """Call: get the routing mode. Resolved with a `RoutingMode`."""

    call: int


@dataclass(frozen=True, slots=True)
class IsPeerConnected:
    """Call: whether a direct connection to `peer` is established. Resolved with a bool."""

    call: int
    peer: str


@dataclass(frozen=True, slots=True)
class DisconnectPeer:
    """Call: end the connection to `peer`, or the attempt. Resolved with None when it has ended."""

    call: int
    peer: str


@dataclass(frozen=True, slots=True)
class CloseClient:
    """Call: end all connections and the session. Resolved with None when all events are emitted."""

    call: int


@dataclass(frozen=True, slots=True)
class SignalReceived:
    """The value of a PUBLISH to this client's signal address, not validated yet."""

    value: Value


@dataclass(frozen=True, slots=True)
class AnnouncementReceived:
    """The value of a PUBLISH to the announcement address, not validated yet."""

    value: Value


@dataclass(frozen=True, slots=True)
class RelayReceived:
    """The value of a PUBLISH to this client's relay address, not validated yet."""

    value: Value


@dataclass(frozen=True, slots=True)
class OtherMessageReceived:
    """A PUBLISH to another address, or a SET. Only scripts use this input, never the core."""

    message: Publish | Set


@dataclass(frozen=True, slots=True)
class SignalUndeliverable:
    """The router's ERROR for a signal to `target`: usually 404, no such session."""

    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class RouterLost:
    """The session with the router has ended, and this client did not close it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reattached:
    """The client is attached to its router again, as the session `session_id`."""

    session_id: str


@dataclass(frozen=True, slots=True)
class RelayWritten:
    """The payload of the call has been written to the router."""

    call: int


@dataclass(frozen=True, slots=True)
class RelayRefused:
    """The payload of the call could not be written to the router."""

    call: int
    error: PeerError


@dataclass(frozen=True, slots=True)
class LocalDescription:
    """The local offer or answer; its candidates are in it or trickle later."""

    transport: int
    sdp: str


@dataclass(frozen=True, slots=True)
class LocalCandidate:
    """A local candidate that was not in the description, as JSON text in the format of browsers."""

    transport: int
    candidate: str


@dataclass(frozen=True, slots=True)
class ChannelsOpen:
    """Every channel of the transport is open in both directions."""

    transport: int


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A message that arrived on the channel `label`."""

    transport: int
    label: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ChannelAccepted:
    """The open channel accepted the payload of the call."""

    call: int


@dataclass(frozen=True, slots=True)
class ChannelRefused:
    """The channel did not accept the payload; `limit` (bytes) is set if it was too large."""

    call: int
    reason: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Drained:
    """What `Drain` waits for has happened, or its time limit has passed."""

    transport: int


@dataclass(frozen=True, slots=True)
class TransportLost:
    """The transport has ended on its own or was ended by the other side."""

    transport: int
    reason: str


@dataclass(frozen=True, slots=True)
class NegotiationFailed:
    """The transport could not create or apply a description."""

    transport: int
    reason: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The timer that `StartTimer` started has expired."""

    key: TimerKey


TransportInput: TypeAlias = (
    LocalDescription
    | LocalCandidate
    | ChannelsOpen
    | ChannelMessage
    | Drained
    | TransportLost
    | NegotiationFailed
)
"""The events of a transport."""

Input: TypeAlias = (
    Start
    | ConnectToPeer
    | SendP2P
    | SetRoutingMode
    | GetRoutingMode
    | IsPeerConnected
    | DisconnectPeer
    | CloseClient
    | SignalReceived
    | AnnouncementReceived
    | RelayReceived
    | OtherMessageReceived
    | SignalUndeliverable
    | RouterLost
    | Reattached
    | RelayWritten
    | RelayRefused
    | ChannelAccepted
    | ChannelRefused
    | TimerFired
    | TransportInput
)

InputFilter: TypeAlias = Callable[[Input], Iterable[Input]]
"""A function from an input to the inputs that the core receives instead: the counterpart of `Script`."""
