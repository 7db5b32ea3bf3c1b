"""The two sides of a pair."""

from __future__ import annotations

from enum import IntEnum


class Side(IntEnum):
    """One of the two peers of a pair."""

    A = 0
    B = 1

    @property
    def other(self) -> Side:
        """The peer opposite."""
        return Side.A if self is Side.B else Side.B
