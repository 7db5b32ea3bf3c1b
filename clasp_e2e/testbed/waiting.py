"""The time limits for waiting on events, and how long was waited."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """The harness's own limits: times in seconds, and an amount.

    `scale` multiplies them for a slow machine. It does not change times that the specification defines.
    """

    scale: float = 1.0
    idle: float = 400.0
    """The time for which an idle session is watched. A public router removes one after 300 to 375 s."""
    many: int = 5_100
    """Not a time: how many messages a session exchanges in an extended run."""

    @property
    def event(self) -> float:
        """Limit for an event that follows without delay: a message in transit, an event to be received."""
        return 5.0 * self.scale

    def attempt(self, timeout: float) -> float:
        """Return the limit for an attempt with the time-out `timeout`, all of which it may take.

        With a scale below 1, for implementations that are known to be fast, it may not.
        """
        return timeout + 3.0 * self.scale if self.scale >= 1 else 10.0 * self.scale

    @property
    def call(self) -> float:
        """Limit for a call that does not wait for the network (driver protocol: 5 s)."""
        return 5.0 * self.scale

    @property
    def open(self) -> float:
        """Limit for a client to attach to the router (driver protocol: 15 s)."""
        return 15.0 * self.scale

    @property
    def retransmission(self) -> float:
        """Limit for a reliable message that was lost: SCTP waits 1, 2, 4, 8 s (RFC 9260 section 6.3)."""
        return 20.0 * self.scale

    @property
    def consent(self) -> float:
        """Limit for detecting a vanished peer: consent expires after 30 s (RFC 7675), plus one check."""
        return 36.0 + 5.0 * self.scale

    @property
    def scenario(self) -> float:
        """Overall limit of a scenario: the longest one connects, and waits for retransmission and consent."""
        return 100.0 + 30.0 * self.scale

    @property
    def cleanup(self) -> float:
        """Limit for tasks to end when they are closed or cancelled."""
        return 5.0 * self.scale


async def together(*calls: Awaitable[T]) -> list[T]:
    """Await all `calls` concurrently until each has ended; return the results, or raise the first error."""
    results: list[T] = []
    for result in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results


def covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Return the length of the union of `intervals`: waits at the same time count once."""
    total, latest = 0.0, float("-inf")
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, latest))
        latest = max(latest, end)
    return total
