"""A client of a scenario: an implementation's peer, its leg to the router, and its received events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from clasp_e2e.drivers.interface import Description, NotOffered, Peer, Refused, TimedLine
from clasp_e2e.drivers.reference import ReferencePeer
from clasp_e2e.network import SignalingProxy
from clasp_e2e.p2p_types import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PConfig,
    PeerAnnounced,
    RoutingMode,
    SendResult,
)
from clasp_e2e.results.timeline import EntryKind, Timeline
from clasp_e2e.testbed.calls import call_driver
from clasp_e2e.testbed.events import Inbox, Party, ReceivedEvent, name_of, session_of
from clasp_e2e.testbed.expectations import Absent, Undelivered, Unmet, Unobserved, current_judgment, show
from clasp_e2e.testbed.waiting import Patience

T = TypeVar("T")
E = TypeVar("E", Connected, Data, Disconnected, ConnectionFailed, PeerAnnounced)

DEFAULT_TIMEOUT = 30
"""Seconds (specification, "Connection Timeout"); the default."""

LONGEST_ATTEMPT = DEFAULT_TIMEOUT + 5.0
"""Seconds beyond the time-out in force after which a call has returned: gathering may take long before it."""


@dataclass(frozen=True, slots=True)
class SubjectInfo:
    """An implementation in a scenario: its label in the report, and the description from its driver."""

    label: str
    description: Description


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt to connect. Times are in seconds of the event loop's clock."""

    requested: float
    failed: float
    reason: str
    by_call: bool
    """True if the call returned the error first, False if ConnectionFailed was received first."""
    peer: str | None = None
    """The session that the ConnectionFailed names."""


class Client(Inbox):
    """A peer that the harness drives as an application would, and observes from outside.

    Calls are passed to the implementation unchanged. `connect_to_peer` and `send_p2p` may wait for the
    network: one that exceeds its deadline is unmet. Any other call that does is a fault of the adapter.
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
        self.targets: set[str] = set()
        """The session ids that were called or sent to."""
        self.sent: list[bytes] = []
        """The payloads of all sends so far."""
        self.relayed: list[bytes] = []
        """The payloads that the implementation has reported as relayed."""
        self._peer: Peer | None = None
        self._leg: SignalingProxy | None = None
        self.published_at: list[float] = []
        """The times when the leg saw the client publish (event loop clock, seconds)."""

    def __repr__(self) -> str:
        return f"<Client {self.name} ({self.side.label})>"

    def attached(self, peer: Peer, leg: SignalingProxy) -> None:
        """Set the peer that was opened, and its leg."""
        self._peer = peer
        self._leg = leg
        peer.on_fault(self._faulted)

    @property
    def is_attached(self) -> bool:
        """Whether the client was opened."""
        return self._peer is not None

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
        """Wait, by a WebSocket ping, until all that the client has written to the router has passed its leg.

        Unobserved if the client does not answer the ping.
        """
        try:
            async with asyncio.timeout(self._patience.event):
                await self.leg.ping_barrier()
        except (TimeoutError, ConnectionError) as error:
            raise Unobserved(f"{self.name} does not answer a WebSocket ping: {error}") from None

    async def has_left_the_router(self) -> None:
        """Wait until the client has closed its connection to the router; unobserved if it does not."""
        try:
            async with asyncio.timeout(self._patience.event):
                await self.leg.peer_has_left()
        except TimeoutError:
            limit = self._patience.event
            raise Unobserved(f"{self.name} has not left the router within {limit:g} s") from None

    @property
    def session_id(self) -> str:
        """The session id that the router assigned, as the implementation reports it."""
        return self.peer.session_id

    @property
    def capabilities(self) -> frozenset[str]:
        """The capabilities that the implementation's adapter declares."""
        return self.side.description.capabilities

    @property
    def timeout(self) -> int:
        """The connection time-out in force, in seconds."""
        configured = self.p2p.connection_timeout_secs if self.p2p else None
        return DEFAULT_TIMEOUT if configured is None else configured

    @property
    def attempt_limit(self) -> float:
        """The seconds within which an attempt of this client to connect has its outcome."""
        return self._patience.attempt(self.timeout)

    # The calls of the specification's API.

    async def connect_to_peer(self, target: Party, *, within: float | None = None) -> None:
        """Request a direct connection to `target`.

        The call may return before the connection is established or after it, therefore await it only if
        nothing else has to happen first: otherwise use `connecting_to`.
        """
        self.targets.add(session_of(target))
        call = self.peer.connect_to_peer(session_of(target))
        await self._call_in_time(f"connect_to_peer({name_of(target)})", call, within)

    @asynccontextmanager
    async def connecting_to(self, target: Party) -> AsyncGenerator[None]:
        """Request a direct connection to `target`, and run the block meanwhile.

        If the call is refused, the block ends with `Refused`. After the block, its result does not count;
        unmet if it has not returned although this client has received Connected.
        """
        is_over = False

        async def connects() -> None:
            try:
                await self.connect_to_peer(target)
            except Refused:
                if not is_over:
                    raise

        try:
            async with asyncio.TaskGroup() as tasks:
                call = tasks.create_task(connects())
                yield
                is_over = True
                limit = self._patience.call
                await asyncio.wait({call}, timeout=limit)
                if not call.done() and self.events(Connected, target):
                    expected = f"connect_to_peer to return within {limit:g} s of Connected"
                    raise Unmet(expected, "it has not returned")
                call.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def send_p2p(self, target: Party, data: bytes, *, reliable: bool = True) -> SendResult:
        """Send `data` to `target`, and return the path that the implementation reports.

        The call may return before the data has arrived or after it. With the link down: `send_in_turn`.
        """
        current_judgment().sent.add(data)
        kind = "reliable" if reliable else "unreliable"
        call = self.peer.send_p2p(session_of(target), data, reliable)
        self.sent.append(data)
        self.targets.add(session_of(target))
        text = f"send_p2p({name_of(target)}, {show(data)}, {kind})"
        try:
            result = await self._call_in_time(text, call, None)
        except Absent as absent:  # It may return only when the receiver, if it can read it, acknowledges it.
            raise Undelivered(absent.expected, absent.seen) from None
        if result is SendResult.RELAY:
            self.relayed.append(data)
        return result

    async def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        """Set the routing mode for all later sends."""
        await self._quick_call(f"set_p2p_routing_mode({mode})", self.peer.set_p2p_routing_mode(mode))

    async def p2p_routing_mode(self) -> RoutingMode:
        """Return the current routing mode."""
        return await self._quick_call("p2p_routing_mode()", self.peer.p2p_routing_mode())

    async def is_peer_connected(self, target: Party) -> bool:
        """Return whether the implementation reports a connection to `target`."""
        self.needs("is_peer_connected")
        return await self._quick_call(
            f"is_peer_connected({name_of(target)})", self.peer.is_peer_connected(session_of(target))
        )

    async def disconnect_peer(self, target: Party) -> None:
        """Close the direct connection to `target`."""
        self.needs("disconnect_peer")
        call = self.peer.disconnect_peer(session_of(target))
        await self._quick_call(f"disconnect_peer({name_of(target)})", call)

    async def close(self) -> None:
        """Close the client by the implementation's own close call."""
        self.needs("close")
        await self._quick_call("close()", self.peer.close())

    async def kill(self) -> None:
        """End the client abruptly, as if its process had died.

        The scenario must have declared `kills=True`, because the client then needs its own process from
        the start.
        """
        if not self._may_be_killed:
            raise RuntimeError(
                f"the scenario kills {self.name} but does not declare it; add kills=True to its @requirement"
            )
        self._timeline.note("harness", f"kills {self.name}")
        await call_driver(self.side.label, "kill", self.peer.kill(), self._patience.cleanup)

    async def end(self) -> None:
        """End the client at the end of its scenario, if it was attached."""
        if self._peer is not None:
            await self._peer.end()

    @property
    def fault(self) -> str | None:
        """The fault of the adapter that occurred outside a call, if any."""
        return None if self._peer is None else self._peer.fault

    @property
    def stderr(self) -> list[TimedLine]:
        """The last lines of the adapter's standard error."""
        return [] if self._peer is None else self._peer.stderr

    def needs(self, capability: str) -> None:
        """End the scenario as not offered unless the adapter declared `capability`."""
        if capability not in self.capabilities:
            raise NotOffered(f"{self.side.label} does not declare the capability {capability!r}")

    def channels(self, target: Client) -> tuple[tuple[str, bool, int | None], ...]:
        """Return label, order and retransmits of the DataChannels to `target`, as this peer sees them.

        Only the reference supports this; it shows which channels its partner opened.
        """
        if not isinstance(self.peer, ReferencePeer):
            raise NotOffered(f"{self.side.label} is not the reference, which alone lists its DataChannels")
        return self.peer.channels(target.session_id)

    def labels_opened_by(self, target: Client) -> tuple[str, ...] | None:
        """Return the labels of the DataChannels that `target` opened to this peer, if it is the reference.

        None if it is not, or if `target` made no offer that became a connection.
        """
        return self.peer.labels_opened_by(target.session_id) if isinstance(self.peer, ReferencePeer) else None

    async def attempt_fails(self, target: Party, *, within: float) -> Failure:
        """Request a connection that cannot be established, and return how the attempt failed.

        Unmet if, `within` seconds of the request or of the first signal after it, the call has not returned
        an error and no ConnectionFailed for `target` was received.
        """
        failure = await self._attempt(target, (ConnectionFailed,), within)
        assert failure is not None
        return failure

    async def attempt_ends(self, target: Party, *, within: float) -> Failure | None:
        """Request a connection, and return how the attempt failed, or None when Connected is received.

        Unmet if neither happens `within` seconds of the request.
        """
        return await self._attempt(target, (Connected, ConnectionFailed), within)

    async def _attempt(
        self, target: Party, ends: tuple[type[Connected] | type[ConnectionFailed], ...], within: float
    ) -> Failure | None:
        since = self.mark()
        began = asyncio.get_running_loop().time()
        names = " or ".join(kind.__name__ for kind in ends)

        def ended() -> ReceivedEvent | None:
            session = session_of(target)
            for received in self.received[since:]:
                event = received.event
                is_failure = isinstance(event, ConnectionFailed) and self._names_nobody(event)
                if isinstance(event, ends) and (event.peer_session_id == session or is_failure):
                    return received
            return None

        async def ends_in_time() -> ReceivedEvent:
            limit = within
            while True:
                try:
                    return await self._await(ended, f"{names} naming {name_of(target)}", limit, since)
                except Unmet as unmet:
                    limit = self._time_left(began, within)
                    if limit <= 0:
                        expected = f"{self.name} to receive {names} naming {name_of(target)}"
                        raise Absent(f"{expected} within {within:.3g} s", unmet.seen) from None

        call = asyncio.create_task(self.connect_to_peer(target, within=within + LONGEST_ATTEMPT))
        waiting = asyncio.create_task(ends_in_time())
        try:
            await asyncio.wait({call, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if call.done() and not waiting.done():
                await call
            received = await waiting
            # An implementation whose call waits for the outcome returns now.
            await asyncio.wait({call}, timeout=self._patience.call)
        except Refused as refusal:
            return Failure(began, asyncio.get_running_loop().time(), str(refusal), by_call=True)
        finally:
            call.cancel()
            waiting.cancel()
            await asyncio.gather(call, waiting, return_exceptions=True)
        if isinstance(received.event, ConnectionFailed):
            failed = received.event
            return Failure(began, received.at, failed.reason, by_call=False, peer=failed.peer_session_id)
        return None

    def _time_left(self, began: float, within: float) -> float:
        """Return the seconds that an attempt requested at `began` still has to end `within` seconds.

        Its timer may start when the first signal leaves: an implementation may need long to gather.
        """
        now = asyncio.get_running_loop().time()
        may_start = self.leg.is_connected and now < began + DEFAULT_TIMEOUT
        started = next((at for at in self.published_at if at >= began), now if may_start else began)
        return started + within - now

    async def _call_in_time(self, text: str, call: Awaitable[T], within: float | None) -> T:
        """Return the result of a call that may wait for the network; unmet if it does not return in time."""
        limit = self.timeout + LONGEST_ATTEMPT if within is None else within
        deadline = asyncio.timeout(limit)
        try:
            async with deadline:
                return await self._call(text, call, None)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise Absent(f"{text} to return within {limit:.3g} s", "it has not returned") from None

    async def _quick_call(self, text: str, call: Awaitable[T]) -> T:
        """Return the result of a call that does not wait for the network."""
        return await self._call(text, call, self._patience.call)

    async def _call(self, text: str, call: Awaitable[T], limit: float | None) -> T:
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
