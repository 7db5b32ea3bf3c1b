"""The reference peer and router, driven in this process."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import clasp_e2e
from clasp_e2e.drivers.interface import (
    CAPABILITIES,
    Description,
    Driver,
    EventSink,
    Implementation,
    Peer,
    Refused,
    Router,
)
from clasp_e2e.p2p_types import P2PConfig, RoutingMode, SendResult
from clasp_e2e.peer import Clasp, ClaspBuilder, PeerError
from clasp_e2e.router import RouterError, RouterServer, Script

CHANNEL = tuple[str, bool, int | None]
"""A DataChannel as negotiated: its label, whether it is ordered, its retransmits (None: without limit)."""


@contextmanager
def _refusals() -> Generator[None]:
    """What the implementation refuses, in the driver's words."""
    try:
        yield
    except (PeerError, RouterError) as error:
        raise Refused(str(error)) from error


class ReferencePeer(Peer):
    """A client of the reference implementation."""

    def __init__(self, client: Clasp) -> None:
        self.session_id = client.session_id
        self._client = client

    async def connect_to_peer(self, target: str) -> None:
        """Ask for a direct connection to the session `target`; return when the offer is on its way."""
        with _refusals():
            await self._client.connect_to_peer(target)

    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> SendResult:
        """Send `data` to the session `target`."""
        with _refusals():
            return await self._client.send_p2p(target, data, reliable)

    async def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Set the routing mode."""
        with _refusals():
            self._client.set_p2p_routing_mode(mode)

    async def p2p_routing_mode(self) -> RoutingMode:
        """Return the routing mode in force."""
        with _refusals():
            return self._client.p2p_routing_mode()

    async def is_peer_connected(self, target: str) -> bool:
        """Return whether a direct connection to `target` stands."""
        with _refusals():
            return self._client.is_peer_connected(target)

    async def disconnect_peer(self, target: str) -> None:
        """End the direct connection to `target`."""
        with _refusals():
            await self._client.disconnect_peer(target)

    async def close(self) -> None:
        """Say goodbye to every peer and to the router."""
        with _refusals():
            await self._client.close()

    async def kill(self) -> None:
        """Vanish: drop every socket without a word."""
        await self._client.kill()

    def channels(self, target: str) -> tuple[CHANNEL, ...]:
        """The DataChannels to `target` as this side sees them, whoever opened them."""
        return self._client.channels(target)


class ReferenceRouter(Router):
    """The in-process router."""

    def __init__(self, server: RouterServer) -> None:
        self.url = server.url
        self._server = server

    async def close(self) -> None:
        """End all sessions and stop listening."""
        await self._server.close()


class ReferenceDriver(Driver):
    """The reference implementation, or a mutant of it.

    `prepare` is shown the builder of each peer, and can give it a script; `router_script` makes one
    for each router. So every peer and every router has its own, and what it remembers is its own.
    """

    router_per_scenario = True

    def __init__(
        self,
        prepare: Callable[[ClaspBuilder], object] | None = None,
        router_script: Callable[[], Script] | None = None,
    ) -> None:
        self._prepare = prepare
        self._router_script = router_script

    async def initialize(self) -> Description:
        """Say who this is: it offers every call."""
        return Description(
            Implementation("clasp-e2e reference", clasp_e2e.__version__, "Python"),
            frozenset({"peer", "router"}),
            CAPABILITIES,
        )

    async def open_peer(
        self,
        *,
        url: str,
        name: str,
        p2p: P2PConfig | None,
        on_event: EventSink,
        token: str | None = None,
    ) -> ReferencePeer:
        """Attach a new client, which gathers loopback candidates only."""
        builder = Clasp.builder(url).name(name).token(token).p2p_config(p2p)
        builder = builder.on_p2p_event(on_event).loopback()
        if self._prepare is not None:
            self._prepare(builder)
        with _refusals():
            return ReferencePeer(await builder.connect())

    async def open_router(self, *, host: str, port: int) -> ReferenceRouter:
        """Start the in-process router. Raises `Refused` if it cannot listen there."""
        script = self._router_script() if self._router_script is not None else None
        with _refusals():
            return ReferenceRouter(await RouterServer.open(host, port, script))
