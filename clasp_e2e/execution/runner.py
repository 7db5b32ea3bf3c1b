"""Running one case from end to end: its testbed, its verdict, its evidence, its leak check."""

from __future__ import annotations

import asyncio
import contextvars
import random
import re
import traceback
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from clasp_e2e.drivers.interface import DriverFault, NotOffered, Refused
from clasp_e2e.execution.loop_stalls import Stalls
from clasp_e2e.execution.ownership import OWNER, Ownership
from clasp_e2e.execution.run_context import Bench, Case
from clasp_e2e.results.blame import settled
from clasp_e2e.results.evidence import write_evidence
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.spec.catalogue import Level
from clasp_e2e.testbed.expectations import (
    JUDGMENT,
    Blocked,
    EnvironmentFault,
    Judgment,
    LeftOut,
    Unmet,
    Unobserved,
)
from clasp_e2e.testbed.testbed import Testbed
from clasp_e2e.testbed.trace import note_links
from clasp_e2e.testbed.worlds import build_world

TAIL = 14
"""Lines of the timeline that a failure shows."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a case: its result, and what a person needs to understand it."""

    result: ScenarioResult
    requirement: str
    """The requirement that a failure is about."""
    expected: str = ""
    seen: str = ""
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen in a case, whichever run it belongs to."""

    result: ScenarioResult
    ending: _Ending
    timeline: Timeline
    facts: object
    stderr: Mapping[str, str]


@dataclass(slots=True)
class _Ending:
    """How a scenario's function ended."""

    outcome: Outcome
    message: str = ""
    requirement: str = ""
    blocked_by: str | None = None
    expected: str = ""
    seen: str = ""


def harness_error(case: Case, message: str) -> ScenarioResult:
    """Return the record of a case that ended outside of the runner."""
    return _result(case, _Ending(Outcome.ERROR, message))


async def judge(bench: Bench, case: Case) -> Judged:
    """Run `case` and return what became of it; never raises for what the implementation does."""
    blocked_by = bench.lost_ground(case)
    if blocked_by is not None:
        result = _result(case, _Ending(Outcome.BLOCKED, f"{blocked_by} failed", "", blocked_by))
        return Judged(result, case.scenario.requirements[0])

    async def observed() -> Observed:
        return await asyncio.get_running_loop().create_task(
            _observe(bench, case), context=contextvars.copy_context(), name=f"scenario {case.id}"
        )

    if bench.sharing is None:
        return _record(bench, case, await observed())
    return _record(bench, case, await bench.sharing.seen(bench.identity(case), observed))


async def judge_when_free(free: AbstractAsyncContextManager[object], bench: Bench, case: Case) -> Judged:
    """Run `case` when there is room: when one of the places in `free` is."""
    async with free:
        return await judge(bench, case)


async def _observe(bench: Bench, case: Case) -> Observed:
    """Run `case`, in a context of its own."""
    owned = Ownership(case.id)
    OWNER.set(owned)
    judgment = Judgment(case.scenario.requirements, random.Random(f"{bench.seed}/{case.id}"))
    JUDGMENT.set(judgment)
    loop = asyncio.get_running_loop()
    timeline = Timeline(loop.time)
    assert bench.routers is not None
    testbed = Testbed(bench.routers, timeline, bench.patience, coturn=bench.coturn)
    began = loop.time()
    stalls = Stalls(bench.patience)
    try:
        async with asyncio.timeout(bench.patience.scenario) as testbed.limit:
            await testbed.open(to_attack=case.scenario.world == "attacked_router")
            world = await build_world(case.scenario.world, case.pairing, testbed, bench.cast(case.scenario))
            await case.scenario.function(world)
        ending = _Ending(Outcome.PASSED)
    except BaseException as error:
        if _is_from_outside(error):
            await testbed.close()
            raise
        ending = _ending(error, judgment, bench)
        if excuse := stalls.excuse(error):
            ending = _with_complaints(ending, [excuse])
    finally:
        stalls.end()
    ended = loop.time()
    complaints = testbed.faults() + await testbed.close()
    complaints += await owned.leftovers(bench.patience.cleanup)
    if complaints:
        ending = _with_complaints(ending, complaints)
    result = _result(case, ending, judgment)
    result = replace(
        result,
        duration_s=round(ended - began, 3),
        waited_s=round(sum(client.waited for client in testbed.clients), 3),
    )
    note_links(timeline, testbed.switchboard)
    stderr = {client.name: client.stderr for client in testbed.clients if client.stderr}
    return Observed(result, ending, timeline, testbed.switchboard.facts(), stderr)


def _record(bench: Bench, case: Case, seen: Observed) -> Judged:
    """Return what was seen as this run has it, and keep its evidence."""
    result, ending = replace(seen.result, replay=case.replay, cast=case.pairing), seen.ending
    if bench.evidence is not None:
        path = write_evidence(
            bench.evidence,
            result,
            seen.timeline,
            seen.facts,
            seed=bench.seed,
            run=bench.conditions,
            stderr=seen.stderr,
        )
        result = replace(result, evidence=str(path))
    return Judged(result, ending.requirement, ending.expected, ending.seen, seen.timeline.render(TAIL))


def _is_from_outside(error: BaseException) -> bool:
    """Return whether the run is being ended, and not only this scenario by what it called."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt)


def settle(bench: Bench, judged: Judged) -> Judged:
    """Take `judged` into the run: what failed for want of its ground is blocked by it."""
    result = settled(bench.catalogue, judged.result, bench.finished)
    bench.finished.append(result)
    return replace(judged, result=result)


def _ending(error: BaseException, judgment: Judgment, bench: Bench) -> _Ending:
    """Return what `error`, raised by a scenario, means."""
    match error:
        case Unmet():
            return _unmet(bench, error.requirement, error.expected, error.seen)
        case Refused():
            return _unmet(bench, judgment.requirement, "the call to succeed", f"it was refused: {error}")
        case Blocked() if error.requirement in judgment.requirements:
            return _unmet(bench, error.requirement, "the scenario's ground to hold", error.reason)
        case Blocked():
            return _Ending(Outcome.BLOCKED, str(error), "", error.requirement)
        case Unobserved():
            return _Ending(Outcome.UNOBSERVED, str(error))
        case LeftOut():
            return _Ending(Outcome.SKIPPED, str(error))
        case NotOffered():
            return _Ending(Outcome.NOT_OFFERED, str(error))
        case DriverFault() | EnvironmentFault():
            return _Ending(Outcome.ERROR, str(error))
        case TimeoutError():
            return _Ending(
                Outcome.ERROR,
                f"the scenario ran out of time without a deadline of its own speaking first\n{_trace(error)}",
            )
        case _:
            return _Ending(Outcome.ERROR, f"the harness failed: {_trace(error)}")


def _unmet(bench: Bench, requirement: str, expected: str, seen: str) -> _Ending:
    level = bench.catalogue.get(requirement).level
    outcome = {Level.MUST: Outcome.FAILED, Level.SHOULD: Outcome.DEVIATION}.get(level, Outcome.PASSED)
    return _Ending(outcome, f"expected {expected}; seen: {seen}", requirement, None, expected, seen)


def _with_complaints(ending: _Ending, complaints: list[str]) -> _Ending:
    """An unclean end is an error of the harness or the adapter, whatever the verdict was."""
    said = f"\nbefore that: {ending.outcome.value} {ending.message}" if ending.message else ""
    return _Ending(Outcome.ERROR, "; ".join(complaints) + said, ending.requirement)


def _result(case: Case, ending: _Ending, judgment: Judgment | None = None) -> ScenarioResult:
    """Return the case's record: a requirement not reached is blocked by the one that failed."""
    judgments: dict[str, str] = {}
    for requirement in case.scenario.requirements:
        if requirement == ending.requirement or (
            ending.outcome is not Outcome.PASSED and not ending.requirement
        ):
            judgments[requirement] = ending.outcome
        elif ending.outcome is Outcome.PASSED or (judgment and requirement in judgment.met):
            judgments[requirement] = Outcome.PASSED
        else:
            judgments[requirement] = Outcome.ERROR if ending.outcome is Outcome.ERROR else Outcome.BLOCKED
    blocked_by = ending.blocked_by
    if blocked_by is None and Outcome.BLOCKED in judgments.values():
        blocked_by = ending.requirement
    return ScenarioResult(
        id=case.id,
        title=case.scenario.title,
        requirements=case.scenario.requirements,
        pairing=case.pairing.id,
        outcome=ending.outcome,
        blocked_by=blocked_by,
        duration_s=0.0,
        message=ending.message,
        evidence=None,
        replay=case.replay,
        judgments=judgments,
        remark="; ".join(judgment.remarks) if judgment and judgment.remarks else None,
        slow=case.scenario.slow,
        waits=case.scenario.waits,
        cast=case.pairing,
    )


def _trace(error: BaseException) -> str:
    lines = traceback.format_exception(error)
    return re.sub(r"\n{2,}", "\n", "".join(lines[-6:])).strip()
