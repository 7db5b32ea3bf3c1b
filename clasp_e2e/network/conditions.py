"""The weather between two peers: what happens to the datagrams that one sends the other."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import IntEnum
from typing import TypeAlias

__all__ = ["Conditions", "Impairment", "Side", "black", "lossy"]


class Side(IntEnum):
    """One of the two peers of a pair."""

    A = 0
    B = 1

    @property
    def other(self) -> Side:
        """The peer opposite."""
        return Side.A if self is Side.B else Side.B


Impairment: TypeAlias = Callable[[], float | None]
"""The fate of the next datagram: `None` loses it, a number delays it by so many seconds."""


def black() -> None:
    """The impairment that lets nothing pass."""
    return


def lossy(loss: float = 0.0, *, reorder: float = 0.0, delay: float = 0.02, seed: int = 0) -> Impairment:
    """An impairment that loses the share `loss` (0 to 1) and holds the share `reorder` back by `delay`.

    `delay` is in seconds; what is held back is overtaken by what follows. The same `seed` gives the
    same sequence of fates.
    """
    dice = random.Random(seed)

    def fate() -> float | None:
        if dice.random() < loss:
            return None
        return delay if reorder and dice.random() < reorder else 0.0

    return fate


class Conditions:
    """What all links of a pair are subject to, now; each direction is named by the side that sends.

    Exists before the first link, so that a link can be black from the start. A change holds from the
    next datagram on that the link reads.
    """

    __slots__ = ("_impairments", "_late")

    def __init__(self) -> None:
        self._impairments: list[Impairment | None] = [None, None]
        self._late = [0.0, 0.0]

    def impair(self, impairment: Impairment | None, sender: Side | None = None) -> None:
        """Put what `sender` sends (`None`: both) under `impairment`, in the place of any before it."""
        for side in Side if sender is None else (sender,):
            self._impairments[side] = impairment

    def cut(self, sender: Side | None = None) -> None:
        """Let nothing pass that `sender` sends (`None`: both)."""
        self.impair(black, sender)

    def heal(self, sender: Side | None = None) -> None:
        """Let everything pass that `sender` sends (`None`: both); ends loss and delay too."""
        self.impair(None, sender)

    def delay_first(self, sender: Side, seconds: float) -> None:
        """Hold back the first DTLS application data of `sender` on each new link; the rest overtakes it.

        Of an SCTP association that is the INIT, or what answers one (RFC 8261 section 6.1).
        """
        self._late[sender] = seconds

    def delay_of_first(self, sender: Side) -> float:
        """How many seconds the first application data of `sender` is held back."""
        return self._late[sender]

    def impairment(self, sender: Side) -> Impairment | None:
        """What the datagrams of `sender` are under; `None` when everything passes."""
        return self._impairments[sender]

    @property
    def is_cut(self) -> bool:
        """True when nothing passes either way."""
        return all(impairment is black for impairment in self._impairments)
