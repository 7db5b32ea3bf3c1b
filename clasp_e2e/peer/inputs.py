"""What can happen to a peer: the inputs of `PeerCore`.

Calls carry a number by which `Resolve` or `Reject` answers them. WebRTC results carry the
number of the transport that `CreateOffer` or `AcceptOffer` named.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from clasp_e2e.p2p_types import RoutingMode
from clasp_e2e.peer.errors import PeerError
from clasp_e2e.wire import Value

TimerKey: TypeAlias = tuple[Literal["deadline", "reoffer"], str]
"""What a timer is for, and the session id of the peer it concerns."""


@dataclass(frozen=True, slots=True)
class Start:
    """The session stands: subscribe and announce."""


@dataclass(frozen=True, slots=True)
class ConnectToPeer:
    """Call: connect to the session `peer`. Resolved with None once the offer is on its way."""

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
    """Call: use `mode` from the next send on. Resolved with None."""

    call: int
    mode: RoutingMode


@dataclass(frozen=True, slots=True)
class GetRoutingMode:
    """Call: the mode in force. Resolved with a `RoutingMode`."""

    call: int


@dataclass(frozen=True, slots=True)
class IsPeerConnected:
    """Call: whether a direct connection to `peer` stands. Resolved with a bool."""

    call: int
    peer: str


@dataclass(frozen=True, slots=True)
class DisconnectPeer:
    """Call: end the connection to `peer`, or the attempt. Resolved with None once it has ended."""

    call: int
    peer: str


@dataclass(frozen=True, slots=True)
class CloseClient:
    """Call: end every connection and the session. Resolved with None once all has been told."""

    call: int


@dataclass(frozen=True, slots=True)
class SignalReceived:
    """The value of a PUBLISH to this client's signal address, still to be judged."""

    value: Value


@dataclass(frozen=True, slots=True)
class AnnouncementReceived:
    """The value of a PUBLISH to the announcement address, still to be judged."""

    value: Value


@dataclass(frozen=True, slots=True)
class RelayReceived:
    """The value of a PUBLISH to this client's relay address, still to be judged."""

    value: Value


@dataclass(frozen=True, slots=True)
class SignalUndeliverable:
    """The router's ERROR for a signal to `target`: usually 404, no such session."""

    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class RouterLost:
    """The session with the router has ended, other than by this client's own close."""

    reason: str


@dataclass(frozen=True, slots=True)
class RelayWritten:
    """The payload of the call has left for the router."""

    call: int


@dataclass(frozen=True, slots=True)
class RelayRefused:
    """The payload of the call could not leave for the router."""

    call: int
    error: PeerError


@dataclass(frozen=True, slots=True)
class LocalDescription:
    """The offer or answer of this side, with its candidates in it or still to come."""

    transport: int
    sdp: str


@dataclass(frozen=True, slots=True)
class LocalCandidate:
    """A candidate of this side that was not in its description; JSON text, as a browser would write it."""

    transport: int
    candidate: str


@dataclass(frozen=True, slots=True)
class ChannelsOpen:
    """Every channel of the transport can carry data, both ways."""

    transport: int


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A message that arrived on the channel `label`."""

    transport: int
    label: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ChannelAccepted:
    """The open channel took the payload of the call."""

    call: int


@dataclass(frozen=True, slots=True)
class ChannelRefused:
    """The channel did not take the payload; `limit` (bytes) is set if it was too large."""

    call: int
    reason: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Drained:
    """What `Drain` waits for has come, or was waited for long enough."""

    transport: int


@dataclass(frozen=True, slots=True)
class TransportLost:
    """The transport has ended by itself or by the other side's act."""

    transport: int
    reason: str


@dataclass(frozen=True, slots=True)
class NegotiationFailed:
    """The transport could not make or use a description."""

    transport: int
    reason: str


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The timer that `StartTimer` started has run out."""

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
"""What happens to a transport."""

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
    | SignalUndeliverable
    | RouterLost
    | RelayWritten
    | RelayRefused
    | ChannelAccepted
    | ChannelRefused
    | TimerFired
    | TransportInput
)

InputFilter: TypeAlias = Callable[[Input], Iterable[Input]]
"""What the core hears in the place of an input: for broken peers, the counterpart of `Script`."""
