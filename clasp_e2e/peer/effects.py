"""The effects that `PeerCore` requests and the shell executes.

Everything observable from outside is an effect, including the results of getters. A faulty peer is
therefore a function over this stream (`Script`) that drops, changes, repeats or delays effects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from clasp_e2e.p2p_types import P2PEvent, RoutingMode, SendResult, TurnServer
from clasp_e2e.peer.errors import PeerError
from clasp_e2e.peer.inputs import Input, TimerKey
from clasp_e2e.wire import Announcement, Message, Signal, Value


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
    """Announce this client to the other sessions."""

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
    """Open a transport and create an offer with these channels; `LocalDescription` follows."""

    transport: int
    channels: tuple[ChannelSpec, ...]
    ice_servers: tuple[str, ...]
    turn_servers: tuple[TurnServer, ...]


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """Open a transport for the offer `sdp` and create an answer; `LocalDescription` follows."""

    transport: int
    peer: str
    sdp: str
    ice_servers: tuple[str, ...]
    turn_servers: tuple[TurnServer, ...]


@dataclass(frozen=True, slots=True)
class AcceptAnswer:
    """Apply the answer `sdp` to the transport's offer."""

    transport: int
    sdp: str


@dataclass(frozen=True, slots=True)
class AddCandidate:
    """Add one remote candidate, as the signal contained it."""

    transport: int
    candidate: str


@dataclass(frozen=True, slots=True)
class SendOnChannel:
    """Send the call's payload on the channel `label`; `ChannelAccepted` or `ChannelRefused` follows.

    `unlimited`: send even if it is larger than the other side accepts. The core never uses this.
    """

    call: int
    transport: int
    label: str
    data: bytes
    unlimited: bool = False


@dataclass(frozen=True, slots=True)
class Drain:
    """Wait until sent data is acknowledged; `Drained` follows after a limited time.

    `left`: the other side has ended the connection; wait until its earlier messages are delivered.
    """

    transport: int
    left: bool = False


@dataclass(frozen=True, slots=True)
class CloseTransport:
    """End the transport. `silent`: without notifying the other side."""

    transport: int
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Emit:
    """Deliver an event to the application."""

    event: P2PEvent


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Start the timer `key`, or restart it."""

    key: TimerKey
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Stop the timer `key`, if it is running."""

    key: TimerKey


@dataclass(frozen=True, slots=True)
class Resolve:
    """Complete a call with a result."""

    call: int
    result: SendResult | RoutingMode | bool | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """Complete a call with an error."""

    call: int
    error: PeerError


@dataclass(frozen=True, slots=True)
class CloseSession:
    """Leave the router after all pending messages are sent."""


@dataclass(frozen=True, slots=True)
class SendToRouter:
    """Send a message, or a whole frame, to the router. Only scripts use this effect, never the core."""

    message: Message | bytes


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """Open an additional channel and send `data` on it. Only scripts use this effect, never the core."""

    transport: int
    channel: ChannelSpec
    data: bytes


@dataclass(frozen=True, slots=True)
class CloseChannel:
    """Close a single channel. Only scripts use this effect, never the core."""

    transport: int
    label: str


@dataclass(frozen=True, slots=True)
class Feed:
    """Feed an input to the core. Only scripts use this effect, never the core."""

    event: Input


@dataclass(frozen=True, slots=True)
class Delayed:
    """Execute `effect` after `seconds`. Only scripts use this effect, never the core."""

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
    | SendToRouter
    | OpenChannel
    | CloseChannel
    | Feed
    | Delayed
)

Script: TypeAlias = Callable[[Effect], Iterable[Effect]]
"""A function that is called for each effect; the effects that it returns are executed instead."""
