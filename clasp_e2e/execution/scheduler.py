"""Judging many cases: the quick ones in turn, what waits beside them, and all settled in their order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext

from clasp_e2e.execution.run_context import Bench, Case
from clasp_e2e.execution.runner import Judged, judge, judge_when_free, settle

Room = AbstractAsyncContextManager[object]
"""What a case holds while it runs: a semaphore, or `nullcontext()` where there is room for all."""


async def judge_all(
    bench: Bench,
    cases: Iterable[Case],
    beside: Callable[[Case], Room | None],
    turn: Room | None = None,
) -> AsyncGenerator[tuple[Case, Judged]]:
    """Judge `cases` and yield each as soon as it and those before it are settled.

    Those for which `beside` has room run beside the others, from now on, when there is; the others
    one after the other, in their order, while this holds `turn`. To be closed if not used up.
    """
    ahead: list[tuple[Case, asyncio.Task[Judged]]] = []
    in_turn: list[Case] = []
    for case in cases:
        if (room := beside(case)) is None:
            in_turn.append(case)
        else:
            ahead.append((case, asyncio.create_task(judge_when_free(room, bench, case))))
    try:
        async with turn or nullcontext():
            for case in in_turn:
                yield case, settle(bench, await judge(bench, case))
        for case, running in ahead:
            yield case, settle(bench, await running)
    finally:
        for _, running in ahead:
            running.cancel()
        await asyncio.gather(*(running for _, running in ahead), return_exceptions=True)
