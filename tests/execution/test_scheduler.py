"""Many cases at once: what waits runs beside the rest, all is settled in order, nothing is left running."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, nullcontext
from typing import Any

from testbed.cases import case, open_bench
from testbed.fakes import FakeDriver

from clasp_e2e.execution.scheduler import judge_all
from clasp_e2e.results.outcome import Outcome


async def test_what_waits_begins_at_once_and_is_told_last() -> None:
    begun = asyncio.Event()

    async def waits(sides: Any) -> None:
        begun.set()

    async def quick(sides: Any) -> None:
        await begun.wait()  # It would never come, were the other behind this one.

    cases = [case(waits, "RTE-2"), case(quick, "RTE-1")]
    found = judge_all(
        await open_bench(FakeDriver()), cases, lambda each: nullcontext() if each is cases[0] else None
    )
    async with aclosing(found):
        told = [(each.id, judged.result.outcome) async for each, judged in found]
    assert told == [(cases[1].id, Outcome.PASSED), (cases[0].id, Outcome.PASSED)]


async def test_what_is_broken_off_leaves_nothing_running() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waits(sides: Any) -> None:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    async def quick(sides: Any) -> None:
        await begun.wait()

    cases = [case(waits, "RTE-2"), case(quick, "RTE-1")]
    found = judge_all(
        await open_bench(FakeDriver()), cases, lambda each: nullcontext() if each is cases[0] else None
    )
    async with aclosing(found):
        async for _ in found:
            break
    assert ended.is_set()
