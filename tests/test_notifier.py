"""Waiting for a condition: when it is evaluated, and how waiting ends."""

from __future__ import annotations

import asyncio

import pytest

from clasp_e2e.notifier import Notifier


async def test_a_condition_that_holds_already_returns_at_once() -> None:
    assert await Notifier().wait_until(lambda: 5, timeout=0) == 5
    assert await Notifier().holds_within(lambda: 5, 0)


async def test_notify_wakes_every_waiting_task() -> None:
    notifier, received = Notifier(), []

    def third() -> str | None:
        return received[2] if len(received) > 2 else None

    waiting = [asyncio.create_task(notifier.wait_until(third, timeout=5)) for _ in range(3)]
    for value in "abc":
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        received.append(value)
        notifier.notify()
    assert await asyncio.gather(*waiting) == ["c", "c", "c"]


async def test_wait_until_without_a_timeout_waits_for_the_change() -> None:
    notifier, received = Notifier(), []
    waiting = asyncio.create_task(notifier.wait_until(lambda: list(received)))
    await asyncio.sleep(0)
    received.append(1)
    notifier.notify()
    assert await waiting == [1]


async def test_a_false_value_is_waited_out() -> None:
    with pytest.raises(TimeoutError):
        await Notifier().wait_until(lambda: False, timeout=0.01)
    assert not await Notifier().holds_within(list, 0.01)


async def test_the_exception_of_a_condition_is_raised() -> None:
    notifier, faults = Notifier(), []

    def condition() -> bool:
        if faults:
            raise faults[0]
        return False

    waiting = asyncio.create_task(notifier.wait_until(condition, timeout=5))
    await asyncio.sleep(0)
    faults.append(LookupError("gone"))
    notifier.notify()
    with pytest.raises(LookupError, match="gone"):
        await waiting


async def test_a_task_that_timed_out_does_not_affect_the_others() -> None:
    notifier, received = Notifier(), []
    patient = asyncio.create_task(notifier.wait_until(lambda: list(received), timeout=5))
    with pytest.raises(TimeoutError):
        await notifier.wait_until(lambda: None, timeout=0.01)
    received.append("so")
    notifier.notify()
    assert await patient == ["so"]
