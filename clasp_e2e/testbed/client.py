"""A client of a scenario: an implementation's peer, its leg to the router, and what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from clasp_e2e.drivers.interface import Description, DriverFault, NotOffered, Peer, Refused
from clasp_e2e.drivers.reference import ReferencePeer
from clasp_e2e.model import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PConfig,
    P2PEvent,
    PeerAnnounced,
    RoutingMode,
    SendResult,
)
from clasp_e2e.network import SignalingProxy
from clasp_e2e.results.timeline import Kind, Timeline
from clasp_e2e.testbed.calls import call_driver
from clasp_e2e.testbed.expectations import Unmet, Unobserved, show
from clasp_e2e.testbed.waiting import Changes, Patience

T = TypeVar("T")
E = TypeVar("E", Connected, Data, Disconnected, ConnectionFailed)

DEFAULT_TIMEOUT = 30
"""Seconds (specification, "Connection Timeout"), in force where none is configured."""


@dataclass(frozen=True, slots=True)
class Side:
    """Who stands on one side of a scenario: the driver, its label in the report, what it says of itself."""

    label: str
    description: Description


@dataclass(frozen=True, slots=True)
class Told:
    """An event and when the harness got it, in seconds of the loop's clock."""

    at: float
    event: P2PEvent


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt to connect failed. Times are those of the loop's clock, in seconds."""

    requested: float
    failed: float
    reason: str
    by_call: bool
    """True where the call itself returned the error, False where ConnectionFailed was told."""


class Client:
    """One peer, driven as its application would drive it and watched from outside.

    Calls go to the implementation as they are; a call that outlives its deadline is the
    adapter's fault, not a verdict. `told` holds the events in the order they came.
    """

    def __init__(
        self, name: str, side: Side, p2p: P2PConfig | None, timeline: Timeline, patience: Patience
    ) -> None:
        self.name = name
        self.side = side
        self.p2p = p2p
        self.told: list[Told] = []
        self.waited = 0.0
        """Seconds spent waiting for events of this client."""
        self._timeline = timeline
        self._patience = patience
        self._changes = Changes()
        self._fault: DriverFault | None = None
        self._peer: Peer | None = None
        self._leg: SignalingProxy | None = None

    def __repr__(self) -> str:
        return f"<Client {self.name} ({self.side.label})>"

    def attached(self, peer: Peer, leg: SignalingProxy) -> None:
        """Take over the peer that was opened and the leg that it talks through."""
        self._peer = peer
        self._leg = leg
        peer.on_fault(self._faulted)

    def _faulted(self, fault: DriverFault) -> None:
        """Have nobody wait for what a broken adapter can tell no more."""
        self._fault = fault
        self._changes.notify()

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

    def sink(self, event: P2PEvent) -> None:
        """Note an event at the time it came."""
        self.told.append(Told(asyncio.get_running_loop().time(), event))
        self._timeline.note(self.name, f"was told {describe(event)}", Kind.EVENT)
        self._changes.notify()

    # The calls of the specification's API.

    async def connect_to_peer(self, target: Client | str) -> None:
        """Ask for a direct connection to `target`."""
        session = _session(target)
        await self._call(
            f"connect_to_peer({_name(target)})", self.peer.connect_to_peer(session), self.timeout + 10
        )

    async def send_p2p(self, target: Client | str, data: bytes, *, reliable: bool = True) -> SendResult:
        """Send `data` to `target` and return the path that the implementation names."""
        kind = "reliable" if reliable else "unreliable"
        call = self.peer.send_p2p(_session(target), data, reliable)
        return await self._call(f"send_p2p({_name(target)}, {show(data)}, {kind})", call, self.timeout + 10)

    async def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Set the routing mode for all sends that follow."""
        await self._call(f"set_p2p_routing_mode({mode})", self.peer.set_p2p_routing_mode(mode))

    async def p2p_routing_mode(self) -> RoutingMode:
        """Return the routing mode in force."""
        return await self._call("p2p_routing_mode()", self.peer.p2p_routing_mode())

    async def is_peer_connected(self, target: Client | str) -> bool:
        """Return whether the implementation says that it is connected to `target`."""
        self.needs("is_peer_connected")
        return await self._call(
            f"is_peer_connected({_name(target)})", self.peer.is_peer_connected(_session(target))
        )

    async def disconnect_peer(self, target: Client | str) -> None:
        """End the direct connection to `target`."""
        self.needs("disconnect_peer")
        await self._call(f"disconnect_peer({_name(target)})", self.peer.disconnect_peer(_session(target)))

    async def close(self) -> None:
        """Close in the implementation's own orderly way."""
        self.needs("close")
        await self._call("close()", self.peer.close())

    async def kill(self) -> None:
        """End the client without a word, as if its process had died."""
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

    async def attempt_fails(self, target: Client | str, *, within: float) -> Failure:
        """Ask for a connection that cannot come about, and return how the attempt failed.

        Unmet if, `within` seconds of the request, neither the call returned an error nor a
        ConnectionFailed that names `target` came.
        """
        failure = await self._attempt(target, (ConnectionFailed,), within)
        assert failure is not None
        return failure

    async def attempt_ends(self, target: Client | str, *, within: float) -> Failure | None:
        """Ask for a connection, and return how the attempt failed, or None once Connected was told.

        Unmet if, `within` seconds of the request, neither came.
        """
        return await self._attempt(target, (Connected, ConnectionFailed), within)

    async def _attempt(
        self, target: Client | str, ends: tuple[type[Connected] | type[ConnectionFailed], ...], within: float
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
                f"the attempt to {what} within {within:g} s of the request",
                "connect_to_peer has not returned",
            ) from None

        def ended() -> Told | None:
            session = _session(target)
            return next(
                (
                    told
                    for told in self.told[since:]
                    if isinstance(told.event, ends) and told.event.peer_session_id == session
                ),
                None,
            )

        left = began + within - asyncio.get_running_loop().time()
        names = " or ".join(kind.__name__ for kind in ends)
        told = await self._await(ended, f"{names} naming {_name(target)}", left, since)
        if isinstance(told.event, ConnectionFailed):
            return Failure(began, told.at, told.event.reason, by_call=False)
        return None

    async def _call(self, text: str, call: Awaitable[T], deadline: float | None = None) -> T:
        limit = (deadline or 0.0) + self._patience.call
        self._timeline.note("harness", f"calls {text}", Kind.CALL, to=self.name)
        try:
            result = await call_driver(self.side.label, text, call, limit)
        except Refused as refusal:
            self._timeline.note(
                self.name, f"refused {text.partition('(')[0]}: {refusal}", Kind.CALL, to="harness"
            )
            raise
        if result is not None:
            returned = f"{text.partition('(')[0]} returned {result}"
            self._timeline.note(self.name, returned, Kind.CALL, to="harness")
        return result

    # What the application was told.

    def events(self, kind: type[E], of: Client | str | None = None, since: int = 0) -> list[Told]:
        """Return the events of `kind` about `of` that were told after the mark `since`."""
        session = None if of is None else _session(of)
        return [
            told
            for told in self.told[since:]
            if isinstance(told.event, kind) and (session is None or told.event.peer_session_id == session)
        ]

    def received(self, data: bytes) -> list[Data]:
        """Return the events that brought exactly `data`."""
        return [event for event in self.data() if event.data == data]

    def data(self) -> list[Data]:
        """Return all events that brought data, in the order in which they came."""
        return [told.event for told in self.told if isinstance(told.event, Data)]

    def mark(self) -> int:
        """Return the place in `told` after which what comes next will stand."""
        return len(self.told)

    async def is_told(
        self,
        kind: type[E],
        of: Client | str | None = None,
        *,
        within: float | None = None,
        since: int = 0,
        unless: type[ConnectionFailed] | None = None,
    ) -> E:
        """Return the first event of `kind` about `of` since the mark; unmet if none comes in time.

        Unmet too as soon as `unless` was told of it instead: what is awaited for long need not be.
        """

        def found() -> E | None:
            matching = self.events(kind, of, since)
            if not matching and unless is not None and (instead := self.events(unless, of, since)):
                raise Unmet(f"{self.name} to be told {kind.__name__}", describe(instead[0].event))
            return matching[0].event if matching else None  # pyright: ignore[reportReturnType]

        about = "" if of is None else f" naming {_name(of)}"
        return await self._await(found, f"{kind.__name__}{about}", within, since)

    async def receives(self, data: bytes, *, within: float | None = None, since: int = 0) -> Data:
        """Return the event that brought `data`; unmet if it does not come in time."""

        def found() -> Data | None:
            for told in self.told[since:]:
                if isinstance(told.event, Data) and told.event.data == data:
                    return told.event
            return None

        return await self._await(found, f"Data with {show(data)}", within, since)

    async def receives_all(self, payloads: Collection[bytes], *, within: float) -> bool:
        """Return whether each of `payloads` came in time; nothing is judged."""
        return await self._comes(lambda: set(payloads) <= {event.data for event in self.data()}, within)

    async def receives_any(self, payloads: Collection[bytes], *, within: float) -> bool:
        """Return whether one of `payloads` came in time; nothing is judged."""
        return await self._comes(lambda: any(event.data in payloads for event in self.data()), within)

    async def _comes(self, is_there: Callable[[], bool], within: float) -> bool:
        try:
            await self._await(lambda: is_there() or None, "what was sent", within, 0)
        except Unmet:
            return False
        return True

    async def _await(self, found: Callable[[], T | None], what: str, within: float | None, since: int) -> T:
        limit = self._patience.event if within is None else within
        began = asyncio.get_running_loop().time()

        def found_unless_broken() -> T | None:
            if (result := found()) is None and self._fault is not None:
                raise self._fault
            return result

        try:
            result = await self._changes.until(found_unless_broken, limit)
        except TimeoutError:
            all_told = [told.event for told in self.told[since:]]
            # Whoever joins the router is announced: that says nothing of what is missing here.
            came = [describe(event) for event in all_told if not isinstance(event, PeerAnnounced)]
            nothing = "nothing but announcements" if all_told else "nothing"
            self._timeline.note(self.name, f"awaited {what} for {limit:g} s in vain", Kind.MISSED)
            raise Unmet(
                f"{self.name} to be told {what} within {limit:g} s",
                f"{self.name} was told " + (", ".join(came[-6:]) or nothing),
            ) from None
        self.waited += asyncio.get_running_loop().time() - began
        return result


def _session(target: Client | str) -> str:
    return target if isinstance(target, str) else target.session_id


def _name(target: Client | str) -> str:
    return target if isinstance(target, str) else target.name


def describe(event: P2PEvent) -> str:
    """Return `event` in a few words for the timeline."""
    match event:
        case Data(data=data, reliable=reliable):
            kind = {True: "reliable", False: "unreliable", None: "kind not told"}[reliable]
            return f"Data ({show(data)}, {kind}, from {event.peer_session_id})"
        case Disconnected(reason=reason) | ConnectionFailed(reason=reason):
            return f"{type(event).__name__} (from {event.peer_session_id}, {reason})"
        case _:
            return f"{type(event).__name__} ({event.peer_session_id})"
