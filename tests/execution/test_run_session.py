"""A run: which cases are run, the order of results, the records, and the clean-up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from testbed.cases import case, opened_run
from testbed.fakes import FakeDriver

from clasp_e2e.execution.run_session import open_run
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.testbed import UnconnectedPair, Unmet

pytestmark = pytest.mark.usefixtures("watched")


async def met(unconnected: UnconnectedPair) -> None:
    pass


async def unmet(unconnected: UnconnectedPair) -> None:
    raise Unmet("this", "that")


def outcomes(found: list[tuple[Any, Any]]) -> list[tuple[str, str | None]]:
    return [(judged.result.outcome.value, judged.result.blocked_by) for _, judged in found]


async def test_results_keep_the_order_of_cases() -> None:
    begun = asyncio.Event()

    async def waits(unconnected: UnconnectedPair) -> None:
        await begun.wait()

    async def quick(unconnected: UnconnectedPair) -> None:
        begun.set()

    run = await opened_run(FakeDriver())
    cases = [case(waits, "RTE-2", waits=True), case(quick, "RTE-1")]
    found = [(each, judged) async for each, judged in run.judge(cases)]
    assert [each.id for each, _ in found] == [each.id for each in cases]
    assert outcomes(found) == [("passed", None)] * 2
    await run.close()


async def test_case_with_failed_precondition_is_not_run() -> None:
    tried: list[str] = []

    async def rests(unconnected: UnconnectedPair) -> None:
        tried.append("SND-1")

    run = await opened_run(FakeDriver())
    cases = [case(rests, "SND-1"), case(rests, "EVT-4", slow=True), case(unmet, "CON-5")]
    found = [each async for each in run.judge(cases)]
    assert tried == []
    assert outcomes(found) == [("blocked", "CON-5"), ("blocked", "CON-5"), ("failed", None)]
    assert found[0][1].result.duration_s == 0
    await run.close()


async def test_failure_is_blocked_by_failed_lesser_precondition() -> None:
    """A failed RTE-9 is no reason not to try what rests on it; a failure there has one cause all the same."""
    run = await opened_run(FakeDriver())
    cases = [case(unmet, "RTE-10"), case(unmet, "RTE-9")]
    assert any(each.id == "RTE-9" for each in run.plan.catalogue.preconditions_of("RTE-10"))
    found = [each async for each in run.judge(cases)]
    assert outcomes(found)[1] == ("failed", None)
    assert outcomes(found)[0] == ("blocked", "RTE-9")
    assert {result.outcome for result in run.journal.results} == {Outcome.FAILED, Outcome.DEVIATION}, (
        "what was observed stays as it was"
    )
    await run.close()


async def test_run_closed_early_leaves_no_task() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waits(unconnected: UnconnectedPair) -> None:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    run = await opened_run(FakeDriver())
    run.start([case(waits, "RTE-2", waits=True), case(met, "RTE-1")])
    await begun.wait()
    await run.close()
    assert ended.is_set()


async def test_one_by_one_starts_a_case_only_on_request() -> None:
    begun: list[str] = []

    async def first(unconnected: UnconnectedPair) -> None:
        begun.append("first")

    async def second(unconnected: UnconnectedPair) -> None:
        begun.append("second")

    run = await opened_run(FakeDriver(), one_by_one=True)
    cases = [case(first, "SND-1"), case(second, "CON-5")]
    await run.result(cases[0])
    assert begun == ["first"]
    await run.result(cases[1])
    assert begun == ["first", "second"]
    await run.close()


async def test_open_run_closes_its_implementations() -> None:
    ended: list[str] = []

    async def ends() -> None:
        ended.append("driver")

    driver = FakeDriver(aclose=ends)
    plan = (await opened_run(driver)).plan
    async with open_run(plan) as run:
        [(_, judged)] = [each async for each in run.judge([case(met, "RTE-1")])]
    assert judged.result.outcome is Outcome.PASSED
    assert ended == ["driver"]
