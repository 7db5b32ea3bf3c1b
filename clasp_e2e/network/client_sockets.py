"""A UDP socket that clients know, and beside it one socket for each client: what a TURN server lives on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import TypeAlias

from clasp_e2e.network.link import Address

__all__ = ["ClientSockets"]

Received: TypeAlias = Callable[[bytes, Address, Address], None]
"""Takes a datagram, the client that it is from or for, and the address that it came from."""

_SOCKET_BUFFER = 4 << 20
_LARGEST_DATAGRAM = 65535
_BURST = 64
"""Datagrams read from a socket before the event loop has its turn again."""


class ClientSockets:
    """The sockets, and who is told what arrives at them. Must be made while an event loop runs.

    Raises `OSError` when the machine gives no socket.
    """

    def __init__(self, from_client: Callable[[bytes, Address], None], beside: Received) -> None:
        self._from_client = from_client
        self._beside = beside
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[Address, socket.socket] = {}
        self._main = self._bound("127.0.0.1")
        self.address: Address = self._main.getsockname()
        """What the clients are told."""
        self._loop.add_reader(self._main, self._read, self._main, None)

    def open_beside(self, client: Address, host: str) -> Address:
        """Open the socket of `client`, and return its address."""
        self._sockets[client] = beside = self._bound(host)
        self._loop.add_reader(beside, self._read, beside, client)
        return beside.getsockname()

    def has(self, client: Address) -> bool:
        """Whether there is a socket for `client`."""
        return client in self._sockets

    def close_beside(self, client: Address) -> None:
        """Close the socket of `client`."""
        beside = self._sockets.pop(client)
        self._loop.remove_reader(beside)
        beside.close()

    # Full buffers and unreachable addresses lose datagrams in any network.

    def to_client(self, data: bytes, client: Address) -> None:
        """Send from the socket that clients know."""
        with contextlib.suppress(OSError):
            self._main.sendto(data, client)

    def from_beside(self, data: bytes, client: Address, to: Address) -> None:
        """Send from the socket of `client`."""
        with contextlib.suppress(OSError):
            self._sockets[client].sendto(data, to)

    def close(self) -> None:
        """Close all sockets. May be called twice."""
        for client in list(self._sockets):
            self.close_beside(client)
        if self._main.fileno() != -1:
            self._loop.remove_reader(self._main)
            self._main.close()

    def _bound(self, host: str) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                with contextlib.suppress(OSError):
                    bound.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
            bound.setblocking(False)
            bound.bind((host, 0))
        except OSError:
            bound.close()
            raise
        return bound

    def _read(self, source: socket.socket, client: Address | None) -> None:
        for _ in range(_BURST):
            if source.fileno() == -1:
                return
            try:
                data, sender = source.recvfrom(_LARGEST_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error about something sent before: the network may say so, the server goes on.
                continue
            if client is None:
                self._from_client(data, sender)
            else:
                self._beside(data, client, sender)
