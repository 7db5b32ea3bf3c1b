"""The second WebRTC transport of the reference peer: libwebrtc, through the package `wrtc`.

Candidates trickle, as in browsers. libwebrtc always notifies the other side when it closes: only ending
the process is silent. The package delivers all events on the event loop.
"""

import asyncio
import importlib
import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

from clasp_e2e.peer import inputs
from clasp_e2e.peer.effects import RELIABLE, AcceptOffer, ChannelSpec, CreateOffer
from clasp_e2e.peer.transport import (
    BROKEN_OFF,
    CLOSED_BY_PEER,
    DRAIN_LIMIT,
    MESSAGE_LIMIT,
    VANISHED,
    Transport,
)


def install_advice() -> str | None:
    """Return what to do before libwebrtc can be used, or None."""
    if find_spec("wrtc") is not None and find_spec("webrtc") is not None:
        return None
    return "libwebrtc is not installed for this Python: pip install 'clasp-e2e[libwebrtc]'"


@cache
def load_library(*, loopback: bool) -> Any:
    """Return the package; the first call imports it, which takes half a second.

    It is untyped because it is an optional extra, and type checks must pass without it.
    """
    webrtc = importlib.import_module("webrtc")
    if loopback:
        webrtc.allow_loopback()  # For the whole process; must precede the first connection.
    return webrtc


class LibwebrtcTransport(Transport):
    """A transport on libwebrtc."""

    def __init__(
        self, start: CreateOffer | AcceptOffer, feed: Callable[[inputs.Input], None], *, loopback: bool
    ) -> None:
        super().__init__(start, feed, loopback=loopback)
        self._library = load_library(loopback=loopback)
        self._refusals = (self._library.InvalidStateError, self._library.OperationError, TypeError)
        self._pc: Any = None
        self._described = False
        self._gathered: list[str] = []
        self._draining = False
        self._gone = asyncio.Event()
        self._round: asyncio.Future[Any] | None = None

    # Negotiating

    def _open(self) -> Any:
        servers = [self._library.RTCIceServer(urls=url) for url in self._ice_servers]
        servers += [
            self._library.RTCIceServer(urls=turn.url, username=turn.username, credential=turn.credential)
            for turn in self._turn_servers
        ]
        configuration = self._library.RTCConfiguration(ice_servers=servers)
        pc = self._pc = self._library.RTCPeerConnection(configuration)
        pc.on("connectionstatechange", self._on_state)
        pc.on("datachannel", self._on_channel)
        pc.on("icecandidate", self._on_candidate)
        return pc

    async def _create_offer(self, channels: tuple[ChannelSpec, ...]) -> None:
        pc = self._open()
        for spec in channels:
            self._create_channel(spec)
        await self._describe(await pc.create_offer())

    async def _accept_offer(self, sdp: str) -> None:
        pc = self._open()
        await self._set_remote(sdp, "offer")
        await self._describe(await pc.create_answer())

    async def _describe(self, description: Any) -> None:
        await self._pc.set_local_description(description)
        self._report(inputs.LocalDescription(self._number, description.sdp))
        self._described = True
        for candidate in self._gathered:
            self._report(inputs.LocalCandidate(self._number, candidate))
        self._gathered.clear()

    async def _describe_remote(self, sdp: str, kind: str) -> None:
        await self._pc.set_remote_description(self._library.RTCSessionDescriptionInit(type=kind, sdp=sdp))

    async def _use_candidate(self, value: str) -> None:
        # There is only one media section. The index is used because the remote `sdpMid` may be wrong.
        candidate = self._library.RTCIceCandidateInit(candidate=f"candidate:{value}", sdp_m_line_index=0)
        await self._pc.add_ice_candidate(candidate)

    def _on_candidate(self, event: Any) -> None:
        found = event.candidate
        if found is None or not found.candidate:  # The end of candidates, which need not be signaled.
            return
        # Relays have a loopback address of their own, which distinguishes them from host candidates.
        if self._loopback and not found.candidate.split()[4].startswith("127."):
            return
        candidate = json.dumps(
            {
                "candidate": found.candidate,
                "sdpMid": found.sdp_mid,
                "sdpMLineIndex": found.sdp_m_line_index,
                "usernameFragment": found.username_fragment,
            }
        )
        if self._described:
            self._report(inputs.LocalCandidate(self._number, candidate))
        else:
            self._gathered.append(candidate)

    # Channels

    def _create_channel(self, spec: ChannelSpec) -> None:
        how = self._library.RTCDataChannelInit(ordered=spec.ordered, max_retransmits=spec.max_retransmits)
        self._adopt(self._pc.create_data_channel(spec.label, how))

    def _on_channel(self, event: Any) -> None:
        self._opened_by_peer.append(event.channel.label)
        self._adopt(event.channel)

    def _adopt(self, channel: Any) -> None:
        kept = self._keep(channel)
        if (kept or channel.label) not in self._channels:
            return

        def on_message(event: Any) -> None:
            self._received(channel, event.data)

        def on_open(_: Any) -> None:
            self._check_open()

        def on_close(_: Any) -> None:
            self._on_channel_close(self._label_of(channel))

        channel.on("message", on_message)
        if kept is None:  # Each side may send on channels that it has opened itself.
            return
        channel.on("open", on_open)
        channel.on("close", on_close)
        # A channel that the other side opened may be open already.
        self._check_open()

    def _on_channel_close(self, label: str) -> None:
        if self._draining:
            if label == RELIABLE.label:
                self._gone.set()
        elif self._was_open:
            self._report(inputs.TransportLost(self._number, CLOSED_BY_PEER))

    def _on_state(self, _: Any) -> None:
        if self._pc.connection_state == "connected":
            self._is_connected()
        if self._pc.connection_state not in ("failed", "closed"):
            return
        if self._draining:
            self._gone.set()
        else:
            self._report(inputs.TransportLost(self._number, VANISHED if self._was_open else BROKEN_OFF))

    def _message_limit(self) -> int:
        # A float, infinite if the other side sets no limit; None until it is known.
        stated = self._pc.sctp.max_message_size if self._pc.sctp is not None else None
        return int(min(stated or MESSAGE_LIMIT, MESSAGE_LIMIT))

    # Ending

    async def _drained(self) -> None:
        # A channel is closed when all data sent on it has arrived (RFC 8831, section 6.7).
        self._draining = True
        channel: Any = self._channels[RELIABLE.label]
        channel.close()
        await self._gone.wait()

    async def _delivered(self) -> None:
        # The threads answer in order: this answer comes after every message that had arrived.
        answer = self._round = asyncio.ensure_future(self._pc.get_stats())
        await asyncio.shield(answer)

    async def end(self, *, silent: bool) -> None:
        """Close the transport at any time. It is never silent: libwebrtc notifies the other side."""
        del silent
        self._ended = True
        self._stop_waiting()
        for step in self._steps:
            step.cancel()  # libwebrtc never answers a request that is pending when the connection is closed.
        if self._round is not None:
            # If it were closed before the answer, the library would wait for it indefinitely.
            await asyncio.wait([self._round], timeout=DRAIN_LIMIT)
        if self._pc is not None:
            self._pc.close()
        if self._steps:
            await asyncio.wait(self._steps)
