"""The driver of the reference peer and router, which run in the harness's process."""

from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext

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
from clasp_e2e.lab import LabHost, current_internet, is_entered
from clasp_e2e.p2p_types import P2PConfig, RoutingMode, SendResult
from clasp_e2e.peer import Clasp, ClaspBuilder, PeerError
from clasp_e2e.router import RouterError, RouterServer, Script

CHANNEL = tuple[str, bool, int | None]
"""A negotiated DataChannel: its label, whether it is ordered, and its maxRetransmits (None: unlimited)."""


@contextmanager
def _refusals(host: LabHost | None = None) -> Generator[None]:
    """Raise errors of the implementation as `Refused`; create its sockets on `host`, if it has one."""
    try:
        with nullcontext() if host is None else host.at_home():
            yield
    except (PeerError, RouterError) as error:
        raise Refused(str(error)) from error


class ReferencePeer(Peer):
    """A client of the reference implementation, in the lab on a host of its own."""

    def __init__(self, client: Clasp, host: LabHost | None = None) -> None:
        self.session_id = client.session_id
        self._client = client
        self._host = host

    async def connect_to_peer(self, target: str) -> None:
        """Request a direct connection to the session `target`; return when the offer is sent."""
        with _refusals(self._host):
            await self._client.connect_to_peer(target)

    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> SendResult:
        """Send `data` to the session `target`."""
        with _refusals(self._host):
            return await self._client.send_p2p(target, data, reliable)

    async def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Set the routing mode."""
        with _refusals(self._host):
            self._client.set_p2p_routing_mode(mode)

    async def p2p_routing_mode(self) -> RoutingMode:
        """Return the current routing mode."""
        with _refusals(self._host):
            return self._client.p2p_routing_mode()

    async def is_peer_connected(self, target: str) -> bool:
        """Return whether a direct connection to `target` is established."""
        with _refusals(self._host):
            return self._client.is_peer_connected(target)

    async def disconnect_peer(self, target: str) -> None:
        """End the direct connection to `target`."""
        with _refusals(self._host):
            await self._client.disconnect_peer(target)

    async def close(self) -> None:
        """Close all connections, then the session with the router."""
        with _refusals(self._host):
            await self._client.close()

    async def kill(self) -> None:
        """Close all sockets without notifying the peers or the router."""
        await self._client.kill()
        if self._host is not None:
            self._host.close()

    def channels(self, target: str) -> tuple[CHANNEL, ...]:
        """Return the DataChannels to `target` that this side has, whichever side opened them."""
        return self._client.channels(target)

    def labels_opened_by(self, target: str) -> tuple[str, ...] | None:
        """Return the labels of the DataChannels that `target` opened to this side; None if unknown."""
        return self._client.labels_opened_by(target)


class ReferenceRouter(Router):
    """The in-process router."""

    def __init__(self, server: RouterServer) -> None:
        self.url = server.url
        self._server = server

    async def close(self) -> None:
        """End all sessions and stop listening."""
        await self._server.close()


class ReferenceDriver(Driver):
    """The driver of the reference implementation or of a mutant of it.

    `prepare` is called with the builder of each peer and can set a script; `router_script` makes the
    script of each router. So each peer and each router has its own script, with its own state.
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
        """Return the description, which declares every role and capability."""
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
        """Attach a new client that gathers only loopback candidates, or those of its host in the lab."""
        host = current_internet().open_host() if is_entered() else None
        builder = Clasp.builder(url).name(name).token(token).p2p_config(p2p)
        builder = builder.on_p2p_event(on_event).reattach()
        if host is None:
            builder = builder.loopback()
        if self._prepare is not None:
            self._prepare(builder)
        try:
            if host is not None:
                host.prepare()
            with _refusals(host):
                return ReferencePeer(await builder.connect(), host)
        except BaseException:
            if host is not None:
                host.close()
            raise

    async def open_router(self, *, host: str, port: int) -> ReferenceRouter:
        """Start the in-process router. Raises `Refused` if it cannot listen."""
        script = self._router_script() if self._router_script is not None else None
        with _refusals():
            return ReferenceRouter(await RouterServer.open(host, port, script))
