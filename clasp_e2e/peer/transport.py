"""One transport of the reference peer, whichever WebRTC stack carries it.

What the shells on the stacks have in common is here; what a stack does in its own way is abstract.
Source: RFC 8831 and RFC 8832 (DataChannels).
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from clasp_e2e.p2p_types import TurnServer
from clasp_e2e.peer import inputs
from clasp_e2e.peer.effects import RELIABLE, UNRELIABLE, ChannelSpec
from clasp_e2e.peer.sdp import candidate_attribute, without_candidates

logger = logging.getLogger(__name__)

MESSAGE_LIMIT = 262144
"""Bytes that every stack takes in one message; a remote side may advertise less."""

DRAIN_LIMIT = 1.0
"""Seconds to wait for acknowledgements: a peer is to learn of an orderly close within 2 s."""

VANISHED = "the connection was lost: the peer has vanished, or the path to it"
CLOSED_BY_PEER = "the peer closed the channels"
BROKEN_OFF = "ICE or DTLS failed: the peer broke off, or is not who its fingerprint says"

_LABELS = (UNRELIABLE.label, RELIABLE.label)


class Channel(Protocol):
    """What the stacks' DataChannels have in common: the names of W3C WebRTC 1.0."""

    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def ordered(self) -> bool: ...  # noqa: D102
    @property
    def maxRetransmits(self) -> int | None: ...  # noqa: N802, D102
    @property
    def readyState(self) -> str: ...  # noqa: N802, D102
    def send(self, data: bytes, /) -> None: ...  # noqa: D102


class Transport(ABC):
    """One negotiation's peer connection and channels. Everything that it finds out goes to `feed`.

    `number` names it in the inputs. `loopback`: gather 127.0.0.1 and nothing else.
    """

    def __init__(
        self,
        number: int,
        feed: Callable[[inputs.Input], None],
        *,
        ice_servers: tuple[str, ...],
        turn_servers: tuple[TurnServer, ...],
        loopback: bool,
    ) -> None:
        self._refusals: tuple[type[Exception], ...] = ()
        """What the stack's channels raise when they do not take a message."""
        self._number = number
        self._feed = feed
        self._ice_servers = ice_servers
        self._turn_servers = turn_servers
        self._loopback = loopback
        self._channels: dict[str, Channel] = {}
        self._candidates: list[str] | None = []
        self._steps: set[asyncio.Task[None]] = set()
        self._was_open = False
        self._ended = False

    @property
    def channels(self) -> tuple[ChannelSpec, ...]:
        """The channels as this side made them, or as the other side opened them."""
        return tuple(
            ChannelSpec(channel.label, channel.ordered, channel.maxRetransmits)
            for channel in self._channels.values()
        )

    # Negotiating

    def create_offer(self, channels: tuple[ChannelSpec, ...]) -> None:
        """Make an offer with `channels`."""
        self._step(self._create_offer(channels))

    def accept_offer(self, sdp: str) -> None:
        """Make an answer to the offer `sdp`."""
        self._step(self._accept_offer(sdp))

    def accept_answer(self, sdp: str) -> None:
        """Use the answer `sdp`."""
        self._step(self._set_remote(sdp, "answer"))

    def add_candidate(self, candidate: str) -> None:
        """Use a candidate, in any public form, once there is a remote description. Nonsense is ignored."""
        if (value := candidate_attribute(candidate)) is None:
            return
        if self._candidates is not None:
            self._candidates.append(value)
        else:
            self._step(self._add_candidates([value]))

    def _step(self, step: Coroutine[Any, Any, None]) -> None:
        if self._ended:  # What came in while the end was under way: a connection begun now would outlive it.
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
            self._tell(inputs.NegotiationFailed(self._number, reason))

    @abstractmethod
    async def _create_offer(self, channels: tuple[ChannelSpec, ...]) -> None:
        """Open the connection, make `channels`, describe it."""

    @abstractmethod
    async def _accept_offer(self, sdp: str) -> None:
        """Open the connection, use the offer, describe the answer."""

    async def _set_remote(self, sdp: str, kind: str) -> None:
        sdp, inline = without_candidates(sdp)
        await self._describe_remote(sdp, kind)
        waiting, self._candidates = self._candidates or [], None
        values = [value for line in inline if (value := candidate_attribute(line)) is not None]
        # Nothing is awaited in between that would let aioice begin without them, 20 ms slower.
        await self._add_candidates(values + waiting)

    @abstractmethod
    async def _describe_remote(self, sdp: str, kind: str) -> None:
        """Use the other side's description, `kind` being `offer` or `answer`."""

    async def _add_candidates(self, values: list[str]) -> None:
        for value in values:
            try:
                await self._use_candidate(value)
            except Exception:
                logger.debug("transport %d: candidate %r ignored", self._number, value, exc_info=True)

    @abstractmethod
    async def _use_candidate(self, value: str) -> None:
        """Use the value of a candidate attribute; whatever is raised means that it is of no use."""

    # Channels

    def _keep(self, channel: Channel) -> bool:
        """Take a channel for one of the connection's, unless it is none or is there already."""
        if channel.label not in _LABELS or channel.label in self._channels:
            return False
        self._channels[channel.label] = channel
        return True

    def _received(self, label: str, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        self._tell(inputs.ChannelMessage(self._number, label, data))

    def _check_open(self) -> None:
        states = [channel.readyState for channel in self._channels.values()]
        if not self._was_open and states == ["open"] * len(_LABELS):
            self._was_open = True
            self._tell(inputs.ChannelsOpen(self._number))

    def open_channel(self, spec: ChannelSpec, data: bytes) -> None:
        """Open one more channel on a transport that stands, and send `data` on it once it is open."""
        raise NotImplementedError("only scripts ask for it, and they stand on aiortc")

    def close_channel(self, label: str) -> None:
        """Close the channel `label`, if there is one, and no other."""
        raise NotImplementedError("only scripts ask for it, and they stand on aiortc")

    def _lift_limit(self) -> None:
        raise NotImplementedError("only scripts ask for it, and they stand on aiortc")

    def send(self, call: int, label: str, data: bytes, *, unlimited: bool = False) -> None:
        """Hand `data` to the channel `label`, and tell whether it took it.

        `unlimited`: also if it is larger than the other side takes.
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
        """The largest message that both sides take, in bytes."""

    # Ending

    def drain(self, *, left: bool) -> None:
        """Wait until the other side has acknowledged what was sent, or the limit is reached.

        `left`: the other side has ended the connection; wait until all is told that came before.
        """
        self._step(self._drain(self._heard if left else self._drained))

    async def _drain(self, drained: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            async with asyncio.timeout(DRAIN_LIMIT):
                await drained()
        except TimeoutError:
            logger.debug("transport %d: not all was acknowledged", self._number)
        self._tell(inputs.Drained(self._number))

    async def _heard(self) -> None:  # noqa: B027 - what arrives is told at once, by a stack without threads
        """Return once all that has arrived is told."""

    @abstractmethod
    async def _drained(self) -> None:
        """Return once the other side has what was sent reliably, or nothing will reach it any more."""

    @abstractmethod
    async def end(self, *, silent: bool) -> None:
        """Close the transport at whatever moment, and leave nothing behind.

        `silent`: the other side sees nothing, as far as the stack knows how to.
        """

    def _tell(self, event: inputs.Input) -> None:
        if not self._ended:
            self._feed(event)


TransportKind = type[Transport]
"""A WebRTC stack: called as `Transport` is."""
