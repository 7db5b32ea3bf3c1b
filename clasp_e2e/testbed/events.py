"""The events that an application receives, and waiting for them."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from clasp_e2e.drivers.interface import DriverFault
from clasp_e2e.notifier import Notifier
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected, P2PEvent, PeerAnnounced
from clasp_e2e.results.timeline import EntryKind, Timeline
from clasp_e2e.testbed.expectations import Absent, Undelivered, Unmet, current_judgment, show
from clasp_e2e.testbed.trace import describe, note_event
from clasp_e2e.testbed.waiting import Patience

SMALLEST_CHANGE = 128
"""Bytes that an alteration may add to or remove from the smallest payload."""

MOST_PAUSES = 4
"""Times that the arrival of many payloads may take the time limit of one."""

ALTERED_AFTER = 0.5
"""Seconds to wait for a payload when something that nobody sent has arrived."""

T = TypeVar("T")
E = TypeVar("E", Connected, Data, Disconnected, ConnectionFailed, PeerAnnounced)


class Attached(Protocol):
    """An object with a name and a session id."""

    name: str

    @property
    def session_id(self) -> str:
        """The session id that the router assigned."""
        ...


Party: TypeAlias = Attached | str
"""The peer that a call or an event is about: a client, or a session id."""


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event, and the time when the harness received it (seconds of the event loop's clock)."""

    at: float
    event: P2PEvent


class Inbox:
    """The events of one application. `received` holds them in the order of arrival."""

    def __init__(self, name: str, timeline: Timeline, patience: Patience) -> None:
        self.name = name
        self.received: list[ReceivedEvent] = []
        self._all_data: list[Data] = []
        self.waits: list[tuple[float, float]] = []
        """Begin and end of each wait for an event (seconds of the event loop's clock)."""
        self._timeline = timeline
        self._patience = patience
        self._changes = Notifier()
        self._taken_for_others: set[int] = set()
        """The indexes in `received` of altered payloads that `receives` has returned."""
        self._fault: DriverFault | None = None

    def sink(self, event: P2PEvent) -> None:
        """Record an event with the current time."""
        self.received.append(ReceivedEvent(asyncio.get_running_loop().time(), event))
        if isinstance(event, Data):
            self._all_data.append(event)
        note_event(self._timeline, self.name, event)
        self._changes.notify()

    def _faulted(self, fault: DriverFault) -> None:
        """Make all waits raise `fault`: a broken adapter sends no more events."""
        self._fault = fault
        self._changes.notify()

    def events(self, kind: type[E], of: Party | None = None, since: int = 0) -> list[ReceivedEvent]:
        """Return the events of `kind` about `of` that were received after the mark `since`."""
        session = None if of is None else session_of(of)
        return [
            received
            for received in self.received[since:]
            if isinstance(received.event, kind)
            and (session is None or received.event.peer_session_id == session)
        ]

    def events_with(self, data: bytes) -> list[Data]:
        """Return the Data events with exactly `data`."""
        return [event for event in self._all_data if event.data == data]

    def data(self) -> list[Data]:
        """Return all Data events in the order of arrival."""
        return self._all_data.copy()

    def mark(self) -> int:
        """Return the index in `received` of the next event."""
        return len(self.received)

    async def wait_for(
        self,
        kind: type[E],
        of: Party | None = None,
        *,
        within: float | None = None,
        since: int = 0,
        unless: type[ConnectionFailed] | None = None,
    ) -> E:
        """Return the first event of `kind` about `of` since the mark; unmet after the time limit.

        Unmet at once if the event `unless` is received instead. A ConnectionFailed that names no session of
        this scenario counts for any: its name is judged where its name is the question (EVT-5).
        """

        def found() -> E | None:
            matching = self.events(kind, of, since)
            if not matching and kind is ConnectionFailed:
                matching = [each for each in self.events(kind, since=since) if self._names_nobody(each.event)]
            if not matching and unless is not None and (instead := self.events(unless, of, since)):
                raise Absent(f"{self.name} to receive {kind.__name__}", describe(instead[0].event))
            return matching[0].event if matching else None  # pyright: ignore[reportReturnType]

        about = "" if of is None else f" naming {name_of(of)}"
        return await self._await(found, f"{kind.__name__}{about}", within, since)

    async def first_of(
        self, kinds: tuple[type[P2PEvent], ...], of: Party, *, within: float, since: int
    ) -> P2PEvent | None:
        """Return the first event of `kinds` about `of` since the mark, or None after the time limit."""
        session = session_of(of)

        def found() -> P2PEvent | None:
            if self._fault is not None:
                raise self._fault
            for received in self.received[since:]:
                if isinstance(received.event, kinds) and received.event.peer_session_id == session:
                    return received.event
            return None

        try:
            return await self._changes.wait_until(found, within)
        except TimeoutError:
            return None

    def _names_nobody(self, event: P2PEvent) -> bool:
        """Return whether `event` names this client itself, or no session of this scenario."""
        return self._timeline.sessions.get(event.peer_session_id or "", self.name) == self.name

    async def receives(self, data: bytes, *, within: float | None = None, since: int = 0) -> Data:
        """Return the Data event with `data`, or with what `data` was altered to; unmet after the time limit.

        Only SND-1 judges the content; elsewhere an altered payload has arrived.
        """

        def unchanged() -> Data | None:
            return next((event for event in self._data(since) if event.data == data), None)

        def altered() -> int | None:
            return next(
                (
                    index
                    for index, received in enumerate(self.received[since:], since)
                    if index not in self._taken_for_others and _is_altered(received.event, data)
                ),
                None,
            )

        def found() -> Data | bool | None:
            return unchanged() or altered() is not None or None

        try:
            first = await self._await(found, f"Data with {show(data)}", within, since)
        except Unmet as unmet:
            raise Undelivered(unmet.expected, unmet.seen) from None
        if isinstance(first, Data):
            return first
        # It may be a message of the implementation's own, such as a keep-alive one.
        with suppress(TimeoutError):
            return await self._changes.wait_until(unchanged, ALTERED_AFTER)
        index = altered()
        assert index is not None
        self._taken_for_others.add(index)
        event = self.received[index].event
        assert isinstance(event, Data)
        return event

    def _data(self, since: int) -> Iterator[Data]:
        return (each.event for each in self.received[since:] if isinstance(each.event, Data))

    async def receives_all(self, payloads: Collection[bytes], *, within: float) -> bool:
        """Return whether all of `payloads` arrive, each at most `within` seconds after another Data event.

        Nothing is judged. A slow router delivers for as long as it needs, up to `MOST_PAUSES` times `within`.
        """
        wanted = set(payloads)
        loop = asyncio.get_running_loop()
        began = loop.time()

        def all_are_there() -> bool:
            return len(self._all_data) >= len(wanted) and wanted <= {event.data for event in self._all_data}

        def time_left() -> float:
            times = (each.at for each in reversed(self.received) if isinstance(each.event, Data))
            until = max(began, next(times, began)) + within
            return min(until, began + MOST_PAUSES * within) - loop.time()

        while (limit := time_left()) > 0:
            with suppress(TimeoutError):
                return await self._wait_until(lambda: all_are_there() or None, limit)
        self._note_missed("the sent data", within)
        return False

    async def receives_any(self, payloads: Collection[bytes], *, within: float) -> bool:
        """Return whether any of `payloads` arrives in time; nothing is judged."""
        return await self._arrives(lambda: any(event.data in payloads for event in self._all_data), within)

    async def receives_count(self, count: int, *, within: float | None = None) -> bool:
        """Return whether at least `count` Data events arrive in time; nothing is judged."""
        limit = self._patience.event if within is None else within
        return await self._arrives(lambda: len(self._all_data) >= count, limit)

    async def _arrives(self, is_there: Callable[[], bool], within: float) -> bool:
        try:
            await self._await(lambda: is_there() or None, "the sent data", within, 0)
        except Unmet:
            return False
        return True

    async def _await(self, found: Callable[[], T | None], what: str, within: float | None, since: int) -> T:
        limit = self._patience.event if within is None else within
        try:
            return await self._wait_until(found, limit)
        except TimeoutError:
            events = [received.event for received in self.received[since:]]
            # Every new client at the router is announced: that is unrelated to the missing event.
            relevant = [describe(event) for event in events if not isinstance(event, PeerAnnounced)]
            nothing = "nothing but announcements" if events else "nothing"
            self._note_missed(what, limit)
            raise Absent(
                f"{self.name} to receive {what} within {limit:.3g} s",
                f"{self.name} received " + (", ".join(relevant[-6:]) or nothing),
            ) from None

    async def _wait_until(self, found: Callable[[], T | None], limit: float) -> T:
        """Return what `found` returns as soon as that is not None. Raises `TimeoutError`."""
        began = asyncio.get_running_loop().time()

        def found_unless_broken() -> T | None:
            if (result := found()) is None and self._fault is not None:
                raise self._fault
            return result

        try:
            return await self._changes.wait_until(found_unless_broken, limit)
        finally:
            self.waits.append((began, asyncio.get_running_loop().time()))

    def _note_missed(self, what: str, limit: float) -> None:
        text = f"timed out after {limit:.3g} s waiting for {what}"
        self._timeline.note(self.name, text, EntryKind.MISSED)


def _is_altered(event: P2PEvent, data: bytes) -> bool:
    """Return whether `event` holds a payload that nobody sent, of about the size of `data`."""
    if not isinstance(event, Data) or event.data in current_judgment().sent:
        return False
    return 2 * abs(len(event.data) - len(data)) <= len(data) + SMALLEST_CHANGE


def session_of(target: Party) -> str:
    """Return the session id of `target`."""
    return target if isinstance(target, str) else target.session_id


def name_of(target: Party) -> str:
    """Return the name of `target` for a report."""
    return target if isinstance(target, str) else target.name
