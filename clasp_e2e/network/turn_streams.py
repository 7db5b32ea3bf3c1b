"""The TCP or TLS listener of a TURN server: it divides streams into messages (RFC 8656, 3.1 and 12.5)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from clasp_e2e.certificates import server_context
from clasp_e2e.lab import reachable_host
from clasp_e2e.network.tls_session import TlsSession
from clasp_e2e.network.udp_socket import Address

_HEADER = 4


def message_length(data: bytes) -> int | None:
    """Return the length of the first message in a stream, with its padding; None if its header is missing."""
    if len(data) < _HEADER:
        return None
    length = int.from_bytes(data[2:4], "big")
    if data[0] < 0x40:  # A STUN message, whose length does not include its header.
        return 20 + length
    return _HEADER + (length + 3 & ~3)


class TurnStreams:
    """The TCP connections of clients; `receive` is called with each message. Create it with `open`."""

    def __init__(
        self, receive: Callable[[bytes, Address], None], lost: Callable[[Address], None], *, tls: bool
    ) -> None:
        self.sessions: list[TlsSession] = []
        """The TLS sessions of all connections, including those that have ended."""
        self._receive = receive
        self._lost = lost
        self._context = server_context(reachable_host()) if tls else None
        self._writers: dict[Address, tuple[asyncio.StreamWriter, TlsSession | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    @classmethod
    async def open(
        cls, receive: Callable[[bytes, Address], None], lost: Callable[[Address], None], *, tls: bool = False
    ) -> TurnStreams:
        """Start to listen, with `tls` for TLS; `lost` is called with each client whose connection ends."""
        streams = cls(receive, lost, tls=tls)
        streams._server = await asyncio.start_server(streams._serve, reachable_host(), 0)
        return streams

    @property
    def address(self) -> Address:
        """The address of the listener."""
        return self._server.sockets[0].getsockname()

    def has(self, client: Address) -> bool:
        """Return whether `client` is connected."""
        return client in self._writers

    def send(self, data: bytes, client: Address) -> None:
        """Send a message, padded if it is ChannelData."""
        writer, session = self._writers[client]
        padded = data + bytes(-len(data) % 4)
        if session is None:
            writer.write(padded)
        else:
            session.encrypt(padded)
            writer.write(session.outgoing())

    async def close(self) -> None:
        """Close all connections, and stop listening. Safe to call repeatedly."""
        self._server.close()
        for writer, _ in self._writers.values():
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        client: Address = writer.get_extra_info("peername")
        session = None
        if self._context is not None:
            self.sessions.append(session := TlsSession(self._context))
        self._writers[client] = writer, session
        try:
            await self._read(reader, writer, client, session)
        except ConnectionError:
            pass
        finally:
            if session is not None:
                session.end()
            del self._writers[client]
            self._tasks.discard(task)
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._lost(client)

    async def _read(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: Address,
        session: TlsSession | None,
    ) -> None:
        received = b""
        while data := await reader.read(1 << 16):
            if session is not None:
                plain = session.decrypt(data)
                writer.write(session.outgoing())
                if plain is None:
                    return
                data = plain
            received += data
            while (length := message_length(received)) is not None and len(received) >= length:
                self._receive(received[:length], client)
                received = received[length:]
