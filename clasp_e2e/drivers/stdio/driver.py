"""The driver of adapters that implement the driver protocol, version 1."""

import contextlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from clasp_e2e.drivers.interface import (
    Description,
    Driver,
    DriverFault,
    EventSink,
    FaultSink,
    NotOffered,
    Opened,
    Peer,
    Refused,
    Router,
    TimedLine,
)
from clasp_e2e.drivers.stdio import shapes
from clasp_e2e.drivers.stdio.attached import AttachPoint
from clasp_e2e.drivers.stdio.lease import Lease
from clasp_e2e.drivers.stdio.pool import OPEN_DEADLINE, AdapterPool
from clasp_e2e.lab import is_entered
from clasp_e2e.p2p_types import P2PConfig, RoutingMode, SendResult

T = TypeVar("T")

ATTEMPT_DEADLINE = 40.0
"""Seconds beyond the connection time-out, for calls that may wait for a connection."""
DEFAULT_TIMEOUT = 30
"""Seconds, the connection time-out if none is configured (specification: "Connection Timeout")."""


class _InProcess(Opened):
    """A peer or a router in an adapter's process."""

    _lease: Lease

    @property
    def process_group(self) -> int | None:
        """The adapter's process group; None if the adapter was attached."""
        return self._lease.connection.process.pid or None

    @property
    def fault(self) -> str | None:
        """The first fault of the adapter, also outside a call."""
        return self._lease.fault_text

    def on_fault(self, sink: FaultSink) -> None:
        """Have `sink` called with the first fault: immediately if there is one, otherwise when it occurs."""
        self._lease.on_fault(sink)


class StdioPeer(_InProcess, Peer):
    """A peer in an adapter's process."""

    def __init__(
        self, lease: Lease, handle: str, session_id: str, capabilities: frozenset[str], timeout: float
    ) -> None:
        self.session_id = session_id
        self._lease = lease
        self._handle = handle
        self._capabilities = capabilities
        # The requirements judge a time-out that is not kept, so this is longer than each of their limits.
        self._attempt_deadline = timeout + ATTEMPT_DEADLINE * lease.patience
        self._closed = False

    @property
    def stderr(self) -> list[TimedLine]:
        """The adapter's last lines on standard error."""
        return self._lease.connection.process.stderr_lines()

    @property
    def pid(self) -> int:
        """The id of the adapter's process, and of the process group that it leads."""
        return self._lease.connection.process.pid

    async def connect_to_peer(self, target: str) -> None:
        """Request a direct connection to the session `target`."""
        await self._call("connect_to_peer", shapes.nothing, self._attempt_deadline, target=target)

    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> SendResult:
        """Send `data` to the session `target`."""
        return await self._call(
            "send_p2p",
            shapes.send_result,
            self._attempt_deadline,
            target=target,
            data=shapes.encode_data(data),
            reliable=reliable,
        )

    async def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Set the routing mode."""
        await self._call("set_p2p_routing_mode", shapes.nothing, mode=mode.value)

    async def p2p_routing_mode(self) -> RoutingMode:
        """Return the current routing mode."""
        return await self._call("p2p_routing_mode", shapes.routing_mode)

    async def is_peer_connected(self, target: str) -> bool:
        """Return whether a direct connection to `target` is established."""
        self._need("is_peer_connected")
        return await self._call("is_peer_connected", shapes.connected, target=target)

    async def disconnect_peer(self, target: str) -> None:
        """End the direct connection to `target`."""
        self._need("disconnect_peer")
        await self._call("disconnect_peer", shapes.nothing, target=target)

    async def close(self) -> None:
        """Close the peer with the implementation's own call. The process runs until `end` or `kill`."""
        self._need("close")
        await self._call("close", shapes.nothing)
        self._closed = True

    async def kill(self) -> None:
        """Kill the adapter's process group.

        Raises `NotOffered` if the process has other peers (`processes: "shared"`); see
        `StdioDriver.open_killable_peer`.
        """
        await self._lease.kill()

    async def end(self) -> None:
        """End the adapter with a shutdown request, or only close this peer if the process is shared."""
        if self._lease.outlives_the_peer and not self._closed and "close" in self._capabilities:
            # A fault is recorded and available as `fault`.
            with contextlib.suppress(Refused, DriverFault):
                await self.close()
        self._lease.connection.ignore(self._handle)
        await self._lease.give_back(spent=not self._closed)

    def _need(self, capability: str) -> None:
        if capability not in self._capabilities:
            raise NotOffered(capability)

    async def _call(
        self, method: str, decode: Callable[[Any], T], deadline: float | None = None, **params: object
    ) -> T:
        return await self._lease.call(f"peer.{method}", {"peer": self._handle, **params}, decode, deadline)


class StdioRouter(_InProcess, Router):
    """A router in its own adapter process."""

    def __init__(self, lease: Lease, url: str) -> None:
        self.url = url
        self._lease = lease
        self._closed = False

    async def close(self) -> None:
        """Close the router, then end its process. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._lease.call("router.close", {}, shapes.nothing)
        finally:
            await self._lease.give_back()


class StdioDriver(Driver):
    """The driver of an adapter program, which starts one process per peer unless peers share one.

    `command` is the program and its arguments; `catalogue` the hash of the requirement catalogue, which
    is sent to the adapter; `deadline_scale` a factor of the harness's time limits.
    """

    keeps_deadlines = True

    def __init__(self, command: Sequence[str], *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        self.command = tuple(command)
        self._catalogue = catalogue
        self._patience = deadline_scale
        self._pool = AdapterPool(command, catalogue=catalogue, patience=deadline_scale)
        self._handles = itertools.count(1)
        self._description: Description | None = None
        self._attached = False

    def attach(self, point: AttachPoint) -> None:
        """Wait for each process at `point` instead of starting it. Must be called before `initialize`."""
        self._attached = True
        self._pool = AdapterPool(
            self.command, catalogue=self._catalogue, patience=self._patience, point=point
        )

    async def initialize(self) -> Description:
        """Start one process, which later serves the first peer, and return its description."""
        self._description = await self._pool.describe()
        return self._description

    async def open_peer(
        self,
        *,
        url: str,
        name: str,
        p2p: P2PConfig | None,
        on_event: EventSink,
        token: str | None = None,
        alone: bool = False,
    ) -> StdioPeer:
        """Attach a new client, in its own process if `alone` or if the adapter's peers do not share one.

        In the lab each client has its own process, on a host of its own.
        """
        description = self._require("peer", "peer.open")
        lease = await self._lease(alone=alone or is_entered())
        if (lab_host := lease.connection.process.host) is not None:
            lab_host.prepare()
        handle = f"peer-{next(self._handles)}"
        lease.connection.listen(handle, on_event)
        params: dict[str, object] = {
            "peer": handle,
            "url": url,
            "name": name,
            "p2p": shapes.config_params(p2p),
        }
        if token is not None:
            params["token"] = token
        try:
            session_id = await lease.call(
                "peer.open", params, shapes.session_id, OPEN_DEADLINE * self._patience
            )
        except BaseException:
            lease.connection.ignore(handle)
            await lease.give_back()
            raise
        timeout = p2p.connection_timeout_secs if p2p is not None else None
        return StdioPeer(
            lease,
            handle,
            session_id,
            description.capabilities,
            DEFAULT_TIMEOUT if timeout is None else timeout,
        )

    async def open_killable_peer(
        self,
        *,
        url: str,
        name: str,
        p2p: P2PConfig | None,
        on_event: EventSink,
        token: str | None = None,
    ) -> StdioPeer:
        """Attach a new client in its own process. An attached adapter's peer cannot be killed."""
        return await self.open_peer(
            url=url, name=name, p2p=p2p, on_event=on_event, token=token, alone=not self._attached
        )

    def expect_peers(self, count: int) -> None:
        """Start processes in advance for `count` peers, within the pool's limits."""
        self._pool.expect(count)

    async def open_router(self, *, host: str, port: int) -> StdioRouter:
        """Start a router in its own process."""
        self._require("router", "router.open")
        lease = await self._lease(alone=True)
        if (lab_host := lease.connection.process.host) is not None:
            host = lab_host.address
        try:
            url = await lease.call(
                "router.open", {"host": host, "port": port}, shapes.router_url, OPEN_DEADLINE * self._patience
            )
        except BaseException:
            await lease.give_back()
            raise
        return StdioRouter(lease, url)

    async def aclose(self) -> None:
        """End all remaining processes."""
        await self._pool.aclose()

    def _require(self, role: str, call: str) -> Description:
        if self._description is None:
            raise RuntimeError("initialize() must be called before any other method of a driver")
        if role not in self._description.roles:
            raise NotOffered(call)
        return self._description

    async def _lease(self, *, alone: bool = False) -> Lease:
        return Lease(self._pool, await self._pool.take(alone=alone), self._patience)
