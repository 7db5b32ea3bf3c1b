"""Interruption of code that blocks the event loop: an implementation in this process that never returns."""

import asyncio
import signal
from types import FrameType

BLOCKED_S = 60.0
"""Seconds in which nothing else runs, until whatever runs is interrupted."""


class LoopBlocked(Exception):
    """Raised in the code that blocked the event loop, and with it all other cases."""


class LoopWatchdog:
    """Raises `LoopBlocked` in the code that keeps the running event loop from turning for `limit_s` seconds.

    No deadline of the loop's own can: the loop keeps them. Needs the main thread, and SIGALRM. The signal's
    handler is set again with each beat, since pytest-timeout takes the signal for tests that are not ours.
    """

    def __init__(self, limit_s: float = BLOCKED_S) -> None:
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._before = signal.getsignal(signal.SIGALRM)
        self._put_off()

    def close(self) -> None:
        """Stop watching."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        self._timer.cancel()

    def _put_off(self) -> None:
        signal.signal(signal.SIGALRM, self._interrupt)
        # Again and again: an exception in a callback of the garbage collector is lost.
        signal.setitimer(signal.ITIMER_REAL, self._limit_s, self._limit_s)
        self._timer = self._loop.call_later(self._limit_s / 4, self._put_off)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        raise LoopBlocked(f"it blocked the event loop, and with it all other cases, for {self._limit_s:g} s")
