"""The timeline of a scenario: who did what, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Clock = Callable[[], float]
"""Seconds that only rise."""

_NO_DETAIL: Mapping[str, object] = MappingProxyType({})
_LONGEST_DETAIL = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, `at` seconds after the timeline began."""

    at: float
    who: str
    what: str
    detail: Mapping[str, object] = field(default_factory=lambda: _NO_DETAIL)

    def render(self, who_width: int = 0) -> str:
        """Return one line: `+0.034 s  alice → router  offer to bob (sdp 812 bytes)`."""
        detail = ", ".join(f"{key} {_short(value)}" for key, value in self.detail.items())
        line = f"{self.at:+9.3f} s  {self.who:<{who_width}}  {_one_line(self.what)}"
        return f"{line} ({detail})" if detail else line

    def to_json(self) -> dict[str, Any]:
        """Return the form that lies with the evidence; `at` to the microsecond."""
        entry: dict[str, Any] = {"at": round(self.at, 6), "who": self.who, "what": self.what}
        if self.detail:
            entry["detail"] = {key: _json(value) for key, value in self.detail.items()}
        return entry


class Timeline:
    """What happened in one scenario, in the order in which the harness learned of it."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self.entries: list[Entry] = []
        self.longest_wait: tuple[float, str] = (0.0, "")
        """Seconds, and what was awaited."""

    def note(self, who: str, what: str, **detail: object) -> Entry:
        """Add what `who` did now."""
        entry = Entry(self._clock() - self._start, who, what, detail)
        self.entries.append(entry)
        return entry

    def waited(self, what: str, seconds: float) -> None:
        """Take note of a wait for `what` that has ended; only the longest is kept."""
        self.longest_wait = max(self.longest_wait, (seconds, what))

    def tail(self, n: int) -> list[Entry]:
        """Return the last `n` entries, the oldest first."""
        return self.entries[-n:] if n > 0 else []

    def render(self, n: int | None = None) -> str:
        """Return the last `n` entries, or all, as aligned lines; what is left out is counted."""
        shown = self.entries if n is None else self.tail(n)
        width = max((len(entry.who) for entry in shown), default=0)
        lines = [entry.render(width) for entry in shown]
        if left_out := len(self.entries) - len(shown):
            lines.insert(0, f"  ... {left_out} earlier {'entry' if left_out == 1 else 'entries'}")
        return "\n".join(lines)

    def to_json(self) -> list[dict[str, Any]]:
        """Return all entries in the form that lies with the evidence."""
        return [entry.to_json() for entry in self.entries]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _short(value: object) -> str:
    """Return a value in the few words that a line has room for."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = _one_line(str(value))
    return text if len(text) <= _LONGEST_DETAIL else f"{text[: _LONGEST_DETAIL - 3]}..."


def _json(value: object) -> object:
    """Return a value as JSON can hold it; what it has no form for goes as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
