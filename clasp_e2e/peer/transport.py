"""The common base of the reference peer's WebRTC transports.

It contains what all stacks share; stack-specific steps are abstract methods.
Source: RFC 8831 and RFC 8832 (DataChannels).
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from clasp_e2e.peer import inputs
from clasp_e2e.peer.effects import RELIABLE, UNRELIABLE, AcceptOffer, ChannelSpec, CreateOffer
from clasp_e2e.peer.sdp import candidate_attribute, without_candidates

logger = logging.getLogger(__name__)

MESSAGE_LIMIT = 262144
"""Bytes that every stack accepts in one message; a remote side may advertise less."""

DRAIN_LIMIT = 1.0
"""Seconds to wait for acknowledgements: a peer must notice an orderly close within 2 s."""

VANISHED = "the connection was lost: the peer has vanished, or the path to it"
CLOSED_BY_PEER = "the peer closed the channels"
BROKEN_OFF = "ICE or DTLS failed: the peer stopped, or its certificate does not match its fingerprint"

MISSING_CHANNEL_AFTER = 1.0
"""Seconds after the first channel is open until this side opens one that the other side has not opened."""

SETTLED_AFTER = 0.05
"""Seconds after channels with other labels are open until no further channel is expected."""

NO_CHANNEL_AFTER = 0.5
"""Seconds after the transport is connected until the other side has opened no channel in-band."""

_SPECS = {UNRELIABLE.label: UNRELIABLE, RELIABLE.label: RELIABLE}


class Channel(Protocol):
    """The common interface of the stacks' DataChannels, named as in W3C WebRTC 1.0."""

    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def ordered(self) -> bool: ...  # noqa: D102
    @property
    def maxRetransmits(self) -> int | None: ...  # noqa: N802, D102
    @property
    def maxPacketLifeTime(self) -> int | None: ...  # noqa: N802, D102
    @property
    def readyState(self) -> str: ...  # noqa: N802, D102
    def send(self, data: bytes, /) -> None: ...  # noqa: D102


def _kind(channel: Channel) -> str:
    """Return the label that the reference gives to channels of this reliability."""
    is_reliable = channel.maxRetransmits is None and channel.maxPacketLifeTime is None
    return (RELIABLE if is_reliable else UNRELIABLE).label


class Transport(ABC):
    """One negotiation's peer connection and channels. All events are passed to `feed`.

    `start` is the effect that opens it, whose number of the transport its inputs repeat. `loopback`: gather
    127.0.0.1 only.
    """

    def __init__(
        self, start: CreateOffer | AcceptOffer, feed: Callable[[inputs.Input], None], *, loopback: bool
    ) -> None:
        self._refusals: tuple[type[Exception], ...] = ()
        """The exceptions with which the stack's channels reject a message."""
        self._number = start.transport
        self._feed = feed
        self._ice_servers = start.ice_servers
        self._turn_servers = start.turn_servers
        self._loopback = loopback
        self._channels: dict[str, Channel] = {}
        """By the label that this implementation gives to a channel of its kind."""
        self._missing: asyncio.TimerHandle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._replaceable: set[str] = set()
        """The labels of the channels that this side has opened because the other side had not."""
        self._undecided: list[tuple[Channel, bytes]] = []
        """The messages that arrived before all channels were open."""
        self._candidates: list[str] | None = []
        self._steps: set[asyncio.Task[None]] = set()
        self._was_open = False
        self._connected_at: float | None = None
        self._opened_by_peer: list[str] = []
        self._ended = False

    @property
    def channels(self) -> tuple[ChannelSpec, ...]:
        """The channels as this side created them, or as the other side opened them."""
        return tuple(
            ChannelSpec(channel.label, channel.ordered, channel.maxRetransmits)
            for channel in self._channels.values()
        )

    @property
    def labels_opened_by_peer(self) -> tuple[str, ...] | None:
        """The labels of the channels that the other side opened; None as long as it may still open some."""
        loop, since = asyncio.get_running_loop(), self._connected_at
        is_known = self._opened_by_peer or (since is not None and loop.time() > since + NO_CHANNEL_AFTER)
        return tuple(self._opened_by_peer) if is_known else None

    # Negotiating

    def create_offer(self, channels: tuple[ChannelSpec, ...]) -> None:
        """Create an offer with `channels`."""
        self._step(self._create_offer(channels))

    def accept_offer(self, sdp: str) -> None:
        """Create an answer to the offer `sdp`."""
        self._step(self._accept_offer(sdp))

    def accept_answer(self, sdp: str) -> None:
        """Apply the answer `sdp`."""
        self._step(self._set_remote(sdp, "answer"))

    def add_candidate(self, candidate: str) -> None:
        """Add a candidate, in any public form, when there is a remote description. Ignore invalid ones."""
        if (value := candidate_attribute(candidate)) is None:
            return
        if self._candidates is not None:
            self._candidates.append(value)
        else:
            self._step(self._add_candidates([value]))

    def _step(self, step: Coroutine[Any, Any, None]) -> None:
        if self._ended:  # A connection started now would outlive the end of the transport.
            step.close()
            return
        task = asyncio.create_task(self._guarded(step))
        self._steps.add(task)
        task.add_done_callback(self._steps.discard)

    async def _guarded(self, step: Coroutine[Any, Any, None]) -> None:
        try:
            await step
        except Exception as error:
            logger.debug("transport %d", self._number, exc_info=True)
            reason = f"WebRTC: {error}" if str(error) else f"WebRTC: {type(error).__name__}"
            self._report(inputs.NegotiationFailed(self._number, reason))

    @abstractmethod
    async def _create_offer(self, channels: tuple[ChannelSpec, ...]) -> None:
        """Open the connection, create `channels`, and report the description."""

    @abstractmethod
    async def _accept_offer(self, sdp: str) -> None:
        """Open the connection, apply the offer, and report the answer."""

    async def _set_remote(self, sdp: str, kind: str) -> None:
        sdp, inline = without_candidates(sdp)
        await self._describe_remote(sdp, kind)
        waiting, self._candidates = self._candidates or [], None
        values = [value for line in inline if (value := candidate_attribute(line)) is not None]
        # There must be no await in between: aioice would start without the candidates and take 20 ms longer.
        await self._add_candidates(values + waiting)

    @abstractmethod
    async def _describe_remote(self, sdp: str, kind: str) -> None:
        """Apply the remote description; `kind` is `offer` or `answer`."""

    async def _add_candidates(self, values: list[str]) -> None:
        for value in values:
            try:
                await self._use_candidate(value)
            except Exception:
                logger.debug("transport %d: candidate %r ignored", self._number, value, exc_info=True)

    @abstractmethod
    async def _use_candidate(self, value: str) -> None:
        """Add the candidate with this attribute value; any exception means that it is unusable."""

    # Channels

    def _keep(self, channel: Channel) -> str | None:
        """Store a channel, and return its label; return None for an additional channel, which is not used.

        The other side may label its channels as it likes: the first of each kind then has the label of that
        kind. A channel with a known label replaces one with another, unless only the other has its kind.
        """
        label, kind = channel.label, _kind(channel)
        if label not in _SPECS or self._is_held(label, by=label):
            label = kind
        elif kind != label and not self._is_free(label) and self._is_free(kind):
            label = kind  # As by two channels `clasp` and `clasp-unreliable`, of which the first is reliable.
        if (known := self._channels.get(label)) is not None and label not in self._replaceable:
            if known.label == label == kind != _kind(known) and self._is_free(_kind(known)):
                self._hold(_kind(known), known)
            elif known.label == label or channel.label != label:
                return None
            elif known.label in _SPECS:
                self._hold(known.label, known)
        self._hold(label, channel)
        return label

    def _is_free(self, label: str) -> bool:
        return label not in self._channels or label in self._replaceable

    def _is_held(self, label: str, *, by: str) -> bool:
        return not self._is_free(label) and self._channels[label].label == by

    def _hold(self, label: str, channel: Channel) -> None:
        self._replaceable.discard(label)
        self._channels[label] = channel

    def _label_of(self, channel: Channel) -> str:
        """Return the label of the kind as which `channel` is used, or else its own."""
        return next((label for label, kept in self._channels.items() if kept is channel), channel.label)

    def _is_connected(self) -> None:
        """Note when the transport was connected, whether or not it has channels."""
        self._connected_at = self._connected_at or asyncio.get_running_loop().time()

    @abstractmethod
    def _create_channel(self, spec: ChannelSpec) -> None:
        """Open a channel, and keep it."""

    def _open_missing(self) -> None:
        """Open the channels that the other side has not opened: it may do without, or open them when used."""
        self._missing = None
        for label, spec in _SPECS.items():
            if label not in self._channels and not self._ended:
                self._create_channel(spec)
                self._replaceable.add(label)

    def _received(self, channel: Channel, message: str | bytes) -> None:
        """Report a message on `channel`, when it is known as which kind the channel is used."""
        data = message.encode() if isinstance(message, str) else message
        if not self._was_open:  # Another channel may still replace this one.
            self._undecided.append((channel, data))
        elif (label := self._label_of(channel)) in _SPECS:
            self._report(inputs.ChannelMessage(self._number, label, data))

    def _is_open(self) -> None:
        """Report that all channels are open."""
        self._was_open = True
        self._stop_waiting()
        self._report(inputs.ChannelsOpen(self._number))
        undecided, self._undecided = self._undecided, []
        for channel, data in undecided:
            Transport._received(self, channel, data)

    def _check_open(self) -> None:
        states = [channel.readyState for channel in self._channels.values()]
        if self._was_open or "open" not in states or self._ended:
            return
        loop = asyncio.get_running_loop()
        if states == ["open"] * len(_SPECS):
            if all(channel.label == label for label, channel in self._channels.items()):
                self._is_open()
            elif self._settling is None:  # Channels with the known labels may follow, and replace others.
                self._settling = loop.call_later(SETTLED_AFTER, self._is_open)
        elif len(states) < len(_SPECS) and self._missing is None:
            self._missing = loop.call_later(MISSING_CHANNEL_AFTER, self._open_missing)

    def _stop_waiting(self) -> None:
        """Wait no longer for channels of the other side."""
        for timer in (self._missing, self._settling):
            if timer is not None:
                timer.cancel()
        self._missing = self._settling = None

    def open_channel(self, spec: ChannelSpec, data: bytes) -> None:
        """Open an additional channel on an established transport, and send `data` on it when it is open."""
        raise NotImplementedError("only scripts use this, and they run on aiortc")

    def close_channel(self, label: str) -> None:
        """Close only the channel `label`, if there is one."""
        raise NotImplementedError("only scripts use this, and they run on aiortc")

    def _lift_limit(self) -> None:
        raise NotImplementedError("only scripts use this, and they run on aiortc")

    def send(self, call: int, label: str, data: bytes, *, unlimited: bool = False) -> None:
        """Send `data` on the channel `label`, and report whether the channel accepted it.

        `unlimited`: send even if it is larger than the other side accepts.
        """
        channel = self._channels.get(label)
        if self._ended or channel is None or channel.readyState != "open":
            self._feed(inputs.ChannelRefused(call, f"the channel {label} is not open"))
            return
        if unlimited:
            self._lift_limit()
        elif len(data) > (limit := self._message_limit()):
            self._feed(inputs.ChannelRefused(call, "too large", limit))
            return
        try:
            channel.send(data)
        except self._refusals as error:
            self._feed(inputs.ChannelRefused(call, f"the channel {label} did not take it: {error}"))
        else:
            self._feed(inputs.ChannelAccepted(call))

    @abstractmethod
    def _message_limit(self) -> int:
        """Return the largest message that both sides accept, in bytes."""

    # Ending

    def drain(self, *, left: bool) -> None:
        """Wait until the other side has acknowledged what was sent, or the limit is reached.

        `left`: the other side has ended the connection; wait until its earlier messages are delivered.
        """
        self._step(self._drain(self._delivered if left else self._drained))

    async def _drain(self, drained: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            async with asyncio.timeout(DRAIN_LIMIT):
                await drained()
        except TimeoutError:
            logger.debug("transport %d: not all was acknowledged", self._number)
        self._report(inputs.Drained(self._number))

    async def _delivered(self) -> None:  # noqa: B027 - without threads, messages are delivered on arrival
        """Return when all messages that have arrived are delivered."""

    @abstractmethod
    async def _drained(self) -> None:
        """Return when the other side has all reliable messages, or nothing can reach it any more."""

    @abstractmethod
    async def end(self, *, silent: bool) -> None:
        """Close the transport at any time, and release all resources.

        `silent`: do not notify the other side, as far as the stack allows.
        """

    def _report(self, event: inputs.Input) -> None:
        if not self._ended:
            self._feed(event)


TransportKind = type[Transport]
"""A WebRTC stack: a callable with the signature of `Transport`."""
