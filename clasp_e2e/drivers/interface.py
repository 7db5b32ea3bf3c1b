"""The interface of drivers: the calls of the driver protocol as coroutines.

The testbed accesses implementations only through this interface. An in-process driver subclasses
`Driver`; adapters in other languages are accessed through the stdio driver. Names, arguments and
results are those of the driver protocol, version 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

from clasp_e2e.p2p_types import P2PConfig, P2PEvent, RoutingMode, SendResult

EventSink = Callable[[P2PEvent], None]
"""Called once for each event, without delay, in the order in which the implementation raised them."""

FaultSink = Callable[["DriverFault"], None]
"""Called once, with the first fault."""

CAPABILITIES = frozenset({"turn", "close", "disconnect_peer", "is_peer_connected", "announce", "reattach"})
"""The capabilities of the driver protocol. A call whose capability is not declared is not offered."""


class DriverFault(Exception):
    """A failure of the adapter, not of the implementation: an error of the run, never a verdict.

    `advice` says what to do if the message does not; `stderr` contains the adapter's last lines on
    standard error, if any.
    """

    def __init__(self, message: str, *, advice: str = "", stderr: str = "") -> None:
        super().__init__(message)
        self.advice = advice
        self.stderr = stderr

    def __str__(self) -> str:
        message = super().__str__()
        if self.advice:
            message += f"\n→ {self.advice}"
        if self.stderr:
            message += "\nIts last lines on standard error:\n" + indent(self.stderr, "    ")
        return message


class NotAvailable(DriverFault):
    """An implementation that is not installed or not built on this machine.

    The message says what is missing and how to get it.
    """


class Refused(Exception):
    """A call that the implementation refused or failed (code 1000), with the implementation's message."""


class NotOffered(Exception):
    """A call that the adapter does not offer (code -32601)."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """The identity of an implementation under test."""

    name: str
    version: str
    language: str
    url: str | None = None
    stub: bool = False
    """Whether the driver has no implementation yet. The doctor accepts a stub; a run refuses it."""


@dataclass(frozen=True, slots=True)
class Description:
    """A driver's description of its implementation, given when it is initialized."""

    implementation: Implementation
    roles: frozenset[str]
    """`peer`, `router`, or both."""
    capabilities: frozenset[str] = field(default=frozenset())


class Opened:
    """A peer or a router that a driver opened."""

    @property
    def process_group(self) -> int | None:
        """The process group in which this runs; None for the harness's own."""
        return None

    @property
    def fault(self) -> str | None:
        """The first fault of the adapter, also outside a call, such as invalid output or a crash."""
        return None

    def on_fault(self, sink: FaultSink) -> None:
        """Have `sink` called with the first fault: immediately if there is one, otherwise when it occurs."""
        del sink


class TimedLine(NamedTuple):
    """A line of text, and the time of the event loop, in seconds, at which it arrived."""

    at: float
    text: str


class Peer(Opened, ABC):
    """One client of the implementation under test, attached to a router."""

    session_id: str
    """Given by the router. Set before `Driver.open_peer` returns."""

    @property
    def stderr(self) -> list[TimedLine]:
        """The adapter's last lines on standard error, if it has one."""
        return []

    @abstractmethod
    async def connect_to_peer(self, target: str) -> None:
        """Request a direct connection to the session `target`; return when the implementation's call does.

        Raises `Refused` if the implementation returns an error.
        """

    @abstractmethod
    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> SendResult:
        """Send `data` to the session `target`; return the path that the implementation reports.

        Raises `Refused` if the implementation returns an error.
        """

    @abstractmethod
    async def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Set the routing mode of all subsequent sends."""

    @abstractmethod
    async def p2p_routing_mode(self) -> RoutingMode:
        """Return the current routing mode."""

    async def is_peer_connected(self, target: str) -> bool:
        """Return whether a direct connection to `target` is established (capability `is_peer_connected`)."""
        del target
        raise NotOffered("is_peer_connected")

    async def disconnect_peer(self, target: str) -> None:
        """End the direct connection to `target` (capability `disconnect_peer`)."""
        del target
        raise NotOffered("disconnect_peer")

    async def close(self) -> None:
        """Close the peer with the implementation's own call (capability `close`)."""
        raise NotOffered("close")

    @abstractmethod
    async def kill(self) -> None:
        """End the peer without notifying other peers, as in a crash, and free its resources.

        May be called at any time, also after `close`. A second call does nothing.
        """

    async def end(self) -> None:
        """End the peer at the end of a scenario, in any state, and free all its resources.

        It need not notify other peers.
        """
        await self.kill()


class Driver(ABC):
    """The harness's access to an implementation under test."""

    router_per_scenario = False
    """Whether a router starts quickly enough for each scenario to have its own."""

    keeps_deadlines = False
    """Whether the driver itself limits the time of each call, so that the harness sets no deadline.

    The time that an opening waits for a process to start is then not counted.
    """

    baseline: Path | None = None
    """The file of the implementation's known failures, in its adapter's directory."""

    @abstractmethod
    async def initialize(self) -> Description:
        """Prepare the driver and return its description. Called once per run, before any other call.

        Raises `DriverFault` if the adapter cannot be started or breaks the protocol.
        """

    @abstractmethod
    async def open_peer(
        self,
        *,
        url: str,
        name: str,
        p2p: P2PConfig | None,
        on_event: EventSink,
        token: str | None = None,
    ) -> Peer:
        """Attach a new client to the router at `url`; if `p2p` is None, without P2P.

        Raises `Refused` if the implementation cannot attach.
        """

    async def open_killable_peer(
        self,
        *,
        url: str,
        name: str,
        p2p: P2PConfig | None,
        on_event: EventSink,
        token: str | None = None,
    ) -> Peer:
        """Attach a new client whose `kill` may be called; by default the same as `open_peer`.

        Must be overridden if killing a peer would end other peers too.
        """
        return await self.open_peer(url=url, name=name, p2p=p2p, on_event=on_event, token=token)

    def expect_peers(self, count: int) -> None:
        """Prepare for `count` peers that will be opened soon. A hint, by default ignored."""
        del count

    async def open_router(self, *, host: str, port: int) -> Router:
        """Start a router that listens on `host` and `port` (0 for any)."""
        del host, port
        raise NotOffered("router.open")

    async def aclose(self) -> None:
        """Free the driver's own resources. Called once, after the last peer has ended."""
        return


class Router(Opened, ABC):
    """A router that a driver started."""

    url: str
    """`ws://host:port/...`, at which it already listens."""

    is_ours = True
    """Whether the driver started it, so that tests that may break it affect no other users."""

    @abstractmethod
    async def close(self) -> None:
        """Stop listening, end every session, free the port."""
