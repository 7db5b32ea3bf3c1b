"""Two aiortc peers whose signals cross a switchboard, without a router."""

from __future__ import annotations

import asyncio
import re

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from clasp_e2e import wire
from clasp_e2e.network import Attempt, Side, Switchboard


class AiortcPair:
    """`alice`, who offers, and `bob`; use as a context manager, then `connect`."""

    def __init__(self) -> None:
        self.board = Switchboard()
        self.alice = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.bob = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel = self.alice.createDataChannel("clasp-reliable")
        self.received: asyncio.Queue[bytes] = asyncio.Queue()
        self._opened = asyncio.Event()
        self._arrived = asyncio.Event()
        self.channel.on("open", self._opened.set)
        self.bob.on("datachannel", self._take)
        self.board.pair("alice", "bob")

    async def __aenter__(self) -> AiortcPair:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.alice.close()
        await self.bob.close()
        self.board.close()

    @property
    def attempt(self) -> Attempt:
        (attempt,) = self.board.attempts_between("alice", "bob")
        return attempt

    async def connect(self, *, trickle: bool = False) -> None:
        await self.alice.setLocalDescription(await self.alice.createOffer())
        await self._hand_over(self.alice, "alice", self.bob, "bob", trickle)
        await self.bob.setLocalDescription(await self.bob.createAnswer())
        await self._hand_over(self.bob, "bob", self.alice, "alice", trickle)
        await self._opened.wait()
        await self._arrived.wait()

    def _take(self, channel: RTCDataChannel) -> None:
        channel.on("message", self.received.put_nowait)
        self._arrived.set()

    async def _hand_over(
        self, sender: RTCPeerConnection, leg: str, receiver: RTCPeerConnection, to: str, trickle: bool
    ) -> None:
        local = sender.localDescription
        lines = re.findall(r"a=(candidate:[^\r\n]+)\r\n", local.sdp) if trickle else []
        sdp = re.sub(r"a=(candidate:[^\r\n]+|end-of-candidates)\r\n", "", local.sdp) if trickle else local.sdp
        sdp = self._deliver(leg, to, sdp) or ""
        await receiver.setRemoteDescription(RTCSessionDescription(sdp, local.type))
        for line in lines:
            delivered = self._deliver(leg, to, line)
            if delivered is not None:
                candidate = candidate_from_sdp(delivered.removeprefix("candidate:"))
                candidate.sdpMid, candidate.sdpMLineIndex = "0", 0
                await receiver.addIceCandidate(candidate)
        if trickle:
            await receiver.addIceCandidate(None)

    def _deliver(self, leg: str, to: str, text: str) -> str | None:
        message = wire.Publish("/signal", {"id": "c-1", "content": text})
        self.board.observe(leg, "up", message)
        got = self.board.rewrite_down(to, message, wire.encode(message))
        if got is None:
            return None
        delivered, _ = wire.decode(got)
        assert isinstance(delivered, wire.Publish)
        assert isinstance(delivered.value, dict)
        return str(delivered.value["content"])


ALICE, BOB = Side.A, Side.B
