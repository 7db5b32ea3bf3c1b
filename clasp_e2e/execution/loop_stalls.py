"""Detection of stalls of the harness's event loop, after which a time-out proves nothing."""

import asyncio

from clasp_e2e.testbed.waiting import Patience

_BEAT_S = 0.1
_SHORTEST_S = 0.5
"""Minimum length in seconds of a stall that counts: no time limit is as short."""
_SHARE = 0.4
"""Share of the shortest time limit (`Patience.event`) that, if lost just before a time-out, discredits it."""


class LoopStallMonitor:
    """A monitor that records the stalls of the event loop from its creation until `end`."""

    def __init__(self, patience: Patience) -> None:
        self._stalls: list[tuple[float, float]] = []
        event_s = Patience(max(1.0, patience.scale)).event
        self._limit_s, self._window_s = _SHARE * event_s, 2 * event_s
        self._loop = asyncio.get_running_loop()
        self._schedule()

    def end(self) -> None:
        """Stop monitoring."""
        self._timer.cancel()

    def excuse(self, error: BaseException) -> str | None:
        """Return a message if a time-out during a stall caused `error`, otherwise None."""
        since = self._loop.time() - self._window_s  # The loop has caught up with earlier stalls.
        lost_s = sum(late_s for at, late_s in self._stalls if at >= since)
        if lost_s < self._limit_s or not _is_caused_by_timeout(error):
            return None
        return (
            f"the event loop of the harness stalled for {lost_s:.1f} s, so the time-out may be wrong: the"
            " machine is overloaded, or code in the harness's process blocks the event loop. Reduce the load,"
            " use fewer --jobs, or increase --deadline-scale"
        )

    def _schedule(self) -> None:
        self._due = self._loop.time() + _BEAT_S
        self._timer = self._loop.call_at(self._due, self._measure)

    def _measure(self) -> None:
        late_s = self._loop.time() - self._due
        if late_s >= _SHORTEST_S:
            self._stalls.append((self._loop.time(), late_s))
        self._schedule()


def _is_caused_by_timeout(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, TimeoutError):
            return True
        error = error.__cause__ or error.__context__
    return False
