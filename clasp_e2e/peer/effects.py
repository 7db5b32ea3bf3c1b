"""What a peer does: the effects that `PeerCore` asks for and the shell carries out.

Everything that can be seen from outside is an effect, the answers of getters included. A broken
peer is therefore a function over this stream (`Script`): it drops, alters, repeats or delays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from clasp_e2e.p2p_types import P2PEvent, RoutingMode, SendResult, TurnServer
from clasp_e2e.peer.errors import PeerError
from clasp_e2e.peer.inputs import TimerKey
from clasp_e2e.wire import Announcement, Signal, Value


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A DataChannel to create. `max_retransmits` None means fully reliable."""

    label: str
    ordered: bool
    max_retransmits: int | None = None


UNRELIABLE = ChannelSpec("clasp", ordered=False, max_retransmits=0)
RELIABLE = ChannelSpec("clasp-reliable", ordered=True)


@dataclass(frozen=True, slots=True)
class SubscribeTo:
    """Subscribe to `pattern` at the router."""

    pattern: str


@dataclass(frozen=True, slots=True)
class PublishAnnouncement:
    """Make this client known to the others."""

    announcement: Announcement


@dataclass(frozen=True, slots=True)
class PublishSignal:
    """Send `signal` to the session `target`."""

    target: str
    signal: Signal


@dataclass(frozen=True, slots=True)
class PublishRelay:
    """Publish the payload of the call at `address`; `RelayWritten` or `RelayRefused` follows."""

    call: int
    address: str
    value: Value


@dataclass(frozen=True, slots=True)
class CreateOffer:
    """Open a transport and make an offer with these channels; `LocalDescription` follows."""

    transport: int
    channels: tuple[ChannelSpec, ...]
    ice_servers: tuple[str, ...]
    turn_servers: tuple[TurnServer, ...]


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """Open a transport for the offer `sdp` and make an answer; `LocalDescription` follows."""

    transport: int
    sdp: str
    ice_servers: tuple[str, ...]
    turn_servers: tuple[TurnServer, ...]


@dataclass(frozen=True, slots=True)
class AcceptAnswer:
    """Use the answer `sdp` to the transport's offer."""

    transport: int
    sdp: str


@dataclass(frozen=True, slots=True)
class AddCandidate:
    """Use one more remote candidate, as the signal gave it."""

    transport: int
    candidate: str


@dataclass(frozen=True, slots=True)
class SendOnChannel:
    """Send the payload of the call on the channel `label`; `ChannelAccepted` or `ChannelRefused` follows.

    `unlimited`: also if it is larger than the other side takes. The core never asks for that.
    """

    call: int
    transport: int
    label: str
    data: bytes
    unlimited: bool = False


@dataclass(frozen=True, slots=True)
class Drain:
    """Wait until what was sent is acknowledged; `Drained` follows, in bounded time.

    `left`: the other side has ended the connection. Wait until what it sent before has been told.
    """

    transport: int
    left: bool = False


@dataclass(frozen=True, slots=True)
class CloseTransport:
    """End the transport. `silent`: without a word to the other side."""

    transport: int
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the application."""

    event: P2PEvent


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Start the timer `key`, or start it anew."""

    key: TimerKey
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Stop the timer `key`, if it runs."""

    key: TimerKey


@dataclass(frozen=True, slots=True)
class Resolve:
    """Answer a call."""

    call: int
    result: SendResult | RoutingMode | bool | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """Fail a call."""

    call: int
    error: PeerError


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Leave the router, what was published before going out first."""


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """Open one more channel, and send `data` on it. The core never asks for it: it is there for scripts."""

    transport: int
    channel: ChannelSpec
    data: bytes


@dataclass(frozen=True, slots=True)
class CloseChannel:
    """Close one channel and no other. The core never asks for it: it is there for scripts."""

    transport: int
    label: str


@dataclass(frozen=True, slots=True)
class Delayed:
    """`effect`, `seconds` later. The core never asks for it: it is there for scripts."""

    seconds: float
    effect: Effect


Effect: TypeAlias = (
    SubscribeTo
    | PublishAnnouncement
    | PublishSignal
    | PublishRelay
    | CreateOffer
    | AcceptOffer
    | AcceptAnswer
    | AddCandidate
    | SendOnChannel
    | Drain
    | CloseTransport
    | Emit
    | StartTimer
    | CancelTimer
    | Resolve
    | Reject
    | CloseSession
    | OpenChannel
    | CloseChannel
    | Delayed
)

Script: TypeAlias = Callable[[Effect], Iterable[Effect]]
"""What becomes of an effect: called for each, its answer is carried out instead."""
