"""The end of what blocks the event loop: an implementation in this process that never returns."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

BLOCKED = 60.0
"""Seconds in which nothing else runs, until whatever runs is interrupted."""


class LoopBlocked(Exception):
    """Whatever this is raised in kept the event loop from all else."""


@contextmanager
def last_resort(limit: float = BLOCKED) -> Generator[None]:
    """Raise `LoopBlocked` in what keeps the running event loop from turning for `limit` seconds.

    No deadline of the loop's own can: they are kept by the loop. Needs the main thread, and SIGALRM.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def put_off() -> None:
        nonlocal timer
        signal.setitimer(signal.ITIMER_REAL, limit)
        timer = loop.call_later(limit / 4, put_off)

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise LoopBlocked(f"it held up the event loop, and with it everybody, for {limit:g} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    put_off()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if timer is not None:
            timer.cancel()
