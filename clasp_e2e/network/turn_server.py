"""A TURN server on loopback, in this process, and its common interface with coturn (RFC 8656, UDP)."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from clasp_e2e.lab import RELAY_HOST, is_entered
from clasp_e2e.network.tls_session import TlsSession
from clasp_e2e.network.turn_allocations import Allocations
from clasp_e2e.network.turn_core import CloseRelay, Effect, OpenRelay, ToClient, ToPeer, TurnCore
from clasp_e2e.network.turn_streams import TurnStreams
from clasp_e2e.network.udp_socket import Address, UdpSocket

_LOOPBACK_HOST = "127.114.101.108"
"""A loopback address that no peer is likely to have: peers with several begin with 127.0.0.2."""


def relay_host() -> str:
    """Return the host of relayed addresses, and of nothing else.

    Permissions are per IP address (RFC 8656 section 9): one that covers a peer's relayed address therefore
    does not cover the peer's own address.
    """
    return RELAY_HOST if is_entered() else _LOOPBACK_HOST


def _endpoint(streams: TurnStreams | None) -> str:
    if streams is None:
        raise RuntimeError("the TURN server does not listen on TCP")
    host, port = streams.address
    return f"{host}:{port}"


class ObservedTurnServer(ABC):
    """A TURN server for peers, with a record of its activity.

    It has one socket that all clients use, and one more for each client.
    """

    def __init__(self) -> None:
        self.allocations = Allocations()
        self._main = UdpSocket(self._from_client, name="TURN server")
        self._sockets: dict[Address, UdpSocket] = {}
        self._tcp: TurnStreams | None = None
        self._tls: TurnStreams | None = None

    @property
    def address(self) -> Address:
        """The address of the server."""
        return self._main.address

    @property
    def url(self) -> str:
        """The server's `turn:` URL (RFC 7065)."""
        host, port = self._main.address
        return f"turn:{host}:{port}?transport=udp"

    @property
    def tcp_url(self) -> str:
        """The server's `turn:` URL over TCP. Raises `RuntimeError` if it does not listen there."""
        return f"turn:{_endpoint(self._tcp)}?transport=tcp"

    @property
    def tls_urls(self) -> tuple[str, ...]:
        """The server's `turns:` URLs over TLS. Raises `RuntimeError` if it does not listen there.

        Some clients use TLS only with a host name, which nobody resolves in the lab.
        """
        by_address = f"turns:{_endpoint(self._tls)}?transport=tcp"
        return (by_address,) if is_entered() else (by_address, by_address.replace("127.0.0.1", "localhost"))

    @property
    def tls_sessions(self) -> list[TlsSession]:
        """The TLS sessions of all connections to `tls_urls`, including those that have ended."""
        return [] if self._tls is None else self._tls.sessions

    async def close(self) -> None:
        """Stop the server and its relaying. Safe to call repeatedly."""
        for streams in (self._tcp, self._tls):
            if streams is not None:
                await streams.close()
        for opened in (self._main, *self._sockets.values()):
            opened.close()
        self._sockets.clear()

    @abstractmethod
    def _from_client(self, data: bytes, client: Address) -> None: ...

    @abstractmethod
    def _from_peer(self, data: bytes, client: Address, peer: Address) -> None:
        """Handle a datagram of `peer` that arrived at the socket of `client`."""

    def _open_for(self, client: Address, host: str) -> Address:
        """Open the socket of `client` and return its address. Raises `OSError`."""
        opened = UdpSocket(
            lambda data, peer: self._from_peer(data, client, peer), host, name="TURN server, relayed"
        )
        self._sockets[client] = opened
        return opened.address

    def _send_to_client(self, data: bytes, client: Address) -> None:
        self.allocations.to_client(data, client)
        for streams in (self._tcp, self._tls):
            if streams is not None and streams.has(client):
                streams.send(data, client)
                return
        with contextlib.suppress(OSError):
            self._main.send(data, client)

    def _send_for(self, client: Address, data: bytes, to: Address) -> None:
        """Send `data` to the address `to` from the socket of `client`."""
        with contextlib.suppress(OSError):
            between_relays = any(to == each.address for each in self._sockets.values())
            self._sockets[client].send(data, to, is_recorded=not between_relays)


class EmbeddedTurnServer(ObservedTurnServer):
    """The protocol of `TurnCore` on real sockets.

    Create it with `open`.
    """

    def __init__(self, users: Mapping[str, str], *, changes_nonce: bool = False) -> None:
        self._core = TurnCore(users, changes_nonce=changes_nonce, only_loopback=not is_entered())
        self._loop = asyncio.get_running_loop()
        super().__init__()

    @classmethod
    async def open(cls, users: Mapping[str, str], *, changes_nonce: bool = False) -> EmbeddedTurnServer:
        """Start a server for `users` (name to password), on UDP, TCP and TLS. Raises `OSError`."""
        server = cls(users, changes_nonce=changes_nonce)
        server._tcp = await TurnStreams.open(server._from_client, server._client_left)
        server._tls = await TurnStreams.open(server._from_client, server._client_left, tls=True)
        return server

    def _client_left(self, client: Address) -> None:
        self._do(self._core.client_left(client))

    def _from_client(self, data: bytes, client: Address) -> None:
        self.allocations.from_client(data, client)
        self._do(self._core.from_client(data, client, self._loop.time()))

    def _from_peer(self, data: bytes, client: Address, peer: Address) -> None:
        self._do(self._core.from_peer(data, client, peer, self._loop.time()))

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case ToClient(data, client):
                    self._send_to_client(data, client)
                case ToPeer(data, client, peer):
                    self._send_for(client, data, peer)
                case OpenRelay(client):
                    self._do(self._open_relay(client))
                case CloseRelay(client):
                    self._sockets.pop(client).close()

    def _open_relay(self, client: Address) -> list[Effect]:
        try:
            relayed = self._open_for(client, relay_host())
        except OSError:
            return self._core.relay_refused(client)
        return self._core.relay_opened(client, relayed, self._loop.time())
