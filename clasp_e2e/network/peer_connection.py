"""A peer's WebSocket at its signaling proxy, which can be closed when it is idle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import Event

from clasp_e2e.network.capture import CAPTURE


class PeerConnection(ServerConnection):
    """The connection of a peer, with its upstream connection and a count of its messages."""

    upstream: ClientConnection | None = None
    adopted = False
    """Whether the pumps own the upstream connection."""
    arrived = 0

    def __init__(self, name: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._interface = f"{name}, signaling"
        self._capture = CAPTURE.get()
        self._heard_at = self.loop.time()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    def close_when_idle(self, after: float, on_close: Callable[[], None]) -> None:
        """Close the connection when no frame has come for `after` seconds; a ping or pong is a frame too."""
        left = self._heard_at + after - self.loop.time()
        if left > 0:
            self._idle_timer = self.loop.call_later(left, self.close_when_idle, after, on_close)
        else:
            on_close()
            self._closing = asyncio.create_task(self.close(CloseCode.GOING_AWAY, "idle"))

    def data_received(self, data: bytes) -> None:
        """Record the time."""
        self._heard_at = self.loop.time()
        if self._capture is not None:
            self._capture.stream(self._interface, self, self.remote_address, self.local_address, data)
        super().data_received(data)

    def send_data(self) -> None:
        """Record the data."""
        if self._capture is not None and (data := b"".join(self.protocol.writes)):
            self._capture.stream(self._interface, self, self.local_address, self.remote_address, data)
        super().send_data()

    def process_event(self, event: Event) -> None:
        """Count the message."""
        super().process_event(event)
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES and event.fin:
            self.arrived += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Close what depends on the connection."""
        super().connection_lost(exc)
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        # If a peer leaves between the two handshakes, its upstream connection must be closed here.
        if self.upstream is not None and not self.adopted:
            self.upstream.transport.abort()
