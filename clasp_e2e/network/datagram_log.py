"""What crossed a link, datagram by datagram: the first and the last of many."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from clasp_e2e.network import datagrams
from clasp_e2e.network.impairments import Impairment, black, in_words
from clasp_e2e.network.side import Side

FIRST, LAST = 80, 160
"""Number of datagrams that are kept from the beginning and from the end."""


@dataclass(frozen=True, slots=True)
class LoggedDatagram:
    """A datagram as the link read it."""

    at: float
    """The time, in seconds of the loop's clock."""
    sender: Side
    data: bytes
    fate: str
    """What the link did to it; empty if it was forwarded at once."""

    @property
    def kind(self) -> str:
        """What its first bytes reveal, such as `STUN request`."""
        return datagrams.kind(self.data)


class DatagramLog:
    """The first and the last datagrams of a link."""

    def __init__(self) -> None:
        self._first: list[LoggedDatagram] = []
        self._last: deque[LoggedDatagram] = deque(maxlen=LAST)
        self.count = 0
        """The number of datagrams, kept or not."""

    @property
    def kept(self) -> list[LoggedDatagram]:
        """The datagrams that are kept, in order."""
        return [*self._first, *self._last]

    def note(self, at: float, sender: Side, data: bytes, fate: str) -> None:
        """Add a datagram."""
        self.count += 1
        kept = self._first if len(self._first) < FIRST else self._last
        kept.append(LoggedDatagram(at, sender, data, fate))


def fate_in_words(delays: Sequence[float], impairment: Impairment | None) -> str:
    """Return what an impairment did to a datagram: `lost (10 % lost)`, `delayed by 0.2 s`, or nothing."""
    if not delays:
        if impairment is None:
            return "lost"
        return f"lost ({'the harness has cut this way' if impairment is black else in_words(impairment)})"
    words = [f"delayed by {min(delays):.3g} s"] if min(delays) > 0 else []
    copies = {1: (), 2: ("doubled",)}.get(len(delays), (f"sent {len(delays)} times",))
    return ", ".join([*words, *copies])
