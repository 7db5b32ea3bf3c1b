"""From what the cases of a run said by themselves to what the run says: blame, known failures, verdict. Pure.

Whether one process ran all cases, or many runs a part each, this comes after: so it comes out the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from clasp_e2e.results.baseline import Baseline, parse_baseline
from clasp_e2e.results.blame import settle_all
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.known_failures import Known, Scope, set_apart, settle_known
from clasp_e2e.results.plan import KnownList, Plan
from clasp_e2e.results.run_record import Run, ScenarioResult
from clasp_e2e.results.verdict import exit_status, requirement_results, run_verdict
from clasp_e2e.spec.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Resolution:
    """A run with its verdict, what the baselines make of it, and its exit status."""

    run: Run
    known: Known
    status: int


def resolve_run(run: Run, catalogue: Catalogue, baselines: Sequence[Baseline], today: date) -> Resolution:
    """Return `run`, which has a plan, with what it says; earlier settling of its results is undone.

    `run.subset` is whether the user left some out on purpose. `today` is for entries that expire.
    """
    plan = run.plan
    assert plan is not None
    missing = plan.missing(result.id for result in run.scenarios)
    part = run.subset or bool(missing)
    settled = settle_all(catalogue, run.scenarios)
    known = settle_known(baselines, settled, _scope(plan, settled, today, part=part), catalogue)
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
        plan=replace(plan, known=tuple(_listed(each) for each in baselines)),
    )
    if known.complaints:
        return Resolution(run, known, ExitStatus.FAILED)
    apart = requirement_results(catalogue, set_apart(known.results), roles, covered=covered)
    verdict = run_verdict(apart, part, roles, capabilities)
    status = exit_status(verdict, run.subset and not missing, run.strict, totals=run.totals)
    return Resolution(run, known, status)


def baselines_of(plan: Plan, catalogue: Catalogue) -> tuple[Baseline, ...]:
    """Return the known failures that a run was given. Raises `BaselineError`."""
    return tuple(parse_baseline(each.text, each.source, each.owners, catalogue) for each in plan.known)


def _listed(baseline: Baseline) -> KnownList:
    return KnownList(baseline.source, tuple(sorted(baseline.owners)), baseline.text)


def _scope(plan: Plan, results: Sequence[ScenarioResult], today: date, *, part: bool) -> Scope:
    """Return what the run was able to find out."""
    ran = {result.id for result in results}
    left_out = {case: names for case, names in plan.cases.items() if case not in ran}
    return Scope(
        labels=frozenset(plan.labels),
        today=today,
        router=plan.cast["router"],
        complete=frozenset(plan.complete) if plan.all_files else frozenset(),
        left_out=frozenset(
            (name, case.partition("[")[2].rstrip("]")) for case, names in left_out.items() for name in names
        ),
        whole=not part and not left_out,
    )
