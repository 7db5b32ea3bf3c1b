"""The timeline of a scenario: events with their parties and times."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, cast

import msgspec

Clock = Callable[[], float]
"""A monotonic clock, in seconds."""

_LONGEST_TEXT = 4000
_SHORTEST_SESSION = 8
"""Minimum length of a session id that is replaced by its owner's name everywhere in a text."""
_LONGEST_FRAME = 2048
"""Maximum number of bytes of a frame that are kept."""
_CONTENT = re.compile(r" \([0-9a-f]+…\)")
"""The first bytes of a payload."""
_TELLING = 3
"""In a shortened timeline, one of this many lines may show what precedes the last entries."""


class EntryKind(StrEnum):
    """The kind of a timeline entry."""

    NOTE = "note"
    """The harness did or observed something."""
    FRAME = "frame"
    """A frame crossed a signaling leg."""
    CALL = "call"
    """The harness called the implementation, or the call returned."""
    EVENT = "event"
    """The implementation delivered an event to its application."""
    NETWORK = "network"
    """Something happened on the link between the peers."""
    CONDITION = "condition"
    """The harness changed the network conditions: cut, restored, lost, delayed."""
    MISSED = "missed"
    """An expected event did not occur."""
    GAP = "gap"
    """Entries are left out here."""


_TELLS = frozenset({EntryKind.CALL, EntryKind.EVENT, EntryKind.CONDITION, EntryKind.MISSED})


@dataclass(frozen=True, slots=True)
class Entry:
    """An occurrence, `at` seconds after the timeline began.

    `to` is the recipient, if there is one. `frame` and `decoded` are the bytes that crossed a leg, and the
    message that they contain. `minor` entries occur in every case; a compact trace omits them.
    """

    at: float
    who: str
    what: str
    kind: EntryKind = EntryKind.NOTE
    to: str = ""
    frame: bytes | None = None
    decoded: object = None
    minor: bool = False

    @property
    def party(self) -> str:
        """The actor and the recipient: `alice → router`."""
        return f"{self.who} → {self.to}" if self.to else self.who

    def render(self, width: int = 0) -> str:
        """Return one line: `   +0.034 s  alice → router  PUBLISH ...`; `width` is the party's column."""
        return f"{self.at:+9.3f} s  {self.party:<{width}}  {_one_line(self.what)}"

    def for_evidence(self) -> EvidenceEntry:
        """Return the entry in the form of the evidence, with `at` rounded to microseconds."""
        return EvidenceEntry(
            at=round(self.at, 6),
            kind=self.kind,
            who=self.who,
            to=self.to,
            what=self.what,
            minor=self.minor,
            frame=None if self.frame is None else _hex(self.frame),
            decoded=None if self.decoded is None else _plain(self.decoded),
        )


class EvidenceEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry of a timeline in the form of the evidence; default values are not written."""

    at: float
    """Seconds since the case began."""
    kind: EntryKind
    who: str
    to: str = ""
    what: str
    minor: bool = False
    frame: str | None = None
    """The bytes as hexadecimal digits; a long frame is cut and its length added."""
    decoded: Any = None
    """The message that the frame contains."""


class Timeline:
    """The entries of one scenario, in the order in which the harness observed them."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self.entries: list[Entry] = []
        self.sessions: dict[str, str] = {}
        """The owner of each session id that the router has assigned so far."""
        self.foreign_entries = 0
        """The number of announcements by sessions of other scenarios, which get no entries."""

    def since_start(self, at: float | None = None) -> float:
        """Return the seconds from the beginning until `at` of the clock, by default until now."""
        return (self._clock() if at is None else at) - self._start

    def note(
        self,
        who: str,
        what: str,
        kind: EntryKind = EntryKind.NOTE,
        *,
        to: str = "",
        frame: bytes | None = None,
        decoded: object = None,
        minor: bool = False,
    ) -> Entry:
        """Add an entry for an action of `who` at the current time."""
        entry = Entry(self.since_start(), who, what, kind, to, frame, decoded, minor)
        self.entries.append(entry)
        return entry

    def change_frame(self, to: str, frame: bytes, /, **changes: Any) -> None:
        """Change the newest entry for `frame` on its way to `to`, for example to what arrived there."""
        for place in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[place]
            if entry.kind is EntryKind.FRAME and (entry.to, entry.frame) == (to, frame):
                self.entries[place] = dataclasses.replace(entry, **changes)
                return

    def with_names(self, text: str) -> str:
        """Return `text` with the owner's name in place of each session id, quoted or not.

        A short id could be part of a word, therefore it is only replaced in quotes.
        """
        for session, name in self.sessions.items():
            text = text.replace(repr(session), name)
            if len(session) >= _SHORTEST_SESSION:
                text = text.replace(session, name)
        return text

    def note_past(self, at: float, who: str, what: str, kind: EntryKind) -> None:
        """Insert an entry for the earlier time `at` of the clock at its position."""
        entry = Entry(self.since_start(at), who, what, kind)
        place = next((n for n, each in enumerate(self.entries) if each.at > entry.at), len(self.entries))
        self.entries.insert(place, entry)

    def render(self, n: int | None = None) -> str:
        """Return about `n` entries, or all, as aligned lines with names for session ids, and the gaps.

        These are the last entries, and the last calls, events and conditions before them. Successive entries
        that differ in the content of a payload only count as one.
        """
        runs = [list(run) for _, run in groupby(self.entries, _without_content)]
        places = range(len(runs)) if n is None else _main_places(runs, n)
        width = max((len(runs[place][0].party) for place in places), default=0)
        lines: list[str] = []
        following = 0
        for place in places:
            if left_out := sum(map(len, runs[following:place])):
                lines.append(f"  ... {left_out} {'entry' if left_out == 1 else 'entries'} left out")
            entry, *others = runs[place]
            are_equal = all(each.what == entry.what for each in others)
            times = (
                f" ({len(others) + 1} {'times' if are_equal else 'of different content'})" if others else ""
            )
            line = entry.render(width)
            lines.append((line if entry.kind is EntryKind.NOTE else self.with_names(line)) + times)
            following = place + 1
        return "\n".join(lines)


def _main_places(runs: list[list[Entry]], n: int) -> list[int]:
    """Return the indexes of the last runs of entries, and of the last telling ones before; `n` in all."""
    most = n // _TELLING
    last = max(len(runs) - n + most, 0)
    telling = [
        place for place, (entry, *_) in enumerate(runs[:last]) if entry.kind in _TELLS and not entry.minor
    ]
    telling = telling[max(len(telling) - most, 0) :]
    last = max(last - most + len(telling), 0)
    chosen = {*telling, *range(last, len(runs))}
    single = {place for place in range(1, len(runs)) if {place - 1, place + 1} <= chosen}
    return sorted(chosen | single)  # A line that says "1 entry left out" would be no shorter.


def _without_content(entry: Entry) -> tuple[str, str]:
    return entry.party, _CONTENT.sub("", entry.what)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _hex(data: bytes) -> str:
    """Return bytes as hexadecimal digits; cut a long value and add its length."""
    if len(data) <= _LONGEST_FRAME:
        return data.hex()
    return f"{data[:_LONGEST_FRAME].hex()}... ({len(data)} bytes)"


def _plain(value: object) -> Any:
    """Return a message in a form that JSON can represent; cut long values, and convert others to text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"message": type(value).__name__.upper()} | {key: _plain(each) for key, each in named.items()}
    match value:
        case None | bool() | int() | float():
            return value
        case bytes():
            return _hex(value[:64]) + (f"... ({len(value)} bytes)" if len(value) > 64 else "")
        case str():
            cut = len(value) - _LONGEST_TEXT
            return value if cut <= 0 else f"{value[:_LONGEST_TEXT]}... ({cut} more characters)"
        case list() | tuple():
            return [_plain(item) for item in cast("list[object]", value)]
        case set() | frozenset():
            return sorted((_plain(item) for item in cast("set[object]", value)), key=str)
        case Mapping():
            return {str(key): _plain(item) for key, item in cast("Mapping[object, object]", value).items()}
        case _:
            return str(value)
