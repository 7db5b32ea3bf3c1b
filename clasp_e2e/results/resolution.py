"""Compute the blocks, known failures and verdict of a run from its observed results. Pure.

The result is the same whether one process ran all cases or several runs a part each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from clasp_e2e.results.baseline import Baseline, parse_baseline
from clasp_e2e.results.common_ground import apply_common_ground
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
    """A run with its verdict, the effect of the baselines, and its exit status."""

    run: Run
    known: AppliedBaselines
    status: int


class CannotResolve(ValueError):
    """A run that cannot be resolved; the text says why and what to do."""


def resolvable_plan(run: Run, catalogue: Catalogue) -> Plan:
    """Return the plan of a run that was read from a file. Raises `CannotResolve`."""
    tool = " ".join(run.tool.values())
    if run.plan is None:
        raise CannotResolve(
            f"these results contain no plan: an earlier version wrote them ({tool}); run the scenarios again"
        )
    if run.catalogue != catalogue.hash:
        raise CannotResolve(
            f"judged by another catalogue of requirements than this harness has ({tool}); use the version"
            " that ran it, or run the scenarios again"
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
        raise CannotResolve(f"the start is not a date: {run.started!r}; run the scenarios again") from None
    return run.plan


def day_of(run: Run) -> date:
    """Return the day on which a run was started."""
    return date.fromisoformat(run.started[:10])


def resolve_run(run: Run, catalogue: Catalogue, baselines: Sequence[Baseline], today: date) -> Resolution:
    """Resolve `run`, which must have a plan, from its observed results.

    `run.subset` is whether the user left cases out on purpose. `today` is for entries that expire.
    """
    plan = run.plan
    assert plan is not None
    missing = plan.missing(result.id for result in run.scenarios)
    part = run.subset or bool(missing)
    resolved = apply_common_ground(resolve_all(catalogue, run.scenarios))
    known = apply_baselines(baselines, resolved, _scope(plan, resolved, today, part=part), catalogue)
    if unexplained := unexplained_blocks(known.results):
        raise AssertionError(
            f"internal error: {', '.join(unexplained)}: blocked, but no case shows by what; report this"
        )
    roles, capabilities = run.judged_roles, run.capabilities
    # The scenarios of files that were not read are unknown.
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
    adjusted = requirement_results(catalogue, treat_known_as_passed(known.results), roles, covered=covered)
    verdict = run_verdict(adjusted, part, roles, capabilities)
    status = exit_status(verdict, run.subset and not missing, run.strict, totals=run.totals)
    return Resolution(run, known, status)


def baselines_of(plan: Plan, catalogue: Catalogue) -> tuple[Baseline, ...]:
    """Return the baselines that a run was given. Raises `BaselineError`."""
    return tuple(parse_baseline(each.text, each.source, each.owners, catalogue) for each in plan.known)


def with_baselines(plan: Plan, baselines: Sequence[Baseline]) -> Plan:
    """Return `plan` with the baselines that the run is given."""
    return replace(plan, known=tuple(_listed(each) for each in baselines))


def _listed(baseline: Baseline) -> KnownList:
    return KnownList(baseline.source, tuple(sorted(baseline.owners)), baseline.text)


def _scope(plan: Plan, results: Sequence[ScenarioResult], today: date, *, part: bool) -> Scope:
    """Return the part of the scenarios that the run covers."""
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
        other_runs=frozenset({*plan.extended, *plan.lab_only}),
    )
