"""The timeline of a scenario: who did what, and when."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import msgspec

Clock = Callable[[], float]
"""Seconds that only rise."""

_LONGEST_TEXT = 4000
_LONGEST_FRAME = 2048
"""Bytes of a frame that are kept: more says nothing more, and floods are long."""


class EntryKind(StrEnum):
    """What sort of thing happened."""

    NOTE = "note"
    """The harness did or saw something."""
    FRAME = "frame"
    """A frame crossed a signaling leg."""
    CALL = "call"
    """The harness called the implementation, or the call came back."""
    EVENT = "event"
    """The implementation told its application something."""
    NETWORK = "network"
    """Something happened on the link between the peers."""
    CONDITION = "condition"
    """The harness changed what the network does: cut, healed, lost, delayed."""
    MISSED = "missed"
    """Something was awaited and did not come."""
    GAP = "gap"
    """Entries are left out here."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, `at` seconds after the timeline began.

    `to` is whom it went to, where it went to somebody. `frame` and `decoded` are what crossed a leg:
    its bytes, and the message that they hold. What is `minor` happens in every case and tells nothing of
    this one: a trace that has to be small goes without it.
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
        """Who did it, and to whom: `alice → router`."""
        return f"{self.who} → {self.to}" if self.to else self.who

    def render(self, width: int = 0) -> str:
        """Return one line: `   +0.034 s  alice → router  PUBLISH ...`; `width` is the party's column."""
        return f"{self.at:+9.3f} s  {self.party:<{width}}  {_one_line(self.what)}"

    def for_evidence(self) -> EvidenceEntry:
        """Return the entry as the evidence holds it, `at` rounded to the microsecond."""
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
    """An entry of a timeline as the evidence holds it; what has its default value is not written."""

    at: float
    """Seconds since the case began."""
    kind: EntryKind
    who: str
    to: str = ""
    what: str
    minor: bool = False
    frame: str | None = None
    """The bytes as hexadecimal digits; of many, the first, and how many there were."""
    decoded: Any = None
    """The message that the frame holds."""


class Timeline:
    """What happened in one scenario, in the order in which the harness learned of it."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self.entries: list[Entry] = []
        self.sessions: dict[str, str] = {}
        """Whose each session id is, as far as the router has told."""
        self.of_strangers = 0
        """What the sessions of other scenarios announced over the same router: counted, and not noted."""

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
        """Add what `who` did now."""
        entry = Entry(self._clock() - self._start, who, what, kind, to, frame, decoded, minor)
        self.entries.append(entry)
        return entry

    def note_past(self, at: float, who: str, what: str, kind: EntryKind) -> None:
        """Add what happened at the moment `at` of the clock and is learned only now, in its place."""
        entry = Entry(at - self._start, who, what, kind)
        place = next((n for n, each in enumerate(self.entries) if each.at > entry.at), len(self.entries))
        self.entries.insert(place, entry)

    def tail(self, n: int) -> list[Entry]:
        """Return the last `n` entries, the oldest first."""
        return self.entries[-n:] if n > 0 else []

    def render(self, n: int | None = None) -> str:
        """Return the last `n` entries, or all, as aligned lines; what is left out is counted."""
        shown = self.entries if n is None else self.tail(n)
        width = max((len(entry.party) for entry in shown), default=0)
        lines = [entry.render(width) for entry in shown]
        if left_out := len(self.entries) - len(shown):
            lines.insert(0, f"  ... {left_out} earlier {'entry' if left_out == 1 else 'entries'}")
        return "\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _hex(data: bytes) -> str:
    """Return bytes as hexadecimal digits; of many, the first, and how many there were."""
    if len(data) <= _LONGEST_FRAME:
        return data.hex()
    return f"{data[:_LONGEST_FRAME].hex()}... ({len(data)} bytes)"


def _plain(value: object) -> Any:
    """Return a message as JSON can hold it, what is long cut short; what it has no form for goes as text."""
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
