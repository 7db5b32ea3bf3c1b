"""The difference between two results of the same implementation: what broke, what was mended. Pure.

The JSON Schema of a `ResultsDifference` is `schemas/difference.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clasp_e2e.results.matrix_results import Cell
from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict
from clasp_e2e.results.run_record import NOT_MET, Run, ScenarioResult, SchemaNumber
from clasp_e2e.results.same_reason import same_reason

SCHEMA = 1
"""The schema version of a difference."""

_MET = frozenset({Outcome.PASSED, Outcome.UNEXPECTED_PASS})
_FAILED_VERDICTS = frozenset({RequirementVerdict.FAIL, RequirementVerdict.DEVIATION})


class ChangeKind(StrEnum):
    """How a requirement or a case changed; the order is that of reports."""

    BROKEN = "broken"
    """Not met now, and met or not judged before."""
    OTHER_REASON = "other_reason"
    """Not met before and now, for another reason."""
    LOST = "lost"
    """Judged before, and not now: blocked, unobserved, an error."""
    UNSTABLE = "unstable"
    """Met in one of the two only, but known to fail in some runs."""
    MENDED = "mended"
    """Met now, and not met before."""
    JUDGED = "judged"
    """Met now, and not judged before."""
    NEW = "new"
    """Not in the old results."""
    GONE = "gone"
    """Not in the new results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """A case that changed. `before` and `now` are None where the case does not exist."""

    id: str
    change: ChangeKind
    requirements: tuple[str, ...]
    """The requirements that were not met now or before, or all that the case judges."""
    before: Outcome | None = None
    now: Outcome | None = None
    reason_before: str = ""
    reason_now: str = ""
    replay: str = ""
    """The command that repeats the case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementChange:
    """A requirement whose verdict changed, in one cell of a matrix or in a run (`cell` is then empty)."""

    id: str
    change: ChangeKind
    cell: str = ""
    level: str = ""
    statement: str = ""
    before: RequirementVerdict | None = None
    now: RequirementVerdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedResults:
    """Which results were compared."""

    name: str
    started: str
    tool: str
    verdicts: Mapping[str, Verdict | None]
    """By cell of a matrix; a run has one cell with an empty name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsDifference:
    """All changes from the old results to the new ones, the worst first."""

    schema: SchemaNumber = SCHEMA
    old: ComparedResults
    new: ComparedResults
    requirements: tuple[RequirementChange, ...]
    cases: tuple[CaseChange, ...]
    unchanged: int
    """The number of cases that did not change."""
    notes: tuple[str, ...] = ()
    """What makes the two hard to compare: another version of the requirements, for example."""

    @property
    def broken(self) -> bool:
        """Whether something broke."""
        return any(each.change is ChangeKind.BROKEN for each in (*self.requirements, *self.cases))


@dataclass(frozen=True, slots=True)
class Comparable:
    """Results to compare: a run, or the runs of a matrix by cell."""

    name: str
    started: str
    tool: str
    runs: Mapping[str, Run | Cell]
    """By cell; a `Cell` where its run cannot be read. A run alone has the name ""."""
    intermittent: frozenset[str] = field(default_factory=frozenset[str])
    """The ids of requirements that the baseline lists as failing in some runs only."""

    def summary(self) -> ComparedResults:
        """Return what identifies the results."""
        verdicts = {cell: run.verdict for cell, run in self.runs.items()}
        return ComparedResults(name=self.name, started=self.started, tool=self.tool, verdicts=verdicts)


def compare_results(old: Comparable, new: Comparable) -> ResultsDifference:
    """Return the changes from `old` to `new`."""
    cases: list[CaseChange] = []
    requirements: list[RequirementChange] = []
    unchanged = 0
    known = old.intermittent | new.intermittent
    for cell in dict.fromkeys([*old.runs, *new.runs]):
        before, now = old.runs.get(cell), new.runs.get(cell)
        requirements += _requirements(cell, before, now, known)
        ours, theirs = _cases(before), _cases(now)
        for name in dict.fromkeys([*ours, *theirs]):
            change = _case_change(name, ours.get(name), theirs.get(name), known)
            if change is None:
                unchanged += 1
            else:
                cases.append(change)
    order = list(ChangeKind)
    return ResultsDifference(
        old=old.summary(),
        new=new.summary(),
        requirements=tuple(sorted(requirements, key=lambda each: order.index(each.change))),
        cases=tuple(sorted(cases, key=lambda each: order.index(each.change))),
        unchanged=unchanged,
        notes=tuple(_notes(old, new)),
    )


def _case_change(
    name: str, before: ScenarioResult | None, now: ScenarioResult | None, known: frozenset[str]
) -> CaseChange | None:
    if before is None or now is None:
        change = ChangeKind.NEW if before is None else ChangeKind.GONE
    else:
        change = _change(before, now, known)
    if change is None:
        return None
    either = now or before
    assert either is not None
    not_met = {name: None for each in (now, before) if each is not None for name in _not_met(each)}
    return CaseChange(
        id=name,
        change=change,
        requirements=tuple(not_met) or either.requirements,
        before=None if before is None else before.outcome,
        now=None if now is None else now.outcome,
        reason_before="" if before is None else _first_line(before.message),
        reason_now="" if now is None else _first_line(now.message),
        replay=either.replay,
    )


def _change(before: ScenarioResult, now: ScenarioResult, known: frozenset[str]) -> ChangeKind | None:
    """Return how a case changed, or None."""
    if Outcome.UNSTABLE in (before.outcome, now.outcome):
        return ChangeKind.UNSTABLE
    failed_before, failed_now = _not_met(before), _not_met(now)
    if failed_before and failed_now:
        same = failed_before == failed_now and same_reason(before.message, now.message)
        return None if same else ChangeKind.OTHER_REASON
    if failed_before or failed_now:
        if (failed_before | failed_now) <= known and _MET & {before.outcome, now.outcome}:
            return ChangeKind.UNSTABLE
        if failed_now:
            return ChangeKind.BROKEN
        return ChangeKind.MENDED if now.outcome in _MET else ChangeKind.LOST
    if (before.outcome in _MET) == (now.outcome in _MET):
        return None
    return ChangeKind.JUDGED if now.outcome in _MET else ChangeKind.LOST


def _not_met(result: ScenarioResult) -> frozenset[str]:
    return frozenset(name for name in result.requirements if result.judgment(name) in NOT_MET)


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0]


def _requirements(
    cell: str, before: Run | Cell | None, now: Run | Cell | None, known: frozenset[str]
) -> Iterable[RequirementChange]:
    names = dict.fromkeys([*_verdicts(before), *_verdicts(now)])
    old, new = _verdicts(before, names), _verdicts(now, names)
    texts = {
        each.id: (each.level.value, each.statement)
        for run in (before, now)
        if isinstance(run, Run)
        for each in run.requirements
    }
    for name in names:
        one, other = old.get(name), new.get(name)
        change = _verdict_change(one, other)
        if change in (ChangeKind.BROKEN, ChangeKind.MENDED) and name in known:
            change = ChangeKind.UNSTABLE
        if change is not None:
            level, statement = texts.get(name, ("", ""))
            yield RequirementChange(
                id=name, change=change, cell=cell, level=level, statement=statement, before=one, now=other
            )


def _verdict_change(before: RequirementVerdict | None, now: RequirementVerdict | None) -> ChangeKind | None:
    if before is now:
        return None
    if before is None or now is None:
        return ChangeKind.NEW if before is None else ChangeKind.GONE
    if now in _FAILED_VERDICTS:
        return ChangeKind.OTHER_REASON if before in _FAILED_VERDICTS else ChangeKind.BROKEN
    if now is RequirementVerdict.PASS:
        return ChangeKind.MENDED if before in _FAILED_VERDICTS else ChangeKind.JUDGED
    return ChangeKind.LOST if before in _FAILED_VERDICTS | {RequirementVerdict.PASS} else None


def _verdicts(run: Run | Cell | None, names: Iterable[str] = ()) -> dict[str, RequirementVerdict]:
    """Return the verdicts by requirement; a cell names only those that were not met or not judged."""
    if isinstance(run, Run):
        return {each.id: each.verdict for each in run.requirements}
    if run is None:
        return {}
    lists = (
        (names, RequirementVerdict.PASS),
        (run.undecided, RequirementVerdict.UNOBSERVED),
        (run.deviations, RequirementVerdict.DEVIATION),
        (run.failed, RequirementVerdict.FAIL),
    )
    return {name: verdict for each, verdict in lists for name in each}


def _cases(run: Run | Cell | None) -> dict[str, ScenarioResult]:
    return {each.id: each for each in run.scenarios} if isinstance(run, Run) else {}


def _notes(old: Comparable, new: Comparable) -> Iterable[str]:
    catalogues = [
        {run.catalogue for run in results.runs.values() if isinstance(run, Run)} for results in (old, new)
    ]
    if all(catalogues) and catalogues[0] != catalogues[1]:
        yield "The two were judged by different versions of the requirements."
    if old.tool != new.tool:
        yield f"The two were judged by different versions of the harness: {old.tool} and {new.tool}."
    subjects = [_judged(results) for results in (old, new)]
    if subjects[0] != subjects[1]:
        before, now = (", ".join(sorted(each)) or "none" for each in subjects)
        yield f"The two judged different implementations: {before}, and {now}. Their cases have other names."
    for results in (old, new):
        for cell, run in results.runs.items():
            if isinstance(run, Cell):
                yield f"{results.name}, {cell}: its results are missing; only requirements are compared."
            elif run.subset or run.missing:
                where = f"{results.name}, {cell}" if cell else results.name
                yield f"{where} is a part of the scenarios."


def _judged(results: Comparable) -> set[str]:
    """Return the labels of the implementations that took part in the runs."""
    plans = [run.plan for run in results.runs.values() if isinstance(run, Run) and run.plan is not None]
    return {label for plan in plans for label in plan.labels}
