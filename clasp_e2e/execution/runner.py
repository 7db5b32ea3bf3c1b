"""The runner of one case: its testbed, outcome, evidence and leak check."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import random
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from clasp_e2e.drivers.interface import DriverFault, NotOffered, Refused
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.leaks import OWNER, Ownership
from clasp_e2e.execution.loop_stalls import LoopStallMonitor
from clasp_e2e.execution.partner_adoption import adopted_text, implementation_of
from clasp_e2e.execution.plan import Case
from clasp_e2e.execution.run_context import RunContext
from clasp_e2e.network.capture import CAPTURE, Capture
from clasp_e2e.results.evidence import Packets, StderrByClient, write_evidence
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import SCRIPTED
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.spec.catalogue import Catalogue, Level
from clasp_e2e.testbed.expectations import (
    JUDGMENT,
    Absent,
    Blocked,
    EnvironmentFault,
    Judgment,
    LeftOut,
    Undelivered,
    Unmet,
    Unobserved,
)
from clasp_e2e.testbed.fixtures import build_fixture
from clasp_e2e.testbed.observed_conventions import observe_conventions
from clasp_e2e.testbed.testbed import Testbed
from clasp_e2e.testbed.trace import note_links, packets
from clasp_e2e.testbed.usable_candidates import bypassing_the_link, require_usable_candidates, without_ipv4
from clasp_e2e.testbed.waiting import covered

_WITH_PACKETS = NOT_MET | {Outcome.ERROR, Outcome.UNOBSERVED}
"""The outcomes of which the file of packets is always kept."""

TAIL = 20
"""Number of timeline lines that a failure shows."""


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """The result of a case, and the details for a failure message."""

    result: ScenarioResult
    requirement: str
    """The requirement that was not met."""
    expected: str = ""
    seen: str = ""
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """The observation of a case, independent of the run that it belongs to."""

    result: ScenarioResult
    ending: _Ending
    timeline: Timeline
    facts: object
    stderr: StderrByClient
    ended: float
    """Seconds since the case began at which its outcome was clear."""
    packets: Packets | None
    """The datagrams between the peers, of a case that did not pass."""
    pcapng: bytes | None
    """The file of packets, if it is kept."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """The end of a scenario's function."""

    outcome: Outcome
    message: str = ""
    requirement: str = ""
    blocked_by: str | None = None
    expected: str = ""
    seen: str = ""
    undelivered: bool = False
    """Whether the end is that a payload did not arrive."""
    unconnected: bool = False
    """Whether a requirement was not met because something did not occur, and no link was used."""


def harness_error(case: Case, message: str) -> ScenarioResult:
    """Return the record of a case that failed outside the runner."""
    return _result(case, _Ending(Outcome.ERROR, message))


def untried(case: Case, blocked_by: str, not_adopted: str | None = None) -> JudgedCase:
    """Return the record of a case that was not run because the requirement `blocked_by` was not met.

    `not_adopted`: why its scripted partner does not use the conventions of the implementation.
    """
    ending = _Ending(Outcome.BLOCKED, f"{blocked_by} failed", "", blocked_by)
    result = replace(_result(case, ending), not_adopted=not_adopted)
    return JudgedCase(result, case.scenario.requirements[0])


async def observe(
    context: RunContext, case: Case, *, on_ending: Callable[[], None] = lambda: None
) -> Observation:
    """Run `case` and return the observation. Faults of the implementation do not raise an exception.

    `on_ending` is called once, when the scenario has its result and its peers are about to be closed.
    """
    return await asyncio.get_running_loop().create_task(
        _observe(context, case, on_ending), context=contextvars.copy_context(), name=f"scenario {case.id}"
    )


async def _observe(context: RunContext, case: Case, on_ending: Callable[[], None]) -> Observation:
    """Run `case` in its own `contextvars` context."""
    plan = context.plan
    owned = Ownership(case.id)
    OWNER.set(owned)
    judgment = Judgment(case.scenario.requirements, random.Random(f"{plan.seed}/{case.id}"))
    JUDGMENT.set(judgment)
    loop = asyncio.get_running_loop()
    timeline = Timeline(loop.time)
    capture = None if context.evidence is None else Capture()
    CAPTURE.set(capture)
    routers = context.routers
    assert routers is not None
    testbed = Testbed(routers, timeline, plan.patience, coturn=plan.coturn, kills=case.scenario.kills)
    if not plan.one_by_one:  # Somebody would have to start the adapters for this.
        testbed.with_time = functools.partial(context.pace.adapt, context.new_testbed)
    adopted = case.partner_conventions
    if adopted is not None:
        timeline.note("harness", adopted_text(adopted, implementation_of(case)))
    began = loop.time()
    stalls = LoopStallMonitor(plan.patience)
    try:
        limit = plan.patience.scenario + (plan.patience.idle if case.scenario.extended else 0)
        async with asyncio.timeout(limit) as testbed.limit:
            scenario = case.scenario
            await testbed.open(to_attack=scenario.world == "attacked_router", own_router=scenario.own_router)
            participants = context.participants_of(case)
            fixture = await build_fixture(case.scenario.world, case.pairing, testbed, participants)
            await case.scenario.function(fixture)
        ending = _Ending(Outcome.PASSED)
    except BaseException as error:
        if _is_from_outside(error):
            await testbed.close()
            raise
        ending = _ending(error, judgment, plan.catalogue)
        is_absent = _is_absence(error)
        if isinstance(error, Unmet):
            ending = _excused(ending, context, testbed, is_absent=is_absent)
        is_unmet = ending.outcome in NOT_MET | {Outcome.BLOCKED}
        ending = replace(ending, unconnected=is_absent and is_unmet and not testbed.switchboard.is_used)
        if stall := stalls.excuse(error):
            ending = _with_errors(ending, [stall])
    finally:
        stalls.end()
        outcome_at = timeline.since_start()
        on_ending()
    ending = _with_names(ending, timeline)
    ended = loop.time()
    errors = testbed.faults() + await testbed.close()
    errors += await owned.leftovers(plan.patience.cleanup)
    if errors:
        ending = _with_errors(ending, errors)
    result = replace(
        _result(case, ending, judgment),
        duration_s=round(ended - began, 3),
        waited_s=round(covered(wait for client in testbed.clients for wait in client.waits), 3),
        # A partner that translates its payloads shows no framing.
        conventions=observe_conventions(testbed) if adopted is None else {},
    )
    note_links(timeline, testbed.switchboard)
    stderr = {
        client.name: [(timeline.since_start(line.at), line.text) for line in lines]
        for client in testbed.clients
        if (lines := client.stderr)
    }
    passed = ending.outcome is Outcome.PASSED
    crossed = None if passed else packets(timeline, testbed.switchboard)
    pcapng = None
    if capture is not None and (plan.pcap or result.outcome in _WITH_PACKETS):
        pcapng = capture.to_pcapng(
            f"{case.id}\n{result.title}\nseed {plan.seed}: {ending.message or 'passed'}"
        )
    facts = testbed.switchboard.facts()
    return Observation(result, ending, timeline, facts, stderr, outcome_at, crossed, pcapng)


def unobserved(seen: Observation, reason: str) -> Observation:
    """Return `seen`, which shows an unmet requirement, as one that for `reason` judges nobody."""
    message = f"{reason}; seen: {seen.ending.message}"
    judgments = {
        name: outcome if outcome is Outcome.PASSED else Outcome.UNOBSERVED
        for name, outcome in seen.result.judgments.items()
    }
    result = replace(
        seen.result,
        outcome=Outcome.UNOBSERVED,
        message=message,
        judgments=judgments,
        blocked_by=None,
        undelivered=False,
        unconnected=False,
    )
    return replace(seen, result=result, ending=_Ending(Outcome.UNOBSERVED, message))


def judged(context: RunContext, case: Case, seen: Observation, *, keep_evidence: bool = True) -> JudgedCase:
    """Return the result of an observation for the run of `context`, and write its evidence."""
    result, ending = replace(seen.result, replay=case.replay, roles=case.pairing), seen.ending
    if keep_evidence and context.evidence is not None:
        path = write_evidence(
            context.evidence,
            result,
            seen.timeline,
            seen.facts,
            seed=context.plan.seed,
            run=context.conditions,
            stderr=seen.stderr,
            ended=seen.ended,
            packets=seen.packets,
            pcapng=seen.pcapng,
        )
        result = replace(result, evidence=str(path))
    return JudgedCase(result, ending.requirement, ending.expected, ending.seen, seen.timeline.render(TAIL))


def _excused(ending: _Ending, context: RunContext, testbed: Testbed, *, is_absent: bool) -> _Ending:
    """Return the ending of an expectation that was not met, or why the testbed could not observe it.

    `is_absent`: the expectation was that something occurs, and it did not.
    """
    names = [client.name for client in testbed.clients if client.side.label != SCRIPTED]
    try:
        require_usable_candidates(testbed.switchboard, names)
    except EnvironmentFault as fault:
        return _Ending(Outcome.ERROR, str(fault))
    reason = bypassing_the_link(testbed.switchboard, testbed.clients)
    if reason is None and is_absent:
        reason = _refused_by_router(context, testbed)
    if reason is None and ending.requirement.startswith("ICE-"):
        reason = without_ipv4(testbed.switchboard, names)
    return ending if reason is None else _Ending(Outcome.UNOBSERVED, f"{reason}; seen: {ending.message}")


def _refused_by_router(context: RunContext, testbed: Testbed) -> str | None:
    """Return what a router other than the reference refused to a peer, which it may by rules of its own."""
    if type(context.plan.selection.router) is ReferenceDriver:
        return None
    refused = ((client.name, client.leg.refusals) for client in testbed.clients if client.is_attached)
    return next(
        (f"the router did not take what {name} sent: {what[-1]}" for name, what in refused if what), None
    )


def _is_from_outside(error: BaseException) -> bool:
    """Return whether `error` ends the whole run, and not only this scenario."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt)


def _is_absence(error: BaseException) -> bool:
    """Return whether `error` ends a scenario because something that was awaited did not occur."""
    cause = error.__cause__ if isinstance(error, Blocked) else error
    return isinstance(cause, Absent | Refused)


def _ending(error: BaseException, judgment: Judgment, catalogue: Catalogue) -> _Ending:
    """Return the ending for an exception raised by a scenario."""
    match error:
        case Unmet():
            unmet = _unmet(catalogue, error.requirement, error.expected, error.seen)
            return replace(unmet, undelivered=isinstance(error, Undelivered))
        case Refused():
            return _unmet(catalogue, judgment.requirement, "the call to succeed", f"it was refused: {error}")
        case Blocked() if error.requirement in judgment.requirements:
            return _unmet(catalogue, error.requirement, "the scenario's precondition to hold", error.reason)
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
                "the scenario exceeded its overall timeout before any step timed out; this is a defect of the"
                f" harness: report it\n{_trace(error)}",
            )
        case _:
            return _Ending(Outcome.ERROR, f"the harness failed: {_trace(error)}")


def _unmet(catalogue: Catalogue, requirement: str, expected: str, seen: str) -> _Ending:
    level = catalogue.get(requirement).level
    outcome = {Level.MUST: Outcome.FAILED, Level.SHOULD: Outcome.DEVIATION}.get(level, Outcome.PASSED)
    return _Ending(outcome, f"expected {expected}; seen: {seen}", requirement, None, expected, seen)


def _with_names(ending: _Ending, timeline: Timeline) -> _Ending:
    """Return an ending that names clients instead of their session ids."""
    return replace(
        ending,
        message=timeline.with_names(ending.message),
        expected=timeline.with_names(ending.expected),
        seen=timeline.with_names(ending.seen),
    )


def _with_errors(ending: _Ending, errors: list[str]) -> _Ending:
    """Return an ending with the outcome ERROR: faults and leaks override any other outcome."""
    before = f"\nbefore that: {ending.outcome.value} {ending.message}" if ending.message else ""
    return _Ending(Outcome.ERROR, "; ".join(errors) + before, ending.requirement)


def _result(case: Case, ending: _Ending, judgment: Judgment | None = None) -> ScenarioResult:
    """Return the record of the case; the failed requirement blocks those that were not reached."""
    judgments: dict[str, Outcome] = {}
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
        message=ending.message,
        replay=case.replay,
        judgments=judgments,
        remark="; ".join(judgment.remarks) if judgment and judgment.remarks else None,
        slow=case.scenario.slow,
        waits=case.scenario.waits,
        roles=case.pairing,
        undelivered=ending.undelivered,
        unconnected=ending.unconnected,
    )


def _trace(error: BaseException) -> str:
    lines = traceback.format_exception(error)
    return re.sub(r"\n{2,}", "\n", "".join(lines[-6:])).strip()
