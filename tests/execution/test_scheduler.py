"""Which cases run in parallel, and which one starts next."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.execution import scheduler as module
from clasp_e2e.execution.scheduler import CaseKind, Limits, Scheduler

LIMITS = Limits(active=2, waiting=3, slow=4)


@pytest.fixture(autouse=True)
def idle_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what else runs on this machine."""
    monkeypatch.setattr(module, "_runnable_threads", lambda: 0)


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Cases:
    """Cases that run until they are ended, and what is known of them."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.started: list[str] = []
        self._changed = asyncio.Event()
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self.endings: dict[str, asyncio.Event] = {}

    def submit(self, name: str, kind: CaseKind = CaseKind.QUICK, priority: int = 0) -> None:
        self._ends[name], self.endings[name] = asyncio.Event(), asyncio.Event()
        self.endings[name].set()
        self.tasks[name] = asyncio.create_task(self._run(name, kind, priority))

    async def _run(self, name: str, kind: CaseKind, priority: int) -> None:
        async with self._scheduler.slot(kind, (priority,)) as slot:
            self.started.append(name)
            self._changed.set()
            await self._ends[name].wait()
            slot.release()
            await self.endings[name].wait()

    async def until_started(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.started) < count:
                self._changed.clear()
                await self._changed.wait()

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await turns()

    async def end_all(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


async def test_active_cases_are_bounded_and_lower_priority_number_starts_first() -> None:
    cases = Cases(Scheduler(LIMITS))
    for name, priority in [("a", 5), ("b", 5), ("c", 2), ("d", 1)]:
        cases.submit(name, priority=priority)
    await turns()
    assert cases.started == ["a", "b"], "the others were not known yet"
    await cases.end("a")
    assert cases.started[2:] == ["d"]
    await cases.end("b", "d")
    assert cases.started[3:] == ["c"]
    await cases.end_all()


async def test_waiting_case_makes_room_for_quick_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ACTIVE_S", 0.01)
    cases = Cases(Scheduler(LIMITS))
    for number in range(6):
        cases.submit(f"waits {number}", CaseKind.WAITING, 0)
    cases.submit("quick", CaseKind.QUICK, 9)
    await cases.until_started(4)
    assert cases.started == ["waits 0", "waits 1", "waits 2", "quick"], "three of a kind wait at most"
    await cases.end("waits 0")
    await cases.until_started(5)
    assert cases.started[4] == "waits 3"
    await cases.end_all()


async def test_slow_quick_case_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY_S", {CaseKind.QUICK: 0.01})
    cases = Cases(Scheduler(LIMITS))
    for number in range(8):
        cases.submit(f"{number}")
    await cases.until_started(LIMITS.active + LIMITS.waiting)
    for _ in range(5):
        await asyncio.sleep(0.01)
    assert len(cases.started) == LIMITS.active + LIMITS.waiting, "within the bounds of what waits"
    await cases.end_all()


async def test_case_ending_overlaps_with_next_case_within_bounds() -> None:
    cases = Cases(Scheduler(Limits(active=1, waiting=1, slow=1)))
    names = [str(number) for number in range(12)]
    for name in names:
        cases.submit(name)
        cases.endings[name].clear()
    for name in names:
        await turns()
        if name not in cases.started:
            break
        await cases.end(name)
    assert len(cases.started) == 8, "as many endings at once as there may be"
    cases.endings["0"].set()
    await turns()
    assert len(cases.started) == 9
    await cases.end_all()


async def test_case_does_not_start_while_event_loop_lags(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = Scheduler(LIMITS)
    cases = Cases(scheduler)
    monkeypatch.setattr(scheduler, "_lateness", 1.0)
    cases.submit("first")
    cases.submit("second")
    await turns()
    assert cases.started == ["first"], "one may always run"
    await cases.until_started(2)  # The loop has caught up.
    await cases.end_all()


async def test_case_does_not_start_while_threads_wait_for_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = 1000
    monkeypatch.setattr(module, "_runnable_threads", lambda: threads)
    scheduler = Scheduler(LIMITS)
    cases = Cases(scheduler)
    monkeypatch.setattr(scheduler, "_runnable", 1000.0)
    cases.submit("first")
    cases.submit("second")
    await turns()
    assert cases.started == ["first"], "one may always run"
    threads = 1
    await cases.until_started(2)
    await cases.end_all()


async def test_heavy_cases_do_not_run_together() -> None:
    cases = Cases(Scheduler(LIMITS))
    for name in "ab":
        cases.submit(name, CaseKind.HEAVY, 0)
    cases.submit("quick", CaseKind.QUICK, 9)
    await cases.until_started(2)
    assert cases.started == ["a", "quick"]
    await cases.end("a")
    await cases.until_started(3)
    assert cases.started[-1] == "b"
    await cases.end_all()


async def test_cancelled_case_frees_its_slot() -> None:
    cases = Cases(Scheduler(Limits(active=1, waiting=1, slow=1)))
    for name in "abc":
        cases.submit(name)
    await turns()
    cases.tasks["b"].cancel()
    cases.tasks["a"].cancel()
    await turns(5)
    assert cases.started == ["a", "c"]
    await cases.end_all()


@given(st.lists(st.tuples(st.sampled_from(CaseKind), st.integers(0, 3), st.booleans()), max_size=25))
def test_each_case_runs_once_within_limits(plan: list[tuple[CaseKind, int, bool]]) -> None:
    running, most = Counter[CaseKind](), Counter[CaseKind]()

    async def main() -> None:
        scheduler = Scheduler(LIMITS)

        async def case(kind: CaseKind, priority: int, raises: bool) -> None:
            async with scheduler.slot(kind, (priority,)):
                running[kind] += 1
                most[kind] = max(most[kind], running[kind])
                await turns(2)
                running[kind] -= 1
                if raises:
                    raise RuntimeError("a case that fails")

        async def run(*how: int | bool) -> None:
            with suppress(RuntimeError):
                await case(*how)  # pyright: ignore

        async with asyncio.timeout(10):
            await asyncio.gather(*(run(*each) for each in plan))

    asyncio.run(main())
    assert not +running
    assert sum(most.values()) <= LIMITS.active * len(CaseKind)


def test_limits_follow_machine_unless_jobs_are_given() -> None:
    default = Limits.for_machine()
    assert 2 <= default.active <= 8
    assert default.waiting >= default.active
    assert Limits.for_machine(12).active == 12
    assert Limits.for_machine(1).active == 1
