"""Routers that use the WebSocket in another way than the reference does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from clasp_e2e import wire
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.variants.router_base import OF_PAIRS, OF_ROUTERS, LateSession, router_variant


@router_variant(
    OpenPoint.ROUTER_TRANSPORT, "It sends what a client gets within 20 ms in one WebSocket message."
)
class CombinesFrames(LateSession):
    delay = 0.02

    async def deliver(self, frames: list[bytes]) -> None:
        await self.to_client(b"".join(frames))


@router_variant(OpenPoint.ROUTER_TRANSPORT, "It fragments its WebSocket messages.")
class FragmentsMessages(FrontSession):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        del message
        await self.to_client([frame[:1], frame[1:7], b"", frame[7:]])


@router_variant(
    OpenPoint.ROUTER_TRANSPORT, "It compresses its WebSocket messages.", *OF_ROUTERS, *OF_PAIRS, "RTR-7"
)
class CompressesMessages(FrontSession):
    server_options: ClassVar[Mapping[str, Any]] = {"compression": "deflate"}


@router_variant(OpenPoint.ROUTER_TRANSPORT, "It selects no WebSocket subprotocol.")
class SelectsNoSubprotocol(FrontSession):
    server_options: ClassVar[Mapping[str, Any]] = {"subprotocols": None, "select_subprotocol": None}


@router_variant(OpenPoint.ROUTER_TRANSPORT, "It sends WebSocket pings, and ends a session without a pong.")
class PingsWebSockets(FrontSession):
    server_options: ClassVar[Mapping[str, Any]] = {"ping_interval": 0.1, "ping_timeout": 10}
