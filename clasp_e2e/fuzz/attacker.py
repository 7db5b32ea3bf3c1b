"""A session that sends any data, and tolerates any data that it receives."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from clasp_e2e import wire


async def open_websocket(url: str) -> ClientConnection:
    """Open a WebSocket to a router, without a HELLO. Raises `OSError`, `WebSocketException`."""
    return await connect(
        url,
        subprotocols=[Subprotocol("clasp")],
        compression=None,
        proxy=None,
        open_timeout=None,
        ping_interval=None,
        close_timeout=1,
        max_size=None,
    )


class Attacker:
    """A session with a router. The caller sets all deadlines."""

    def __init__(self, socket: ClientConnection, session_id: str) -> None:
        self.session_id = session_id
        self.attempt = "no-attempt"
        """The correlation id of the last offer received."""
        self._socket = socket
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, name: str = "mallory") -> Attacker:
        """Attach to the router at `url`. Raises `OSError`, `WebSocketException`, or `WireError`."""
        socket = await open_websocket(url)
        try:
            await socket.send(wire.encode(wire.Hello(name, frozenset({"event"}))))
            data = await socket.recv()
            welcome = wire.decode(data)[0] if isinstance(data, bytes) else None
            if not isinstance(welcome, wire.Welcome):
                raise wire.WireError(f"the router answered HELLO with {data!r:.80}")
        except BaseException:
            socket.transport.abort()
            raise
        return cls(socket, welcome.session)

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for data in self._socket:
                # Most messages are ERRORs: only offers are used.
                if isinstance(data, bytes) and b"offer" in data:
                    self._take(data)

    def _take(self, data: bytes) -> None:
        with suppress(wire.WireError):
            message, _ = wire.decode(data)
            if isinstance(message, wire.Publish):
                signal = wire.decode_signal(message.value)
                if isinstance(signal, wire.Offer) and signal.sender != self.session_id:
                    self.attempt = signal.correlation_id

    async def send(self, data: bytes | str) -> bool:
        """Send one message; return whether the session was still open."""
        try:
            await self._socket.send(data)
        except ConnectionClosed:
            return False
        return True

    async def ping(self) -> bool:
        """Wait with a ping until the router has read all messages; return False if it ended the session."""
        try:
            await (await self._socket.ping())
        except ConnectionClosed:
            return False
        return True

    async def close(self) -> None:
        """Drop the connection."""
        self._socket.transport.abort()
        await self._socket.wait_closed()
        await self._reader
