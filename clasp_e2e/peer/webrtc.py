"""The WebRTC transport of the reference peer on aiortc.

Comments name the limitations of aiortc 1.16 where they matter.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSctpTransport,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError
from aiortc.rtcicetransport import connection_kwargs
from aiortc.sdp import candidate_from_sdp

from clasp_e2e.certificates import client_context
from clasp_e2e.peer import inputs
from clasp_e2e.peer.association import Association
from clasp_e2e.peer.consent import keep_consent
from clasp_e2e.peer.dtls_tap import TAP, tap_packets, tap_secrets
from clasp_e2e.peer.effects import AcceptOffer, ChannelSpec, CreateOffer
from clasp_e2e.peer.gathering import Gathering
from clasp_e2e.peer.transport import BROKEN_OFF, CLOSED_BY_PEER, MESSAGE_LIMIT, VANISHED, Transport

RECEIVE_BUFFER = 4 << 20
"""Bytes in a socket that have not been read yet; the system may allow less."""

SERVER_LIMIT = 1.0
"""Seconds to wait for a TURN server to confirm the end of an allocation."""

CANCEL_AGAIN_AFTER = 0.05
"""Seconds until a task that swallowed its cancellation is cancelled again."""


class _Connection(RTCPeerConnection):
    """An `RTCPeerConnection` whose connecting can be stopped.

    aiortc connects in tasks to which it keeps no reference. If it is closed while they run, the consent
    checks of aioice that they start afterwards never end.
    """

    def __init__(self, servers: list[RTCIceServer]) -> None:
        # Without a list, aiortc would use a public STUN server.
        super().__init__(RTCConfiguration(iceServers=servers))
        self._connecting: set[asyncio.Task[None]] = set()

    def _RTCPeerConnection__connect(self) -> asyncio.Task[None]:  # noqa: N802 - aiortc's private name
        connect = getattr(super(), "_RTCPeerConnection__connect")  # noqa: B009 - prevents name mangling
        task: asyncio.Task[None] = asyncio.create_task(connect())
        self._connecting.add(task)
        return task

    async def end(self, *, silent: bool) -> None:
        """Close in an orderly way, or without notifying the other side if `silent`."""
        while connecting := [task for task in self._connecting if not task.done()]:
            for task in connecting:
                task.cancel()
            # Before Python 3.12, asyncio.wait_for can swallow a cancellation, so that aiortc's DTLS handshake
            # continues with a peer that may be gone: cancel it again.
            await asyncio.wait(connecting, timeout=CANCEL_AGAIN_AFTER)
        if (sctp := self.sctp) is None:
            await self.close()
            return
        dtls = sctp.transport
        ice = dtls.transport
        if silent:
            ice._send = _discard  # pyright: ignore[reportPrivateUsage]
        pump = dtls._task  # pyright: ignore[reportPrivateUsage]
        protocols = list(ice._connection._protocols)  # pyright: ignore[reportPrivateUsage]
        closing = asyncio.create_task(self.close())
        if not silent:
            await asyncio.wait([closing], timeout=SERVER_LIMIT)
        for protocol in protocols:
            # Only a TURN allocation remains: its server has not confirmed the end, or must not be notified.
            if turn := getattr(protocol.transport, "_TurnTransport__inner_protocol", None):
                if turn.refresh_task is not None:
                    turn.refresh_task.cancel()
                turn.transport.abort()
        await closing
        if pump is not None:
            await asyncio.wait([pump])


def _prepare_for_load(sctp: RTCSctpTransport) -> None:
    """Prepare for a busy loop: bursts overflow the default buffers, and answers to checks are late."""
    connection = sctp.transport.transport._connection  # pyright: ignore[reportPrivateUsage]
    connection.query_consent = partial(keep_consent, connection)
    for protocol in connection._protocols:  # pyright: ignore[reportPrivateUsage]
        opened: socket.socket | None = protocol.transport.get_extra_info("socket")
        if opened is not None:
            with suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


async def _discard(data: bytes) -> None:
    """Discard a datagram."""


class AiortcTransport(Transport):
    """A transport on aiortc."""

    loopback_addresses = ("127.0.0.1",)
    """The addresses to gather if only loopback addresses are wanted."""

    def __init__(
        self, start: CreateOffer | AcceptOffer, feed: Callable[[inputs.Input], None], *, loopback: bool
    ) -> None:
        super().__init__(start, feed, loopback=loopback)
        self._refusals = (InvalidStateError, ValueError)
        self._tap = TAP.get()
        self._gathering = Gathering(self.loopback_addresses if loopback else ())
        self._pc: _Connection | None = None
        self._association: Association | None = None

    # Negotiating

    async def _guarded(self, step: Coroutine[Any, Any, None]) -> None:
        self._gathering.enter()
        await super()._guarded(step)

    def _open(self) -> _Connection:
        servers = [RTCIceServer(urls=[url]) for url in self._ice_servers]
        servers += [
            RTCIceServer(urls=[turn.url], username=turn.username, credential=turn.credential)
            for turn in self._turn_servers
        ]
        for argument in ("stun_server", "turn_server"):
            arguments = [connection_kwargs([server]) for server in servers]
            self._gathering.servers[argument] = [
                each | {"turn_ssl": client_context()} if each.get("turn_ssl") else each
                for each in arguments
                if argument in each
            ]
        pc = self._pc = _Connection(servers)
        tap_secrets(pc, self._tap)
        pc.on("connectionstatechange", self._on_state)
        pc.on("datachannel", self._adopt_opened)
        return pc

    async def _create_offer(self, channels: tuple[ChannelSpec, ...]) -> None:
        pc = self._open()
        for spec in channels:
            self._create_channel(spec)
        await self._describe(pc)

    async def _accept_offer(self, sdp: str) -> None:
        pc = self._open()
        await self._set_remote(sdp, "offer")
        await self._describe(pc)

    async def _describe(self, pc: RTCPeerConnection) -> None:
        if pc.sctp is None:
            raise ConnectionError("the description is not that of a DataChannel")
        self._association = Association(pc.sctp)
        tap_packets(pc.sctp, self._tap)
        await pc.setLocalDescription()
        _prepare_for_load(pc.sctp)
        sdp = pc.localDescription.sdp
        if "a=candidate:" not in sdp:
            raise ConnectionError(
                "no candidates: this machine has no address but loopback; to connect over that, "
                "build the client with loopback()"
            )
        self._report(inputs.LocalDescription(self._number, sdp))

    async def _describe_remote(self, sdp: str, kind: str) -> None:
        assert self._pc is not None
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp=sdp, type=kind))

    async def _use_candidate(self, value: str) -> None:
        candidate = candidate_from_sdp(value)
        assert self._pc is not None
        candidate.sdpMid = self._transport_mid(self._pc)
        await self._pc.addIceCandidate(candidate)

    @staticmethod
    def _transport_mid(pc: RTCPeerConnection) -> str | None:
        """Return the mid of the section whose transport the channels use: the first of a bundle."""
        assert pc.sctp is not None
        if pc.sctp._bundled:  # pyright: ignore[reportPrivateUsage]
            for transceiver in pc.getTransceivers():
                if not transceiver._bundled:  # pyright: ignore[reportPrivateUsage]
                    return transceiver.mid
        return pc.sctp.mid

    # Channels

    def _create_channel(self, spec: ChannelSpec) -> None:
        assert self._pc is not None
        self._adopt(
            self._pc.createDataChannel(spec.label, ordered=spec.ordered, maxRetransmits=spec.max_retransmits)
        )

    def _adopt_opened(self, channel: RTCDataChannel) -> None:
        self._opened_by_peer.append(channel.label)
        self._adopt(channel)

    def _adopt(self, channel: RTCDataChannel) -> None:
        kept = self._keep(channel)
        if (kept or channel.label) not in self._channels:
            return

        def on_message(message: str | bytes) -> None:
            self._received(channel, message)

        channel.on("message", on_message)
        if kept is None:  # Each side may send on channels that it has opened itself.
            return
        channel.on("open", self._check_open)
        channel.on("close", self._on_channel_close)
        # A channel that the other side opened is open already.
        self._check_open()

    def _on_channel_close(self) -> None:
        if self._association is not None:
            self._association.ended()
        if self._was_open:
            reason = VANISHED if self._consent_expired() else CLOSED_BY_PEER
            self._report(inputs.TransportLost(self._number, reason))

    def _consent_expired(self) -> bool:
        """Return whether aioice lost consent; aiortc then closes the channels as if the peer had."""
        sctp = self._pc.sctp if self._pc is not None else None
        return sctp is not None and sctp.transport.transport._connection._closing  # pyright: ignore[reportPrivateUsage]

    def _on_state(self) -> None:
        if self._pc is not None and self._pc.connectionState == "connected":
            self._is_connected()
        if self._pc is None or self._pc.connectionState not in ("failed", "closed"):
            return
        self._report(inputs.TransportLost(self._number, VANISHED if self._was_open else BROKEN_OFF))

    def open_channel(self, spec: ChannelSpec, data: bytes) -> None:
        """Open an additional channel on an established transport, and send `data` on it when it is open."""
        if self._pc is not None and not self._ended:
            channel = self._pc.createDataChannel(
                spec.label, ordered=spec.ordered, maxRetransmits=spec.max_retransmits
            )
            channel.on("open", lambda: channel.send(data))

    def close_channel(self, label: str) -> None:
        """Close only the channel `label`, if there is one."""
        if isinstance(channel := self._channels.get(label), RTCDataChannel):
            channel.close()

    def _lift_limit(self) -> None:
        if self._association is not None:
            self._association.message_limit = 0

    def _message_limit(self) -> int:
        stated = self._association.message_limit if self._association is not None else 0
        return min(stated or MESSAGE_LIMIT, MESSAGE_LIMIT)

    # Ending

    def drain(self, *, left: bool) -> None:
        """Wait until the other side has acknowledged what was sent, or the limit is reached."""
        if not left and self._association is not None and self._association.unacknowledged:
            super().drain(left=left)
        else:
            self._report(inputs.Drained(self._number))

    async def _drained(self) -> None:
        if self._association is not None:
            await self._association.drained()

    async def end(self, *, silent: bool) -> None:
        """Close the transport at any time, and release all resources.

        `silent`: send no DTLS alert, SCTP abort or TURN refresh, so that the other side sees nothing.
        """
        self._ended = True
        self._stop_waiting()
        self._gathering.end()
        if self._steps:
            await asyncio.wait(self._steps)
        if self._pc is not None:
            await self._pc.end(silent=silent)
