"""The session of a run, which schedules, runs, records and resolves its cases.

```python
async with open_run(plan) as run:
    async for case, judged in run.judge(cases):
        ...
resolution = run.finish(subset=False, all_files=True)
```
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from math import isfinite

from clasp_e2e import __version__
from clasp_e2e.drivers.interface import DriverFault
from clasp_e2e.execution.dependencies import Dependencies
from clasp_e2e.execution.garbage import GarbageCollection
from clasp_e2e.execution.implementations import Implementations
from clasp_e2e.execution.leaks import watch
from clasp_e2e.execution.partner_adoption import (
    Adoption,
    first_gap,
    has_common_ground,
    implementation_of,
    may_adopt,
    works_alone,
)
from clasp_e2e.execution.plan import Case, CasePlan, RunPlan
from clasp_e2e.execution.run_context import RunContext
from clasp_e2e.execution.runner import JudgedCase, Observation, judged, observe, unobserved, untried
from clasp_e2e.execution.scheduler import Limits, Scheduler, kind_of
from clasp_e2e.execution.shared_observations import SharedObservations
from clasp_e2e.execution.signed_signals import SIGNED
from clasp_e2e.results.common_ground import apply_common_ground
from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.journal import Journal, RunFacts
from clasp_e2e.results.known_failures import Scope, expect_known
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.preconditions import UNDECIDED, failed_precondition, resolve_all
from clasp_e2e.results.resolution import Resolution, resolve_run, with_baselines
from clasp_e2e.results.run_record import Run, ScenarioResult
from clasp_e2e.testbed.waiting import Patience


@dataclass(frozen=True)
class SharedResources:
    """The resources that parallel runs on one machine share; the creator closes `implementations`."""

    scheduler: Scheduler
    implementations: Implementations
    observations: SharedObservations[Observation] = field(default_factory=SharedObservations[Observation])
    garbage: GarbageCollection = field(default_factory=GarbageCollection)

    @classmethod
    def for_machine(
        cls, patience: Patience, *, jobs: int | None = None, attack_router: bool = False
    ) -> SharedResources:
        """Return new resources, with limits for `jobs` or for this machine."""
        scheduler = Scheduler(Limits.for_machine(jobs))
        return cls(scheduler, Implementations(patience, attack_router=attack_router))


class RunSession:
    """The run of `plan`: its cases, its journal and its resolution.

    `open` starts the implementations, `start` the cases. A process that only records the results of
    others (the controller of xdist) does not call `open`, but only `record` and `finish`.
    """

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self.cases = CasePlan(plan)
        self.resolution: Resolution | None = None
        """The resolution of a completed run."""
        self.on_recorded: Callable[[ScenarioResult], None] = lambda _: None
        """Callback for each recorded result."""
        self._facts = RunFacts(
            catalogue=plan.catalogue.hash,
            command=plan.command,
            seed=plan.seed,
            judged_roles=tuple(sorted(plan.selection.subjects.judged)),
        )
        self.journal = Journal(self._facts)
        """The observations so far; written to disk from `begin_record` on."""
        self.finished: Run | None = None
        """The run as written at its end."""
        self._dependencies = Dependencies(plan.catalogue)
        self._tasks: dict[str, asyncio.Task[JudgedCase]] = {}
        self._context: RunContext | None = None
        self._shared: SharedResources | None = None
        self._owns_shared = False

    async def open(self, shared: SharedResources | None = None) -> None:
        """Start the implementations, from `shared` or for this run alone.

        Raises `DriverFault` after closing everything that was started.
        """
        plan = self.plan
        watch(asyncio.get_running_loop())
        self._owns_shared = shared is None
        self._shared = shared or SharedResources.for_machine(
            plan.patience, jobs=plan.jobs, attack_router=plan.attack_router
        )
        context = RunContext(plan, self._shared.implementations)
        try:
            await context.open()
        except BaseException:
            with suppress(DriverFault):
                await self.close()
            raise
        self._context = context
        self.journal.note(subjects=context.subjects(), capabilities=context.capabilities())
        context.conditions = self._conditions()

    async def close(self) -> None:
        """Cancel the cases, and close what this run started. Raises `DriverFault` if that fails."""
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        if self._owns_shared and self._shared is not None:
            await self._shared.implementations.close()

    @property
    def context(self) -> RunContext:
        """The context that the cases share. Requires that the run is open."""
        if self._context is None:
            raise RuntimeError("the run is not open")
        return self._context

    def start(self, cases: Sequence[Case]) -> None:
        """Start `cases`: each runs when it has a slot and the cases that it depends on have ended."""
        for case in cases:
            self._dependencies.add(case)
            self._opened.observations.announce(self.context.identity(case))
        self._expect_peers(cases)
        for case in cases:
            self._tasks[case.id] = asyncio.create_task(self._judge(case), name=f"case {case.id}")

    async def result(self, case: Case) -> JudgedCase:
        """Return the resolved result of `case`, which is started if necessary.

        If the case did not pass, wait for the cases of its preconditions: a failed precondition changes
        the result to blocked.
        """
        if case.id not in self._tasks:
            self.start([case])
        [found] = await self._awaited([case])
        if found.result.outcome is Outcome.PASSED:
            return found
        results = await self._needed_to_resolve(case, found.result)
        resolved = apply_common_ground(resolve_all(self.plan.catalogue, results))
        (result,) = (each for each in resolved if each.id == case.id)
        if self.plan.baselines:
            scope = Scope(labels=self.plan.labels, today=_today(), router=self.plan.selection.subjects.router)
            result = expect_known(self.plan.baselines, result, scope)
        return replace(found, result=result)

    async def _needed_to_resolve(self, case: Case, observed: ScenarioResult) -> list[ScenarioResult]:
        """Return the observed results that are needed to resolve that of `case`, including its own.

        This is recursive, because a case that blocks another may itself be blocked.
        """
        results = {case.id: observed}
        pending = [(case, observed)]
        while pending:
            each, its_result = pending.pop()
            as_run = replace(each, pairing=its_result.roles or each.pairing)
            needed = [
                other
                for other in self._dependencies.needed_to_resolve(as_run, its_result.blocked_by)
                if other.id in self._tasks and other.id not in results
            ]
            for other, judged_case in zip(needed, await self._awaited(needed), strict=True):
                results[other.id] = judged_case.result
                if judged_case.result.blocked_by:
                    pending.append((other, judged_case.result))
        return list(results.values())

    async def judge(self, cases: Sequence[Case]) -> AsyncGenerator[tuple[Case, JudgedCase]]:
        """Start `cases`, and yield each with its result, in the given order."""
        self.start(cases)
        for case in cases:
            yield case, await self.result(case)

    async def judge_alone(self, case: Case, *, keep_evidence: bool = False) -> JudgedCase:
        """Run `case` at once, without recording it, and return its unresolved result."""
        seen = await observe(self.context, case)
        return judged(self.context, case, seen, keep_evidence=keep_evidence)

    def begin_record(self, *, subset: bool, all_files: bool) -> None:
        """Begin the journal in the output directory, and remove the results of an earlier run.

        The arguments are those of `finish`. Raises `ResultsError` if the directory is not writable.
        """
        self.journal = Journal.create(self.plan.directory, self._facts)
        plan = with_baselines(self.cases.record(all_files=all_files), self.plan.baselines)
        self.journal.note(plan=plan, subset=subset, strict=self.plan.strict)

    def record(self, observed: ScenarioResult) -> None:
        """Write the observed result of a case at once. Raises `ResultsError`."""
        self.journal.append(observed)
        self.on_recorded(observed)

    def finish(self, *, subset: bool, all_files: bool) -> Resolution:
        """Resolve and write a completed run.

        `subset` says whether the user left out scenarios on purpose, `all_files` whether every scenario
        file was read. Raises `ResultsError`.
        """
        self.resolution = self._resolve(subset=subset, strict=self.plan.strict, all_files=all_files)
        return self.resolution

    def break_off(self, *, all_files: bool) -> int:
        """Resolve and write the results of a run that was ended early; return its exit status."""
        status = self._resolve(subset=True, strict=False, all_files=all_files).status
        return ExitStatus.FAILED if status == ExitStatus.FAILED else ExitStatus.INCONCLUSIVE

    def _resolve(self, *, subset: bool, strict: bool, all_files: bool) -> Resolution:
        draft = self.journal.draft(self.cases.record(all_files=all_files), subset=subset, strict=strict)
        resolution = resolve_run(draft, self.plan.catalogue, self.plan.baselines, _today())
        self.journal.finish(resolution.run)
        self.finished = resolution.run
        return resolution

    @property
    def _opened(self) -> SharedResources:
        if self._shared is None:
            raise RuntimeError("the run is not open")
        return self._shared

    def _expect_peers(self, cases: Iterable[Case]) -> None:
        """Tell the drivers how many peers the first cases need, so that they start adapters in advance."""
        labels = [label for case in cases for label in (case.pairing.offerer, case.pairing.answerer)]
        most = 2 * self._opened.scheduler.limits.active
        for label, driver in self.plan.selection.drivers.items():
            driver.expect_peers(min(most, labels.count(label)))

    async def _judge(self, case: Case) -> JudgedCase:
        before = await self._awaited(self._dependencies.awaited_by(case))
        results = [each.result for each in before]
        cause = failed_precondition(
            self.plan.catalogue, case.id, case.scenario.requirements, case.pairing, results
        )
        if case.scenario.opposite is not None:
            found = await self._judge_opposite_script(case, cause, results)
        else:
            found = await self._seen(case) if cause is None else untried(case, cause)
        self.record(found.result)
        self._opened.garbage.case_ended()
        return found

    async def _seen(self, case: Case) -> JudgedCase:
        identity = self.context.identity(case)
        seen = await self._opened.observations.seen(identity, partial(self._observe, case))
        if seen.ending.unconnected and await self._is_signed(case):
            seen = unobserved(seen, SIGNED)
        return judged(self.context, case, seen)

    async def _judge_opposite_script(
        self, case: Case, cause: str | None, results: list[ScenarioResult]
    ) -> JudgedCase:
        """Return the result of a case with a scripted partner, which may adopt conventions.

        `cause` is the failed precondition that makes it pointless to run the case as it is, `results` are
        those of what every connection needs, opposite the reference.
        """
        gap = cause if cause is not None and may_adopt(cause) else first_gap(results)
        adoption = Adoption() if gap is None else await self._adoption(case, gap)
        if adoption.case is not None:
            return await self._seen(adoption.case)
        if cause is not None:
            return untried(case, cause, adoption.reason)
        found = await self._seen(case)
        if found.result.outcome not in UNDECIDED | {Outcome.BLOCKED}:
            return found
        if gap is not None and adoption.are_own:
            return untried(case, gap, adoption.reason)
        if not has_common_ground(results) and self._is_judged_alone(case):
            adoption = await self._adapted(case)
        return found if adoption.case is None else await self._seen(adoption.case)

    async def _adoption(self, case: Case, gap: str) -> Adoption:
        """Return `case` with a partner that uses the conventions of the implementation, if two of it work.

        `gap` is the requirement that the implementation does not meet opposite the reference.
        """
        alone = await self._awaited(self._dependencies.of_the_kind_alone(case, gap))
        if not works_alone(gap, [each.result for each in alone]):
            return Adoption()
        return await self._adapted(case)

    async def _adapted(self, case: Case) -> Adoption:
        if self.plan.one_by_one:  # Somebody would have to start the adapters for this.
            return Adoption()
        async with self._opened.scheduler.slot(kind_of(case.scenario), self._dependencies.priority(case)):
            return await self.context.adapted(case)

    async def _is_signed(self, case: Case) -> bool:
        """Return whether an implementation in `case` accepts only signals that the link cannot alter."""
        if self.plan.one_by_one or self.plan.lab:
            return False
        labels = {case.pairing.offerer, case.pairing.answerer} - {REFERENCE, SCRIPTED, ""}
        return any([await self.context.signs(label) for label in sorted(labels)])

    def _is_judged_alone(self, case: Case) -> bool:
        """Return whether this run judges what `case` judges with itself, too."""
        subjects = self.plan.selection.subjects
        return subjects.offerer == subjects.answerer == implementation_of(case) != REFERENCE

    async def ended(self, cases: Iterable[Case]) -> None:
        """Wait until `cases` have ended. Raises the exception of a case that ended without an outcome."""
        await self._awaited(cases)

    async def _awaited(self, cases: Iterable[Case]) -> list[JudgedCase]:
        """Wait for the started ones of `cases`, and return their results."""
        tasks = [self._tasks[case.id] for case in cases if case.id in self._tasks]
        if tasks:  # `wait` does not cancel the tasks when it is cancelled: that could stop their cleanup.
            await asyncio.wait(tasks)
        return [task.result() for task in tasks]

    async def _observe(self, case: Case) -> Observation:
        priority = self._dependencies.priority(case)
        async with self._opened.scheduler.slot(kind_of(case.scenario), priority) as slot:
            return await observe(self.context, case, on_ending=slot.release)

    def _conditions(self) -> Mapping[str, object]:
        """Return the data, in addition to the seed, that is needed to repeat a case (`write_evidence`)."""
        plan = self.plan
        return {
            "drivers": {name: spec for name, spec in plan.specs.items() if name != "router"},
            "router": plan.specs.get("router"),
            "switches": list(plan.switches),
            # An unlimited scale is for a debugger, and not for a repetition.
            "deadline_scale": plan.patience.scale if isfinite(plan.patience.scale) else 1.0,
            "tool": {"name": "clasp-e2e", "version": __version__},
            "subjects": to_plain(self.journal.subjects),
        }


@asynccontextmanager
async def open_run(plan: RunPlan, shared: SharedResources | None = None) -> AsyncGenerator[RunSession]:
    """Open the run of `plan`, with `shared` or its own resources, and close it after the block.

    Raises `DriverFault` if an implementation cannot be started or closed.
    """
    run = RunSession(plan)
    await run.open(shared)
    try:
        yield run
    finally:
        await run.close()


def _today() -> date:
    return datetime.now(UTC).date()
