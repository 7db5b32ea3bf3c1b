"""What an implementation under test must offer: the calls of the driver protocol as coroutines.

The testbed knows implementations by this interface alone. An in-process driver subclasses
`Driver`; an adapter in another language is reached through the stdio driver, which is one.
Names, arguments and results are those of the driver protocol, version 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent

from clasp_e2e.p2p_types import P2PConfig, P2PEvent, RoutingMode, SendResult

EventSink = Callable[[P2PEvent], None]
"""Called once an event, at once, in the order in which the implementation raised them."""

FaultSink = Callable[["DriverFault"], None]
"""Called once, with the first fault."""

CAPABILITIES = frozenset({"turn", "close", "disconnect_peer", "is_peer_connected", "announce"})
"""The capabilities of the driver protocol; what needs one that was not declared is not offered."""


class DriverFault(Exception):
    """The adapter, not the implementation, failed: an error of the run, never a verdict.

    `advice` says what to do about it, where the message does not; `stderr` holds the adapter's last
    lines on standard error, if it has one.
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
    """The implementation cannot be had on this machine: not installed, or not built.

    The text says what is missing and how to get it.
    """


class Refused(Exception):
    """The implementation refused or failed the call (code 1000); the text is its own words."""


class NotOffered(Exception):
    """The adapter does not offer this call (code -32601)."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """Who is judged."""

    name: str
    version: str
    language: str
    url: str | None = None
    stub: bool = False
    """Nothing stands behind the driver yet: the doctor looks at it, and no run judges it."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a driver says of its implementation when it is initialized."""

    implementation: Implementation
    roles: frozenset[str]
    """`peer`, `router`, or both."""
    capabilities: frozenset[str] = field(default=frozenset())


class Opened:
    """A peer or a router that a driver opened."""

    @property
    def process_group(self) -> int | None:
        """The process group that this runs in, None for the harness's own."""
        return None

    @property
    def fault(self) -> str | None:
        """What went wrong with the adapter, also outside a call: noise on its output, a crash."""
        return None

    def on_fault(self, sink: FaultSink) -> None:
        """Have `sink` called with the first fault: at once if there was one, otherwise when it is noticed."""
        del sink


class Peer(Opened, ABC):
    """One client of the implementation under test, attached to a router."""

    session_id: str
    """Given by the router. Set before `Driver.open_peer` returns."""

    @property
    def stderr(self) -> str:
        """The adapter's last lines on standard error, if it has one."""
        return ""

    @abstractmethod
    async def connect_to_peer(self, target: str) -> None:
        """Ask for a direct connection to the session `target`; return when the implementation's call does.

        Raises `Refused` if the implementation returns an error.
        """

    @abstractmethod
    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> SendResult:
        """Send `data` to the session `target`; return the path that the implementation names.

        Raises `Refused` if the implementation returns an error.
        """

    @abstractmethod
    async def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Set the routing mode for all sends that follow."""

    @abstractmethod
    async def p2p_routing_mode(self) -> RoutingMode:
        """Return the routing mode in force."""

    async def is_peer_connected(self, target: str) -> bool:
        """Return whether a direct connection to `target` stands (capability `is_peer_connected`)."""
        del target
        raise NotOffered("is_peer_connected")

    async def disconnect_peer(self, target: str) -> None:
        """End the direct connection to `target` (capability `disconnect_peer`)."""
        del target
        raise NotOffered("disconnect_peer")

    async def close(self) -> None:
        """Close in the implementation's own orderly way (capability `close`)."""
        raise NotOffered("close")

    @abstractmethod
    async def kill(self) -> None:
        """End the peer without a word to anybody, as if its process had died, and free what it held.

        May be called at any time, also after `close`; the second call does nothing.
        """

    async def end(self) -> None:
        """End the peer at the end of a scenario, whatever state it is in, and free what it held.

        Need not be orderly toward others; must leave nothing behind.
        """
        await self.kill()


class Driver(ABC):
    """An implementation under test, as the harness drives it."""

    router_per_scenario = False
    """Whether starting a router is cheap enough for each scenario to have its own."""

    keeps_deadlines = False
    """Whether each call ends by a deadline of the driver's own, so that the harness need set none.

    Opening is then not counted while it queues for a process to start.
    """

    baseline: Path | None = None
    """The file of the implementation's known failures, beside its adapter."""

    @abstractmethod
    async def initialize(self) -> Description:
        """Make ready and say who this is. Called once a run, before anything else.

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
        """Attach a new client to the router at `url`; `p2p` is None for one without P2P.

        Raises `Refused` if the implementation could not attach.
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
        """Attach a new client whose `kill` may be called; otherwise as `open_peer`, and by default the same.

        To be overridden where a peer that is killed would take others with it.
        """
        return await self.open_peer(url=url, name=name, p2p=p2p, on_event=on_event, token=token)

    def expect_peers(self, count: int) -> None:
        """Prepare for `count` peers that are about to be opened. A hint: by default nothing is done."""
        del count

    async def open_router(self, *, host: str, port: int) -> Router:
        """Start a router that listens on `host` and `port` (0 for any)."""
        del host, port
        raise NotOffered("router.open")

    async def aclose(self) -> None:
        """Give back what the driver itself holds. Called once, after the last peer is gone."""
        return


class Router(Opened, ABC):
    """A router that a driver started."""

    url: str
    """`ws://host:port/...`, where it is already listening."""

    is_ours = True
    """Whether the driver started it, so that nobody else is harmed when it is put to the test."""

    @abstractmethod
    async def close(self) -> None:
        """Stop listening, end every session, free the port."""
