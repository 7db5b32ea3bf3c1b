"""The sides of a link."""

from __future__ import annotations

from enum import IntEnum


class Side(IntEnum):
    """One of the two peers of a link: A is the first leg, in either role. Its value indexes pairs."""

    A = 0
    B = 1

    @property
    def other(self) -> Side:
        """The other side."""
        return Side.A if self is Side.B else Side.B
