"""A client of a scenario: an implementation's peer, its leg to the router, and what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from clasp_e2e.drivers.interface import Description, NotOffered, Peer, Refused
from clasp_e2e.drivers.reference import ReferencePeer
from clasp_e2e.network import SignalingProxy
from clasp_e2e.p2p_types import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PConfig,
    RoutingMode,
    SendResult,
)
from clasp_e2e.results.timeline import EntryKind, Timeline
from clasp_e2e.testbed.calls import call_driver
from clasp_e2e.testbed.events import Inbox, Party, ReceivedEvent, name_of, session_of
from clasp_e2e.testbed.expectations import Unmet, Unobserved, show
from clasp_e2e.testbed.waiting import Patience

T = TypeVar("T")
E = TypeVar("E", Connected, Data, Disconnected, ConnectionFailed)

DEFAULT_TIMEOUT = 30
"""Seconds (specification, "Connection Timeout"), in force where none is configured."""


@dataclass(frozen=True, slots=True)
class SubjectInfo:
    """Who stands on one side of a scenario: the driver, its label in the report, what it says of itself."""

    label: str
    description: Description


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt to connect failed. Times are those of the loop's clock, in seconds."""

    requested: float
    failed: float
    reason: str
    by_call: bool
    """True where the call itself returned the error, False where ConnectionFailed was told."""


class Client(Inbox):
    """One peer, driven as its application would drive it and watched from outside.

    Calls go to the implementation as they are; a call that outlives its deadline is the
    adapter's fault, not a verdict.
    """

    def __init__(
        self,
        name: str,
        side: SubjectInfo,
        p2p: P2PConfig | None,
        timeline: Timeline,
        patience: Patience,
        *,
        may_be_killed: bool = False,
    ) -> None:
        super().__init__(name, timeline, patience)
        self._may_be_killed = may_be_killed
        self.side = side
        self.p2p = p2p
        self._peer: Peer | None = None
        self._leg: SignalingProxy | None = None

    def __repr__(self) -> str:
        return f"<Client {self.name} ({self.side.label})>"

    def attached(self, peer: Peer, leg: SignalingProxy) -> None:
        """Take over the peer that was opened and the leg that it talks through."""
        self._peer = peer
        self._leg = leg
        peer.on_fault(self._faulted)

    @property
    def peer(self) -> Peer:
        """The driver's handle of this client."""
        if self._peer is None:
            raise RuntimeError(f"{self.name} is not attached yet")
        return self._peer

    @property
    def leg(self) -> SignalingProxy:
        """The signaling proxy between this client and the router."""
        if self._leg is None:
            raise RuntimeError(f"{self.name} is not attached yet")
        return self._leg

    async def all_is_written(self) -> None:
        """Wait until whatever the client wrote to the router by now has passed its leg, by a ping.

        Unobserved if its WebSocket does not answer one.
        """
        try:
            async with asyncio.timeout(self._patience.event):
                await self.leg.ping_barrier()
        except (TimeoutError, ConnectionError) as error:
            raise Unobserved(f"{self.name} does not answer a WebSocket ping: {error}") from None

    async def has_left_the_router(self) -> None:
        """Wait until the client has no connection to the router; unobserved if it keeps it."""
        try:
            async with asyncio.timeout(self._patience.event):
                await self.leg.peer_has_left()
        except TimeoutError:
            raise Unobserved(f"{self.name} was to leave the router, and has not") from None

    @property
    def session_id(self) -> str:
        """The id that the router gave this client, as the implementation tells it."""
        return self.peer.session_id

    @property
    def capabilities(self) -> frozenset[str]:
        """What the implementation's adapter declared."""
        return self.side.description.capabilities

    @property
    def timeout(self) -> int:
        """The connection time-out in force, in seconds."""
        configured = self.p2p.connection_timeout_secs if self.p2p else None
        return DEFAULT_TIMEOUT if configured is None else configured

    # The calls of the specification's API.

    async def connect_to_peer(self, target: Party) -> None:
        """Ask for a direct connection to `target`."""
        session = session_of(target)
        await self._call(
            f"connect_to_peer({name_of(target)})", self.peer.connect_to_peer(session), self.timeout + 10
        )

    async def send_p2p(self, target: Party, data: bytes, *, reliable: bool = True) -> SendResult:
        """Send `data` to `target` and return the path that the implementation names."""
        kind = "reliable" if reliable else "unreliable"
        call = self.peer.send_p2p(session_of(target), data, reliable)
        return await self._call(f"send_p2p({name_of(target)}, {show(data)}, {kind})", call, self.timeout + 10)

    async def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Set the routing mode for all sends that follow."""
        await self._call(f"set_p2p_routing_mode({mode})", self.peer.set_p2p_routing_mode(mode))

    async def p2p_routing_mode(self) -> RoutingMode:
        """Return the routing mode in force."""
        return await self._call("p2p_routing_mode()", self.peer.p2p_routing_mode())

    async def is_peer_connected(self, target: Party) -> bool:
        """Return whether the implementation says that it is connected to `target`."""
        self.needs("is_peer_connected")
        return await self._call(
            f"is_peer_connected({name_of(target)})", self.peer.is_peer_connected(session_of(target))
        )

    async def disconnect_peer(self, target: Party) -> None:
        """End the direct connection to `target`."""
        self.needs("disconnect_peer")
        await self._call(f"disconnect_peer({name_of(target)})", self.peer.disconnect_peer(session_of(target)))

    async def close(self) -> None:
        """Close in the implementation's own orderly way."""
        self.needs("close")
        await self._call("close()", self.peer.close())

    async def kill(self) -> None:
        """End the client without a word, as if its process had died.

        The scenario must have declared that it kills, whoever it judges: by now it is too late to give
        the client a process of its own.
        """
        if not self._may_be_killed:
            raise RuntimeError(
                f"the scenario kills {self.name} without having declared it;"
                " add kills=True to its @requirement"
            )
        self._timeline.note("harness", f"kills {self.name}")
        await call_driver(self.side.label, "kill", self.peer.kill(), self._patience.cleanup)

    async def end(self) -> None:
        """End the client at the end of its scenario, if it was attached at all."""
        if self._peer is not None:
            await self._peer.end()

    @property
    def fault(self) -> str | None:
        """What went wrong with the adapter outside a call, if anything did."""
        return None if self._peer is None else self._peer.fault

    @property
    def stderr(self) -> str:
        """The last lines that the adapter wrote to standard error."""
        return "" if self._peer is None else self._peer.stderr

    def needs(self, capability: str) -> None:
        """End the scenario as not offered unless the adapter declared `capability`."""
        if capability not in self.capabilities:
            raise NotOffered(f"{self.side.label} does not declare the capability {capability!r}")

    def channels(self, target: Client) -> tuple[tuple[str, bool, int | None], ...]:
        """Return label, order and retransmits of the DataChannels to `target`, as this side sees them.

        Only the reference can tell; it is the measure of what its partner opened.
        """
        if not isinstance(self.peer, ReferencePeer):
            raise NotOffered(f"{self.side.label} is not the reference, and cannot tell the channels it sees")
        return self.peer.channels(target.session_id)

    async def attempt_fails(self, target: Party, *, within: float) -> Failure:
        """Ask for a connection that cannot come about, and return how the attempt failed.

        Unmet if, `within` seconds of the request, neither the call returned an error nor a
        ConnectionFailed that names `target` came.
        """
        failure = await self._attempt(target, (ConnectionFailed,), within)
        assert failure is not None
        return failure

    async def attempt_ends(self, target: Party, *, within: float) -> Failure | None:
        """Ask for a connection, and return how the attempt failed, or None once Connected was told.

        Unmet if, `within` seconds of the request, neither came.
        """
        return await self._attempt(target, (Connected, ConnectionFailed), within)

    async def _attempt(
        self, target: Party, ends: tuple[type[Connected] | type[ConnectionFailed], ...], within: float
    ) -> Failure | None:
        since = self.mark()
        began = asyncio.get_running_loop().time()
        what = "end" if Connected in ends else "fail"
        try:
            async with asyncio.timeout(within):
                await self.connect_to_peer(target)
        except Refused as refusal:
            return Failure(began, asyncio.get_running_loop().time(), str(refusal), by_call=True)
        except TimeoutError:
            raise Unmet(
                f"the attempt to {what} within {within:.3g} s of the request",
                "connect_to_peer has not returned",
            ) from None

        def ended() -> ReceivedEvent | None:
            session = session_of(target)
            return next(
                (
                    received
                    for received in self.received[since:]
                    if isinstance(received.event, ends) and received.event.peer_session_id == session
                ),
                None,
            )

        left = began + within - asyncio.get_running_loop().time()
        names = " or ".join(kind.__name__ for kind in ends)
        received = await self._await(ended, f"{names} naming {name_of(target)}", left, since)
        if isinstance(received.event, ConnectionFailed):
            return Failure(began, received.at, received.event.reason, by_call=False)
        return None

    async def _call(self, text: str, call: Awaitable[T], deadline: float | None = None) -> T:
        limit = (deadline or 0.0) + self._patience.call
        self._timeline.note("harness", f"calls {text}", EntryKind.CALL, to=self.name)
        try:
            result = await call_driver(self.side.label, text, call, limit)
        except Refused as refusal:
            self._timeline.note(
                self.name, f"refused {text.partition('(')[0]}: {refusal}", EntryKind.CALL, to="harness"
            )
            raise
        if result is not None:
            returned = f"{text.partition('(')[0]} returned {result}"
            self._timeline.note(self.name, returned, EntryKind.CALL, to="harness")
        return result
