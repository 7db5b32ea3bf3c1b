"""The WebRTC shell of the reference peer: one transport on aiortc.

Source: RFC 8831 and RFC 8832 (DataChannels); the limits of aiortc 1.16 are named where they matter.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from aiortc import RTCConfiguration, RTCDataChannel, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError
from aiortc.sdp import candidate_from_sdp

from clasp_e2e.model import TurnServer
from clasp_e2e.peer import inputs
from clasp_e2e.peer.association import Association
from clasp_e2e.peer.effects import RELIABLE, UNRELIABLE, ChannelSpec
from clasp_e2e.peer.gathering import Gathering
from clasp_e2e.peer.sdp import candidate_attribute, without_candidates

__all__ = ["MESSAGE_LIMIT", "Transport"]

logger = logging.getLogger(__name__)

MESSAGE_LIMIT = 262144
"""Bytes that aiortc takes in one message; a remote side may advertise less."""

DRAIN_LIMIT = 1.0
"""Seconds to wait for acknowledgements: a peer is to learn of an orderly close within 2 s."""

SERVER_LIMIT = 1.0
"""Seconds that a TURN server has to confirm the end of an allocation."""

VANISHED = "the connection was lost: the peer has vanished, or the path to it"

_LABELS = (UNRELIABLE.label, RELIABLE.label)


TOLD_AGAIN = 0.05
"""Seconds until a task that did not take its cancellation is cancelled once more."""


class _Connection(RTCPeerConnection):
    """An `RTCPeerConnection` whose connecting can be stopped.

    aiortc connects in tasks that it does not keep. Closed while they run, it leaves behind
    what they start afterwards: the consent checks of aioice, which then never end.
    """

    def __init__(self, servers: list[RTCIceServer]) -> None:
        # Without a list aiortc would ask a public STUN server.
        super().__init__(RTCConfiguration(iceServers=servers))
        self._connecting: set[asyncio.Task[None]] = set()

    def _RTCPeerConnection__connect(self) -> asyncio.Task[None]:  # noqa: N802 - aiortc's private name
        connect = getattr(super(), "_RTCPeerConnection__connect")  # noqa: B009 - else it would be mangled
        task: asyncio.Task[None] = asyncio.create_task(connect())
        self._connecting.add(task)
        return task

    async def end(self, *, silent: bool) -> None:
        """Close in an orderly way or, if `silent`, so that the other side sees nothing but silence."""
        while connecting := [task for task in self._connecting if not task.done()]:
            for task in connecting:
                task.cancel()
            # Before Python 3.12, asyncio.wait_for can swallow a cancellation, and aiortc's DTLS handshake
            # then goes on, opposite a peer that may be gone: it is told again.
            await asyncio.wait(connecting, timeout=TOLD_AGAIN)
        if (sctp := self.sctp) is None:
            await self.close()
            return
        dtls = sctp.transport
        ice = dtls.transport
        if silent:
            ice._send = _nowhere  # pyright: ignore[reportPrivateUsage]
        pump = dtls._task  # pyright: ignore[reportPrivateUsage]
        protocols = list(ice._connection._protocols)  # pyright: ignore[reportPrivateUsage]
        closing = asyncio.create_task(self.close())
        if not silent:
            await asyncio.wait([closing], timeout=SERVER_LIMIT)
        for protocol in protocols:
            # Only a TURN allocation is still there: its server has not confirmed, or shall not be told.
            if turn := getattr(protocol.transport, "_TurnTransport__inner_protocol", None):
                if turn.refresh_task is not None:
                    turn.refresh_task.cancel()
                turn.transport.abort()
        await closing
        if pump is not None:
            await asyncio.wait([pump])


async def _nowhere(data: bytes) -> None:
    """Takes a datagram and sends it to nobody."""


class Transport:
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
        self._number = number
        self._feed = feed
        self._servers = [RTCIceServer(urls=[url]) for url in ice_servers]
        self._servers += [
            RTCIceServer(urls=[turn.url], username=turn.username, credential=turn.credential)
            for turn in turn_servers
        ]
        self._gathering = Gathering(loopback=loopback)
        self._pc: _Connection | None = None
        self._channels: dict[str, RTCDataChannel] = {}
        self._candidates: list[str] | None = []
        self._steps: set[asyncio.Task[None]] = set()
        self._association: Association | None = None
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
        self._step(self._accept_answer(sdp))

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
        self._gathering.enter()
        try:
            await step
        except Exception as error:
            logger.debug("transport %d", self._number, exc_info=True)
            reason = f"WebRTC: {error}" if str(error) else f"WebRTC: {type(error).__name__}"
            self._tell(inputs.NegotiationFailed(self._number, reason))

    def _open(self) -> _Connection:
        pc = self._pc = _Connection(self._servers)
        pc.on("connectionstatechange", self._on_state)
        pc.on("datachannel", self._adopt)
        return pc

    async def _create_offer(self, channels: tuple[ChannelSpec, ...]) -> None:
        pc = self._open()
        for spec in channels:
            self._adopt(
                pc.createDataChannel(spec.label, ordered=spec.ordered, maxRetransmits=spec.max_retransmits)
            )
        await self._describe(pc)

    async def _accept_offer(self, sdp: str) -> None:
        pc = self._open()
        await self._set_remote(pc, sdp, "offer")
        await self._describe(pc)

    async def _accept_answer(self, sdp: str) -> None:
        assert self._pc is not None
        await self._set_remote(self._pc, sdp, "answer")

    async def _describe(self, pc: _Connection) -> None:
        if pc.sctp is None:
            raise ConnectionError("the description is not that of a DataChannel")
        self._association = Association(pc.sctp)
        await pc.setLocalDescription()
        sdp = pc.localDescription.sdp
        if "a=candidate:" not in sdp:
            raise ConnectionError(
                "no candidates: this machine has no address but loopback; to connect over that, "
                "build the client with loopback()"
            )
        self._tell(inputs.LocalDescription(self._number, sdp))

    async def _set_remote(self, pc: _Connection, sdp: str, kind: str) -> None:
        sdp, inline = without_candidates(sdp)
        await pc.setRemoteDescription(RTCSessionDescription(sdp=sdp, type=kind))
        waiting, self._candidates = self._candidates or [], None
        values = [value for line in inline if (value := candidate_attribute(line)) is not None]
        # Nothing is awaited in between that would let aioice begin without them, 20 ms slower.
        await self._add_candidates(values + waiting)

    async def _add_candidates(self, values: list[str]) -> None:
        for value in values:
            try:
                candidate = candidate_from_sdp(value)
                assert self._pc is not None
                assert self._pc.sctp is not None
                candidate.sdpMid = self._pc.sctp.mid
                await self._pc.addIceCandidate(candidate)
            except Exception:
                logger.debug("transport %d: candidate %r ignored", self._number, value, exc_info=True)

    # Channels

    def _adopt(self, channel: RTCDataChannel) -> None:
        label = channel.label
        if label not in _LABELS or label in self._channels:
            return
        self._channels[label] = channel

        def on_message(message: str | bytes) -> None:
            data = message.encode() if isinstance(message, str) else message
            self._tell(inputs.ChannelMessage(self._number, label, data))

        channel.on("message", on_message)
        channel.on("open", self._check_open)
        channel.on("close", self._on_channel_close)
        # A channel that the other side opened is open already.
        self._check_open()

    def _check_open(self) -> None:
        states = [channel.readyState for channel in self._channels.values()]
        if not self._was_open and states == ["open"] * len(_LABELS):
            self._was_open = True
            self._tell(inputs.ChannelsOpen(self._number))

    def _on_channel_close(self) -> None:
        if self._association is not None:
            self._association.ended()
        if self._was_open:
            reason = VANISHED if self._consent_expired() else "the peer closed the channels"
            self._tell(inputs.TransportLost(self._number, reason))

    def _consent_expired(self) -> bool:
        """Whether aioice gave up by itself; aiortc then closes the channels as if the peer had."""
        sctp = self._pc.sctp if self._pc is not None else None
        return sctp is not None and sctp.transport.transport._connection._closing  # pyright: ignore[reportPrivateUsage]

    def _on_state(self) -> None:
        if self._pc is None or self._pc.connectionState not in ("failed", "closed"):
            return
        if self._was_open:
            reason = VANISHED
        else:
            reason = "ICE or DTLS failed: the peer broke off, or is not who its fingerprint says"
        self._tell(inputs.TransportLost(self._number, reason))

    def send(self, call: int, label: str, data: bytes) -> None:
        """Hand `data` to the channel `label`, and tell whether it took it."""
        channel = self._channels.get(label)
        if self._ended or channel is None or channel.readyState != "open":
            self._feed(inputs.ChannelRefused(call, f"the channel {label} is not open"))
            return
        if len(data) > MESSAGE_LIMIT:
            self._feed(inputs.ChannelRefused(call, "too large", MESSAGE_LIMIT))
            return
        try:
            channel.send(data)
        except InvalidStateError:
            self._feed(inputs.ChannelRefused(call, f"the channel {label} is closing"))
        except ValueError:
            limit = self._association.message_limit if self._association is not None else MESSAGE_LIMIT
            self._feed(inputs.ChannelRefused(call, "too large", limit))
        else:
            self._feed(inputs.ChannelAccepted(call))

    # Ending

    def drain(self) -> None:
        """Wait until the other side has acknowledged what was sent, or the limit is reached."""
        if self._association is not None and self._association.unacknowledged:
            self._step(self._drain(self._association))
        else:
            self._tell(inputs.Drained(self._number))

    async def _drain(self, association: Association) -> None:
        try:
            async with asyncio.timeout(DRAIN_LIMIT):
                await association.settled()
        except TimeoutError:
            logger.debug("transport %d: not all was acknowledged", self._number)
        self._tell(inputs.Drained(self._number))

    async def end(self, *, silent: bool) -> None:
        """Close the transport at whatever moment, and leave nothing behind.

        `silent`: no DTLS alert, no SCTP abort, no TURN refresh; the other side sees nothing.
        """
        self._ended = True
        self._gathering.end()
        if self._steps:
            await asyncio.wait(self._steps)
        if self._pc is not None:
            await self._pc.end(silent=silent)

    def _tell(self, event: inputs.Input) -> None:
        if not self._ended:
            self._feed(event)
