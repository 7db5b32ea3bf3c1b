"""Waiting for what others change, within a deadline."""

from __future__ import annotations

import asyncio

import pytest

from clasp_e2e.testbed.waiting import Changes, Patience


async def test_what_is_so_already_is_not_waited_for() -> None:
    assert await Changes().until(lambda: 5, within=0) == 5


async def test_a_result_that_is_false_is_a_result() -> None:
    assert await Changes().until(lambda: False, within=0) is False


async def test_every_change_has_all_that_wait_look_again() -> None:
    changes, happened = Changes(), []

    def third() -> str | None:
        return happened[2] if len(happened) > 2 else None

    waiting = [asyncio.create_task(changes.until(third, within=5)) for _ in range(3)]
    for what in "abc":
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        happened.append(what)
        changes.notify()
    assert await asyncio.gather(*waiting) == ["c", "c", "c"]


async def test_a_change_that_never_comes_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        await Changes().until(lambda: None, within=0.01)


async def test_one_that_gave_up_does_not_trouble_those_that_wait_on() -> None:
    changes, happened = Changes(), []
    patient = asyncio.create_task(changes.until(lambda: happened[0] if happened else None, within=5))
    with pytest.raises(TimeoutError):
        await changes.until(lambda: None, within=0.01)
    happened.append("so")
    changes.notify()
    assert await patient == "so"


def test_the_scale_stretches_the_harness_and_not_the_specification() -> None:
    one, four = Patience(), Patience(4)
    for name in ("event", "connect", "call", "open", "retransmission", "cleanup"):
        assert getattr(four, name) == 4 * getattr(one, name)
    assert one.consent > 36
    assert four.consent - one.consent == 3 * one.event
