"""A TCP connection to a router that can carry arbitrary bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidState
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER value that makes closing a connection send RST instead of FIN."""


def reset_on_close(transport: asyncio.BaseTransport) -> None:
    """Make the TCP connection of `transport` end with RST instead of FIN."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() != -1:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


@contextmanager
def _closed_by_router() -> Generator[None]:
    """Raise `ConnectionResetError` where the router has begun to close the WebSocket."""
    try:
        yield
    except InvalidState as error:
        raise ConnectionResetError("the router closes the connection") from error


class RawConnection:
    """A connection that sends raw bytes, and WebSocket messages after `shake_hands`.

    Reading and writing raise `OSError` if the router has closed it.
    """

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames: deque[Frame] = deque()
        self._protocol = ClientProtocol(parse_uri(url), subprotocols=[Subprotocol("clasp")], max_size=None)

    @classmethod
    async def open(cls, url: str, *, receive_buffer: int | None = None) -> RawConnection:
        """Connect to the port of the router at `url`. Raises `OSError`.

        `receive_buffer` is the size of the kernel's buffer in bytes; by default, the system chooses it.
        """
        address = urlsplit(url)
        secure = address.scheme == "wss"
        host, port = address.hostname or "127.0.0.1", address.port or (443 if secure else 80)
        context = ssl.create_default_context() if secure else None
        if receive_buffer is None:
            return cls(url, *await asyncio.open_connection(host, port, ssl=context))
        loop = asyncio.get_running_loop()
        (family, _, _, _, target), *_ = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            # It limits the window of TCP only if it is set before the connection is established.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.setblocking(False)
            await loop.sock_connect(sock, target)
            server = host if secure else None
            opened = await asyncio.open_connection(
                sock=sock, ssl=context, server_hostname=server, limit=receive_buffer
            )
        except BaseException:
            sock.close()
            raise
        return cls(url, *opened)

    async def shake_hands(self) -> None:
        """Do the WebSocket handshake. Raises `InvalidHandshake` if the router refuses it."""
        self._protocol.send_request(self._protocol.connect())
        await self._flush()
        while self._protocol.state is State.CONNECTING:
            await self._receive()
            if self._protocol.handshake_exc is not None:
                raise self._protocol.handshake_exc
        self._take_frames()

    async def send(self, message: bytes | str) -> None:
        """Send a WebSocket message."""
        with _closed_by_router():
            if isinstance(message, bytes):
                self._protocol.send_binary(message)
            else:
                self._protocol.send_text(message.encode())
        await self._flush()

    async def ping(self) -> None:
        """Send a ping, and return when the router has answered it or begun to close."""
        with _closed_by_router():
            self._protocol.send_ping(b"read?")
        await self._flush()
        while True:
            await self._receive()
            if any(frame.opcode in (Opcode.PONG, Opcode.CLOSE) for frame in self._take_frames()):
                self._frames.clear()
                return

    async def receive_message(self) -> bytes:
        """Return the next binary message."""
        parts: list[bytes] = []
        while True:
            frames = self._take_frames()
            while frames:
                frame = frames.popleft()
                if frame.opcode is Opcode.CLOSE:
                    raise ConnectionResetError("the router closes the connection")
                if frame.opcode in (Opcode.BINARY, Opcode.CONT):
                    parts.append(bytes(frame.data))
                    if frame.fin:
                        return b"".join(parts)
            await self._receive()

    def _take_frames(self) -> deque[Frame]:
        """Return the frames that have arrived and were not used yet."""
        self._frames.extend(each for each in self._protocol.events_received() if isinstance(each, Frame))
        return self._frames

    async def write(self, data: bytes) -> None:
        """Write raw bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def end(self, *, reset: bool = False) -> None:
        """Abort the connection, with RST if `reset`. May be called twice."""
        if reset:
            reset_on_close(self._writer.transport)
        if not self._writer.is_closing():
            self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _flush(self) -> None:
        await self.write(b"".join(self._protocol.data_to_send()))

    async def _receive(self) -> None:
        data = await self._reader.read(65536)
        if not data:
            raise ConnectionResetError("the router closed the connection")
        self._protocol.receive_data(data)


__all__ = ["InvalidHandshake", "RawConnection", "reset_on_close"]
