"""A watchdog that interrupts code that blocks the event loop, as an in-process implementation may."""

import asyncio
import signal
from types import FrameType

BLOCKED_S = 60.0
"""Seconds for which code may block the event loop before it is interrupted."""


class LoopBlocked(Exception):
    """Raised in the code that blocks the event loop, and with it all other cases."""


class LoopWatchdog:
    """A timer that raises `LoopBlocked` in code that blocks the running event loop for `limit_s` seconds.

    The timers of a blocked loop do not run, so it uses SIGALRM, which needs the main thread. It reinstalls
    the signal handler regularly, because pytest-timeout replaces it for tests that are not scenarios.
    """

    def __init__(self, limit_s: float = BLOCKED_S) -> None:
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._before = signal.getsignal(signal.SIGALRM)
        self._restart()

    def close(self) -> None:
        """Stop watching."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        self._timer.cancel()

    def _restart(self) -> None:
        signal.signal(signal.SIGALRM, self._interrupt)
        # Periodic, because an exception in a callback of the garbage collector is lost.
        signal.setitimer(signal.ITIMER_REAL, self._limit_s, self._limit_s)
        self._timer = self._loop.call_later(self._limit_s / 4, self._restart)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        raise LoopBlocked(f"it blocked the event loop, and with it all other cases, for {self._limit_s:g} s")
