"""The scheduler, which decides how many cases run at the same time, and which one starts next.

Up to `jobs` cases that do not wait run at the same time. Cases that wait run in parallel with them,
because waiting needs no processor time. A quick case that waits after all (failures are often time-outs)
gives its slot to the next one. Of heavy cases, which keep a processor busy, only a few run. While the event
loop is late, or many threads wait for a processor, no further case starts, so that the measured times stay
correct.
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
_JOBS_PER_HEAVY = 4
_MEBIBYTES_PER_CASE = 200
"""Memory of two adapter processes in an interpreted language."""
_FEWEST, _MOST = 2, 8
"""Bounds of the number of jobs without `--jobs`."""
_ACTIVE_S = 0.1
"""Seconds for which a case that waits needs the processor on an idle machine, to connect its peers."""
_CALM_S = 0.03
"""Maximum lateness in seconds of the event loop on an idle machine; on a busy one, `_ACTIVE_S` repeats."""
_QUICK_S = 1.0
"""Seconds after which a quick case counts as one that waits."""
_HEAVY_S = 10.0
"""The same for a heavy case."""
_BEAT_S = 0.1
_LATE_S = 0.15
"""Lateness in seconds of the event loop above which no further case starts."""
_TAKEN = 1.0
"""Runnable threads for each processor above which a quick case does not count as one that waits."""
_RUNNABLE = 4.0
"""Runnable threads for each processor above which no further case starts (peers are other processes)."""

Priority = tuple[int, ...]
"""Lower starts first."""


class CaseKind(IntEnum):
    """The kind of a case by the time that it waits."""

    QUICK = 0
    WAITING = 1
    """It waits some seconds."""
    SLOW = 2
    """It waits for a time that a specification defines, some 30 s."""
    HEAVY = 3
    """It needs a processor for seconds: many at a time would be late for their own time limits."""


_BUSY_S = {CaseKind.QUICK: _QUICK_S, CaseKind.HEAVY: _HEAVY_S}
"""By kind that is not known to wait: the seconds after which a case counts as one that waits after all."""


def kind_of(scenario: Scenario) -> CaseKind:
    """Return the kind of the cases of `scenario`."""
    if scenario.heavy:
        return CaseKind.HEAVY
    return CaseKind.SLOW if scenario.slow else CaseKind.WAITING if scenario.waits else CaseKind.QUICK


@dataclass(frozen=True, slots=True)
class Limits:
    """The maximum numbers of cases at the same time."""

    active: int
    """Cases that need the processor: quick ones, and those that have not begun to wait."""
    waiting: int
    slow: int

    @property
    def heavy(self) -> int:
        """Maximum number of cases that need the processor for seconds."""
        return max(1, self.active // _JOBS_PER_HEAVY)

    @property
    def ending(self) -> int:
        """Maximum number of cases whose peers are being closed."""
        return 8 * self.active

    @classmethod
    def for_machine(cls, jobs: int | None = None) -> Limits:
        """Return the limits for `jobs`, or by default for the processors and memory of this machine."""
        cases = max(_FEWEST, _available_mebibytes() // _MEBIBYTES_PER_CASE)
        if jobs is None:
            jobs = min(_MOST, max(_FEWEST, 2 * _processors()), cases)
        return cls(
            active=jobs,
            waiting=max(1, min(_WAITING_PER_JOB * jobs, cases // 2)),
            slow=max(1, min(_SLOW_PER_JOB * jobs, cases // 2)),
        )


class Slot:
    """The slot of a running case. It counts as active first, and then as waiting."""

    def __init__(self, scheduler: Scheduler, kind: CaseKind) -> None:
        self.kind = kind
        self.is_active = True
        self._scheduler = scheduler
        self._released = False
        self._timer = asyncio.get_running_loop().call_later(_BUSY_S.get(kind, _ACTIVE_S), self._wait)

    def release(self) -> None:
        """Free the slot for the next case, when only cleanup is left. A second call does nothing."""
        self._timer.cancel()
        if not self._released:
            self._released = True
            self._scheduler.released(self)

    def _wait(self) -> None:
        if not self._scheduler.waits(self):
            again_s = _ACTIVE_S if self.kind not in _BUSY_S else _QUICK_S
            self._timer = asyncio.get_running_loop().call_later(again_s, self._wait)


class Scheduler:
    """The assignment of slots to cases, of one run or of several on the same machine."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._active = 0
        self._held: Counter[CaseKind] = Counter()
        """By kind: the number of cases that wait or will wait, or are heavy."""
        self._ending = 0
        self._queues: dict[CaseKind, list[tuple[Priority, int, asyncio.Future[Slot]]]] = {
            kind: [] for kind in CaseKind
        }
        self._numbers = itertools.count()
        self._lateness = 0.0
        self._runnable = 0.0
        self._beat: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self, kind: CaseKind, priority: Priority = ()) -> AsyncGenerator[Slot]:
        """Wait for a slot, and run the case in the block; `Slot.release` marks where its cleanup begins."""
        granted: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
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

    def waits(self, slot: Slot) -> bool:
        """Count a case as waiting if the limits and the load allow it; return whether they do."""
        if slot.kind not in _BUSY_S and self._lateness > _CALM_S:
            return False
        if slot.kind in _BUSY_S:
            # If all processors are busy, the case is slow for that reason, and another would slow it down.
            if self._runnable > _TAKEN or self._held[CaseKind.WAITING] >= self.limits.waiting:
                return False
            if slot.kind is CaseKind.HEAVY:
                self._held[slot.kind] -= 1
            slot.kind = CaseKind.WAITING
            self._held[slot.kind] += 1
        slot.is_active = False
        self._active -= 1
        self._start()
        return True

    def released(self, slot: Slot) -> None:
        """Record that the cleanup of a case has begun."""
        self._active -= slot.is_active
        if slot.kind is not CaseKind.QUICK:
            self._held[slot.kind] -= 1
        self._ending += 1
        self._start()

    def _leave(self, slot: Slot) -> None:
        slot.release()
        self._ending -= 1
        self._start()

    def _start(self) -> None:
        """Start as many queued cases as the limits allow, and schedule the next check if some remain."""
        while (kind := self._next()) is not None:
            _, _, granted = heapq.heappop(self._queues[kind])
            self._active += 1
            if kind is not CaseKind.QUICK:
                self._held[kind] += 1
            granted.set_result(Slot(self, kind))
        if any(self._queues.values()):
            self._watch()
        elif self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def _next(self) -> CaseKind | None:
        """Return the kind whose first case starts next, or None."""
        for queue in self._queues.values():
            while queue and queue[0][2].cancelled():
                heapq.heappop(queue)
        ready = [kind for kind, queue in self._queues.items() if queue and self._has_room(kind)]
        return min(ready, key=lambda kind: self._queues[kind][0][:2], default=None)

    def _has_room(self, kind: CaseKind) -> bool:
        if self._active >= self.limits.active or self._ending >= self.limits.ending:
            return False
        is_busy = self._lateness > _LATE_S or self._runnable > _RUNNABLE
        if is_busy and self._active > 0:
            return False
        return kind is CaseKind.QUICK or self._held[kind] < getattr(self.limits, kind.name.lower())

    def _watch(self) -> None:
        if self._beat is not None:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + _BEAT_S

        def beat() -> None:
            self._beat = None
            self._lateness = max(loop.time() - due, self._lateness / 2)
            self._runnable = (self._runnable + _runnable_threads() / _processors()) / 2
            self._start()

        self._beat = loop.call_at(due, beat)


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _runnable_threads() -> int:
    """Return the number of runnable threads of the machine, or 0 if it is unknown."""
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[0])
    except OSError:
        return 0


def _available_mebibytes() -> int:
    """Return the available memory, or a generous default if it is unknown."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 4096
    found = next((line for line in lines if line.startswith("MemAvailable:")), "MemAvailable: 4194304 kB")
    return int(found.split()[1]) // 1024
