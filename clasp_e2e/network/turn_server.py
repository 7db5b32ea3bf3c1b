"""A TURN server on loopback, in this process, and its common interface with coturn (RFC 8656, UDP)."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from clasp_e2e.network.client_sockets import ClientSockets
from clasp_e2e.network.turn_allocations import Allocations
from clasp_e2e.network.turn_core import CloseRelay, Effect, OpenRelay, ToClient, ToPeer, TurnCore
from clasp_e2e.network.udp_socket import Address

RELAY_HOST = "127.0.0.2"
"""The host of relayed addresses, and of nothing else. Permissions are per IP address (RFC 8656 section 9):
one that covers a peer's relayed address therefore does not cover the peer's own address."""


class ObservedTurnServer(ABC):
    """A TURN server for peers, with a record of its activity."""

    def __init__(self) -> None:
        self.allocations = Allocations()

    @property
    def url(self) -> str:
        """The server's `turn:` URL (RFC 7065)."""
        host, port = self._address
        return f"turn:{host}:{port}?transport=udp"

    @property
    @abstractmethod
    def _address(self) -> Address: ...

    @abstractmethod
    async def close(self) -> None:
        """Stop the server and its relaying. Safe to call repeatedly."""


class EmbeddedTurnServer(ObservedTurnServer):
    """The protocol of `TurnCore` on real sockets.

    Create it with `open`.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        super().__init__()
        self._core = TurnCore(users)
        self._loop = asyncio.get_running_loop()
        self._sockets = ClientSockets(self._from_client, self._from_peer)

    @classmethod
    async def open(cls, users: Mapping[str, str]) -> EmbeddedTurnServer:
        """Start a server for `users` (name to password). Raises `OSError`."""
        return cls(users)

    @property
    def _address(self) -> Address:
        return self._sockets.address

    async def close(self) -> None:
        """Stop the server and its relaying. Safe to call repeatedly."""
        self._sockets.close()

    def _from_client(self, data: bytes, client: Address) -> None:
        self.allocations.from_client(data, client)
        self._do(self._core.from_client(data, client, self._loop.time()))

    def _from_peer(self, data: bytes, client: Address, peer: Address) -> None:
        self._do(self._core.from_peer(data, client, peer, self._loop.time()))

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case ToClient(data, client):
                    self.allocations.to_client(data, client)
                    self._sockets.send_to_client(data, client)
                case ToPeer(data, client, peer):
                    self._sockets.send_for(client, data, peer)
                case OpenRelay(client):
                    self._do(self._open_relay(client))
                case CloseRelay(client):
                    self._sockets.close_for(client)

    def _open_relay(self, client: Address) -> list[Effect]:
        try:
            relayed = self._sockets.open_for(client, RELAY_HOST)
        except OSError:
            return self._core.relay_refused(client)
        return self._core.relay_opened(client, relayed, self._loop.time())
