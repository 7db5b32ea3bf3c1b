"""The record of a matrix: a cell for each pair of implementations in both roles over each router. Pure.

`matrix.json` holds a `Matrix`; its JSON Schema is `schemas/matrix.schema.json`. Durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from clasp_e2e.results.common_ground import convention_lines
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict
from clasp_e2e.results.run_record import Run, SchemaNumber
from clasp_e2e.results.verdict import requirement_results, run_verdict
from clasp_e2e.spec.catalogue import Catalogue

SCHEMA = 1
"""The schema version of `matrix.json`."""

WORST_FIRST = (ExitStatus.FAILED, ExitStatus.INCONCLUSIVE, ExitStatus.USAGE, ExitStatus.OK)


class State(StrEnum):
    """Whether a cell was judged."""

    NOT_RUN = "not_run"
    """It has not run, or will not run."""
    JUDGED = "judged"
    """It has a verdict."""
    NOT_AVAILABLE = "not_available"
    """An implementation that it needs is not available on this machine."""
    BROKEN = "broken"
    """Its run did not finish: an error of the harness, a driver or the environment."""
    INTERRUPTED = "interrupted"
    """Its run was stopped early; its results are partial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """An offerer, an answerer and a router, as the user named them, and the result of their run."""

    offerer: str
    answerer: str
    router: str
    state: State = State.NOT_RUN
    reason: str | None = None
    """Why it is not available, or broken."""
    verdict: Verdict | None = None
    exit_status: int | None = None
    """The exit status of its run; a matrix exits with the worst."""
    failed: tuple[str, ...] = ()
    """The ids of the MUST requirements that were not met, known failures included."""
    deviations: tuple[str, ...] = ()
    """The ids of other expectations that were not met, known failures included."""
    known: tuple[str, ...] = ()
    """The ids of both lists of which every failure is a known one."""
    of_router: tuple[str, ...] = ()
    """The ids that the router did not meet; the other lists and the verdict concern the peers."""
    undecided: tuple[str, ...] = ()
    """The ids without a verdict because of an error or a missing observation."""
    blocked: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """The ids that were not judged, each with the requirement that it rests on and that was not met."""
    conventions: tuple[str, ...] = ()
    """The conventions in which its implementations differ, with what is not judged therefore."""
    complaints: tuple[str, ...] = ()
    """Complaints about the baselines of known failures."""
    results: str | None = None
    """Its `results.json`, relative to the matrix."""
    duration_s: float = 0
    """Seconds until its last case was judged; cells overlap."""

    @property
    def name(self) -> str:
        """The cell in one line: `rust → node over reference`."""
        return f"{self.offerer} → {self.answerer} over {self.router}"

    def judged(
        self,
        run: Run,
        catalogue: Catalogue,
        *,
        exit_status: int,
        results: str,
        duration_s: float,
        state: State = State.JUDGED,
    ) -> Cell:
        """Return the cell with the result of its run: the peers' and, apart from it, the router's."""
        of_router = _of_role(run, catalogue, is_router=True)
        run = _of_role(run, catalogue, is_router=False)
        failed, deviations = _ids(run, RequirementVerdict.FAIL), _ids(run, RequirementVerdict.DEVIATION)
        known = {name for name in failed + deviations if _is_known(run, name)}
        return replace(
            self,
            state=state,
            verdict=run.verdict,
            exit_status=exit_status,
            failed=failed,
            deviations=deviations,
            known=tuple(name for name in failed + deviations if name in known),
            of_router=_ids(of_router, RequirementVerdict.FAIL, RequirementVerdict.DEVIATION),
            undecided=_ids(run, RequirementVerdict.ERROR, RequirementVerdict.UNOBSERVED),
            blocked={
                each.id: each.blocked_by
                for each in run.requirements
                if each.verdict is RequirementVerdict.BLOCKED and each.blocked_by is not None
            },
            conventions=tuple(convention_lines(run.scenarios)),
            complaints=run.complaints,
            results=results,
            duration_s=round(duration_s, 3),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """All cells of a matrix, in the order in which they are judged."""

    schema: SchemaNumber = SCHEMA
    tool: Mapping[str, str]
    command: str
    started: str
    """ISO 8601, UTC."""
    duration_s: float = 0
    seed: int
    peers: tuple[str, ...]
    routers: tuple[str, ...]
    opposite: tuple[str, ...] = ()
    """The peers that all others are paired with, besides themselves; empty if all are paired with all."""
    faults: tuple[str, ...] = ()
    """Errors at the shutdown of the drivers and routers that all cells share."""
    cells: tuple[Cell, ...]
    blame: tuple[str, ...] = ()
    """Who is to blame for what a cell of two implementations did not meet, one line each."""

    def cell(self, offerer: str, answerer: str, router: str) -> Cell | None:
        """Return a cell, or None if the two are not paired."""
        wanted = offerer, answerer, router
        return next(
            (each for each in self.cells if (each.offerer, each.answerer, each.router) == wanted), None
        )

    def of_routers(self) -> dict[str, tuple[str, ...]]:
        """Return the ids that each router did not meet, for routers that did not meet some."""
        found: dict[str, dict[str, None]] = {}
        for cell in self.cells:
            found.setdefault(cell.router, {}).update(dict.fromkeys(cell.of_router))
        return {router: tuple(names) for router, names in found.items() if names}

    def exit_status(self, *, require_all: bool = False) -> ExitStatus:
        """Return the worst exit status of the cells: 1 fails, 3 undecided, 2 usage, 0 conforms.

        A cell that is not available counts only with `require_all`, or if no other is left.
        """
        statuses = [_status(cell) for cell in self.cells if cell.state is not State.NOT_AVAILABLE]
        if not statuses or (require_all and len(statuses) < len(self.cells)):
            statuses.append(ExitStatus.INCONCLUSIVE)
        statuses += [ExitStatus.INCONCLUSIVE] * bool(self.faults)
        return min(statuses, key=WORST_FIRST.index)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an implementation cannot be judged in a role: it is not available, or its driver is broken."""

    state: State
    """`NOT_AVAILABLE` or `BROKEN`."""
    reason: str


def cells_of(
    peers: Sequence[str],
    routers: Sequence[str],
    obstacles: Mapping[tuple[str, str], Obstacle],
    opposite: Sequence[str] = (),
) -> tuple[Cell, ...]:
    """Return a cell for each offerer, answerer and router.

    With `opposite`, a peer is paired with itself and, in both roles, with those only.

    `obstacles` are those of an implementation as a `peer` and as a `router`. A cell with an obstacle is
    included, with the reason.
    """

    def cell(offerer: str, answerer: str, router: str) -> Cell:
        roles = ((offerer, "peer"), (answerer, "peer"), (router, "router"))
        met = list(dict.fromkeys(obstacles[each] for each in roles if each in obstacles))
        missing = any(each.state is State.NOT_AVAILABLE for each in met)
        state = State.NOT_AVAILABLE if missing else State.BROKEN if met else State.NOT_RUN
        reason = "; ".join(each.reason for each in met) or None
        return Cell(offerer=offerer, answerer=answerer, router=router, state=state, reason=reason)

    return tuple(
        cell(offerer, answerer, router)
        for router in routers
        for offerer in peers
        for answerer in peers
        if not opposite or offerer == answerer or offerer in opposite or answerer in opposite
    )


def _status(cell: Cell) -> ExitStatus:
    # Pytest and the system have other statuses, which are not verdicts.
    return next((each for each in WORST_FIRST if each == cell.exit_status), ExitStatus.INCONCLUSIVE)


def _ids(run: Run, *verdicts: RequirementVerdict) -> tuple[str, ...]:
    return tuple(item.id for item in run.requirements if item.verdict in verdicts)


def _of_role(run: Run, catalogue: Catalogue, *, is_router: bool) -> Run:
    """Return the part of `run` that judges the router, or the peers."""
    roles = tuple(role for role in run.judged_roles if (role == "router") is is_router)
    scenarios = tuple(
        each for each in run.scenarios if (each.roles is not None and bool(each.roles.router)) is is_router
    )
    if not roles:
        return replace(run, judged_roles=(), scenarios=(), requirements=()) if is_router else run
    covered = run.plan.covered if run.plan is not None and run.plan.all_files else None
    requirements = tuple(requirement_results(catalogue, scenarios, roles, covered=covered))
    part = run.subset or bool(run.missing)
    verdict = run_verdict(requirements, part, roles, run.capabilities)
    return replace(run, judged_roles=roles, scenarios=scenarios, requirements=requirements, verdict=verdict)


def _is_known(run: Run, requirement: str) -> bool:
    failures = {
        scenario.judgment(requirement) for scenario in run.scenarios if scenario.did_not_meet(requirement)
    }
    return failures == {Outcome.EXPECTED_FAILURE}
