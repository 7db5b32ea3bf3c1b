"""From what each case of a run showed to what the run shows: blocks, known failures, verdict. Pure.

It makes no difference whether one process ran all cases, or many runs a part each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from clasp_e2e.results.baseline import Baseline, parse_baseline
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.known_failures import (
    AppliedBaselines,
    Scope,
    apply_baselines,
    treat_known_as_passed,
)
from clasp_e2e.results.planned_cases import KnownList, Plan
from clasp_e2e.results.preconditions import resolve_all, unexplained_blocks
from clasp_e2e.results.run_record import Run, ScenarioResult
from clasp_e2e.results.verdict import exit_status, requirement_results, run_verdict
from clasp_e2e.spec.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Resolution:
    """A run with its verdict, what the baselines change in it, and its exit status."""

    run: Run
    known: AppliedBaselines
    status: int


class CannotResolve(ValueError):
    """A run that cannot be resolved; the text says why and what to do."""


def resolvable_plan(run: Run, catalogue: Catalogue) -> Plan:
    """Return the plan of a run that was read. Raises `CannotResolve`."""
    tool = " ".join(run.tool.values())
    if run.plan is None:
        raise CannotResolve(
            f"these results do not say what was to run: an earlier version wrote them ({tool}); run it again"
        )
    if run.catalogue != catalogue.hash:
        raise CannotResolve(
            f"judged by another catalogue of requirements than this harness has ({tool}); use the version"
            " that ran it, or run it again"
        )
    cases = {**run.plan.cases, **{each.id: each.requirements for each in run.scenarios}}
    for case, names in cases.items():
        if not names or not catalogue.keys() >= set(names):
            raise CannotResolve(f"{case} names no requirement, or an unknown one; run it again")
    if not run.plan.roles.keys() >= {*run.judged_roles, "router"}:
        raise CannotResolve("the plan does not name the implementation in each role; run it again")
    try:
        day_of(run)
    except ValueError:
        raise CannotResolve(f"started at no date: {run.started!r}; run it again") from None
    return run.plan


def day_of(run: Run) -> date:
    """Return the day on which a run was started."""
    return date.fromisoformat(run.started[:10])


def resolve_run(run: Run, catalogue: Catalogue, baselines: Sequence[Baseline], today: date) -> Resolution:
    """Return `run`, which has a plan, resolved; it starts from the observed results, whatever `run` holds.

    `run.subset` is whether the user left some out on purpose. `today` is for entries that expire.
    """
    plan = run.plan
    assert plan is not None
    missing = plan.missing(result.id for result in run.scenarios)
    part = run.subset or bool(missing)
    resolved = resolve_all(catalogue, run.scenarios)
    known = apply_baselines(baselines, resolved, _scope(plan, resolved, today, part=part), catalogue)
    if unexplained := unexplained_blocks(known.results):
        raise AssertionError(
            f"internal error: {', '.join(unexplained)}: blocked, but no case shows by what; report this"
        )
    roles, capabilities = run.judged_roles, run.capabilities
    # Files that were not named were not read: what scenarios they hold is not known.
    covered = plan.covered if plan.all_files else None
    requirements = requirement_results(catalogue, known.results, roles, covered=covered)
    run = replace(
        run,
        scenarios=known.results,
        requirements=tuple(requirements),
        verdict=run_verdict(requirements, part, roles, capabilities),
        complaints=known.complaints,
        notes=known.notes,
        missing=missing,
        plan=with_baselines(plan, baselines),
    )
    if known.complaints:
        return Resolution(run, known, ExitStatus.FAILED)
    apart = requirement_results(catalogue, treat_known_as_passed(known.results), roles, covered=covered)
    verdict = run_verdict(apart, part, roles, capabilities)
    status = exit_status(verdict, run.subset and not missing, run.strict, totals=run.totals)
    return Resolution(run, known, status)


def baselines_of(plan: Plan, catalogue: Catalogue) -> tuple[Baseline, ...]:
    """Return the known failures that a run was given. Raises `BaselineError`."""
    return tuple(parse_baseline(each.text, each.source, each.owners, catalogue) for each in plan.known)


def with_baselines(plan: Plan, baselines: Sequence[Baseline]) -> Plan:
    """Return `plan` with the known failures that the run is given."""
    return replace(plan, known=tuple(_listed(each) for each in baselines))


def _listed(baseline: Baseline) -> KnownList:
    return KnownList(baseline.source, tuple(sorted(baseline.owners)), baseline.text)


def _scope(plan: Plan, results: Sequence[ScenarioResult], today: date, *, part: bool) -> Scope:
    """Return what the run was able to find out."""
    ran = {result.id for result in results}
    left_out = {case: names for case, names in plan.cases.items() if case not in ran}
    return Scope(
        labels=frozenset(plan.labels),
        today=today,
        router=plan.roles["router"],
        complete=frozenset(plan.complete) if plan.all_files else frozenset(),
        left_out=frozenset(
            (name, case.partition("[")[2].rstrip("]")) for case, names in left_out.items() for name in names
        ),
        whole=not part and not left_out,
    )
