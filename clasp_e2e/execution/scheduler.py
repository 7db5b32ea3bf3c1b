"""The scheduler: which cases run at the same time, and which one starts next.

Up to `jobs` cases run at once that do not wait; those that wait some seconds and those that wait 30 s
run in parallel with them, because waiting costs no processor time. A case that was expected to be quick
and waits (an implementation that fails, fails by time-outs) gives its place to the next one. When the
event loop runs late, the machine is busy: no further case starts until it has caught up, so that the
times that are judged stay fair.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import os
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from clasp_e2e.testbed.scenario import Scenario

_WAITING_PER_JOB = 8
_SLOW_PER_JOB = 16
_MEBIBYTES_PER_CASE = 200
"""Two adapter processes of an interpreted language."""
_FEWEST, _MOST = 2, 8
"""Bounds of the number of jobs that is chosen without `--jobs`."""
_QUICK_S = 2.0
"""Seconds after which a case that was expected to be quick counts as one that waits."""
_BEAT_S = 0.1
_LATE_S = 0.15
"""Seconds by which the event loop may be late before no further case starts."""

Priority = tuple[int, ...]
"""Lower starts first."""


class Kind(IntEnum):
    """How a case spends its time. The order is that in which kinds start when all have room."""

    SLOW = 0
    """It waits for a time that a specification names, some 30 s."""
    WAITING = 1
    """It waits some seconds."""
    QUICK = 2


def kind_of(scenario: Scenario) -> Kind:
    """Return how a case of `scenario` spends its time."""
    return Kind.SLOW if scenario.slow else Kind.WAITING if scenario.waits else Kind.QUICK


@dataclass(frozen=True, slots=True)
class Limits:
    """Maximum number of cases of each kind at the same time."""

    quick: int
    waiting: int
    slow: int

    def of(self, kind: Kind) -> int:
        """Return the maximum for one kind."""
        return {Kind.QUICK: self.quick, Kind.WAITING: self.waiting, Kind.SLOW: self.slow}[kind]

    @property
    def ending(self) -> int:
        """Maximum number of cases whose peers are being ended."""
        return 8 * self.quick

    @classmethod
    def for_machine(cls, jobs: int | None = None) -> Limits:
        """Return the limits for `jobs`, or without it for the processors and the memory there are."""
        cases = max(_FEWEST, _available_mebibytes() // _MEBIBYTES_PER_CASE)
        if jobs is None:
            jobs = min(_MOST, max(_FEWEST, 2 * len(os.sched_getaffinity(0))), cases)
        return cls(
            quick=jobs,
            waiting=max(1, min(_WAITING_PER_JOB * jobs, cases // 2)),
            slow=max(1, min(_SLOW_PER_JOB * jobs, cases // 2)),
        )


class Slot:
    """The place of one case among those that run."""

    def __init__(self, scheduler: Scheduler, kind: Kind) -> None:
        self._scheduler = scheduler
        self._kind: Kind | None = kind
        self._timer: asyncio.TimerHandle | None = None
        if kind is Kind.QUICK:
            self._timer = asyncio.get_running_loop().call_later(_QUICK_S, self._count_as_waiting)

    def release(self) -> None:
        """Give the place to the next case: what follows is the ending. The second call does nothing."""
        if self._timer is not None:
            self._timer.cancel()
        if self._kind is not None:
            kind, self._kind = self._kind, None
            self._scheduler.released(kind)

    def _count_as_waiting(self) -> None:
        if self._scheduler.moved(Kind.QUICK, Kind.WAITING):
            self._kind = Kind.WAITING
        else:
            self._timer = asyncio.get_running_loop().call_later(_QUICK_S, self._count_as_waiting)


class Scheduler:
    """Hands out places to cases, of one run or of many that share the machine."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._running: Counter[Kind] = Counter()
        self._ending = 0
        self._queues: dict[Kind, list[tuple[Priority, int, asyncio.Future[Slot]]]] = {
            kind: [] for kind in Kind
        }
        self._numbers = itertools.count()
        self._lateness = 0.0
        self._beat: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self, kind: Kind, priority: Priority = ()) -> AsyncGenerator[Slot]:
        """Wait for a place. The block is the case; `Slot.release` in it marks where its ending begins."""
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[Slot] = loop.create_future()
        heapq.heappush(self._queues[kind], (priority, next(self._numbers), granted))
        self._start()
        try:
            slot = await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._leave(granted.result())
            raise
        try:
            yield slot
        finally:
            self._leave(slot)

    def released(self, kind: Kind) -> None:
        """Note that a case of `kind` has come to its ending."""
        self._running[kind] -= 1
        self._start()

    def moved(self, kind: Kind, other: Kind) -> bool:
        """Count a running case of `kind` as one of `other`; return whether there is room for it there."""
        if self._running[other] >= self.limits.of(other):
            return False
        self._running[kind] -= 1
        self._running[other] += 1
        self._start()
        return True

    def _leave(self, slot: Slot) -> None:
        slot.release()
        self._ending -= 1
        self._start()

    def _start(self) -> None:
        """Start what there is room for, and look again later where the machine is too busy."""
        for kind in Kind:
            queue = self._queues[kind]
            while queue and self._has_room(kind):
                _, _, granted = heapq.heappop(queue)
                if granted.cancelled():
                    continue
                self._running[kind] += 1
                self._ending += 1  # Counted from the beginning to the end of the ending.
                granted.set_result(Slot(self, kind))
        if any(self._queues.values()):
            self._watch()
        elif self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def _has_room(self, kind: Kind) -> bool:
        running = sum(self._running.values())
        if running == 0:
            return True
        if self._running[kind] >= self.limits.of(kind) or self._lateness > _LATE_S:
            return False
        return self._ending - running < self.limits.ending

    def _watch(self) -> None:
        if self._beat is not None:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + _BEAT_S

        def beat() -> None:
            self._beat = None
            self._lateness = max(loop.time() - due, self._lateness / 2)
            self._start()

        self._beat = loop.call_at(due, beat)


def _available_mebibytes() -> int:
    """Return the memory that can be had without swapping; a generous guess where nobody tells."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 4096
    found = next((line for line in lines if line.startswith("MemAvailable:")), "MemAvailable: 4194304 kB")
    return int(found.split()[1]) // 1024
