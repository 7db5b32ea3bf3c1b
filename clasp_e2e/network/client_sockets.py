"""The UDP sockets of a TURN server: one that all clients use, and one more for each client."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import TypeAlias

from clasp_e2e.network.udp_socket import LARGEST_DATAGRAM, Address, open_udp_socket, read_burst

PeerReceived: TypeAlias = Callable[[bytes, Address, Address], None]
"""Called with a datagram, the client whose socket received it, and the sender's address."""


class ClientSockets:
    """The sockets, which call `from_client` and `from_peer` for each datagram received.

    Create it while an event loop runs. Raises `OSError` if no socket can be opened.
    """

    def __init__(self, from_client: Callable[[bytes, Address], None], from_peer: PeerReceived) -> None:
        self._from_client = from_client
        self._from_peer = from_peer
        self._loop = asyncio.get_running_loop()
        self._buffer = memoryview(bytearray(LARGEST_DATAGRAM))
        self._sockets: dict[Address, socket.socket] = {}
        self._main = open_udp_socket()
        self.address: Address = self._main.getsockname()
        """The address that clients are configured with."""
        self._loop.add_reader(self._main, self._read, self._main, None)

    def open_for(self, client: Address, host: str) -> Address:
        """Open the socket of `client` and return its address. Raises `OSError`."""
        self._sockets[client] = opened = open_udp_socket(host)
        self._loop.add_reader(opened, self._read, opened, client)
        return opened.getsockname()

    def has(self, client: Address) -> bool:
        """Return whether `client` has a socket."""
        return client in self._sockets

    def close_for(self, client: Address) -> None:
        """Close the socket of `client`."""
        opened = self._sockets.pop(client)
        self._loop.remove_reader(opened)
        opened.close()

    # Full buffers and unreachable addresses lose datagrams, as in any network.

    def send_to_client(self, data: bytes, client: Address) -> None:
        """Send `data` to `client` from the socket that all clients use."""
        with contextlib.suppress(OSError):
            self._main.sendto(data, client)

    def send_for(self, client: Address, data: bytes, to: Address) -> None:
        """Send `data` to the address `to` from the socket of `client`."""
        with contextlib.suppress(OSError):
            self._sockets[client].sendto(data, to)

    def close(self) -> None:
        """Close all sockets. Safe to call repeatedly."""
        for client in list(self._sockets):
            self.close_for(client)
        if self._main.fileno() != -1:
            self._loop.remove_reader(self._main)
            self._main.close()

    def _read(self, source: socket.socket, client: Address | None) -> None:
        for data, sender in read_burst(source, self._buffer):
            if client is None:
                self._from_client(bytes(data), sender)
            else:
                self._from_peer(bytes(data), client, sender)
