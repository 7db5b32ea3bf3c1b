"""The TCP listener of a TURN server: it divides streams into messages (RFC 8656 sections 3.1 and 12.5)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from clasp_e2e.lab import reachable_host
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

    def __init__(self, receive: Callable[[bytes, Address], None], lost: Callable[[Address], None]) -> None:
        self._receive = receive
        self._lost = lost
        self._writers: dict[Address, asyncio.StreamWriter] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    @classmethod
    async def open(
        cls, receive: Callable[[bytes, Address], None], lost: Callable[[Address], None]
    ) -> TurnStreams:
        """Start to listen; `lost` is called with each client whose connection ends."""
        streams = cls(receive, lost)
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
        self._writers[client].write(data + bytes(-len(data) % 4))

    async def close(self) -> None:
        """Close all connections, and stop listening. Safe to call repeatedly."""
        self._server.close()
        for writer in self._writers.values():
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        client: Address = writer.get_extra_info("peername")
        self._writers[client] = writer
        received = b""
        try:
            while data := await reader.read(1 << 16):
                received += data
                while (length := message_length(received)) is not None and len(received) >= length:
                    self._receive(received[:length], client)
                    received = received[length:]
        except ConnectionError:
            pass
        finally:
            del self._writers[client]
            self._tasks.discard(task)
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._lost(client)
