"""Detection of a harness that stood still: what then came too late says nothing of who was judged."""

import asyncio

from clasp_e2e.testbed.waiting import Patience

_BEAT_S = 0.1
_SHORTEST_S = 0.5
"""Seconds that the event loop has to stand still for it to count: no wait is as short as that."""
_SHARE = 0.4
"""Share of the shortest wait (`Patience.event`) that, lost just before a time-out, makes it doubtful."""


class LoopStallMonitor:
    """The times at which the event loop has stood still since this was made; `end` stops the monitor."""

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
        """Return what to say if `error` is caused by a time-out while the harness stood still."""
        since = self._loop.time() - self._window_s  # What it missed earlier it has caught up with.
        lost_s = sum(late_s for at, late_s in self._stalls if at >= since)
        if lost_s < self._limit_s or not _is_caused_by_timeout(error):
            return None
        return (
            f"the harness itself stood still for {lost_s:.1f} s, and may have missed what it waited for:"
            " this machine is overloaded, or something in the harness's process blocks its event loop. Run it"
            " with less load, with fewer --jobs, or with more patience (--deadline-scale)"
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
