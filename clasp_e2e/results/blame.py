"""One cause, one failure: what failed for want of its ground is blocked by what that failed in. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult
from clasp_e2e.spec.catalogue import Catalogue

UNDECIDED = NOT_MET | {Outcome.UNOBSERVED}
"""What becomes of a scenario that ran although its ground had failed, and that says nothing by itself."""

COMMON_GROUND = "CON-6"
"""What all but the first scenarios stand on, with its own ground: a connection that carries data."""


def broken_precondition(
    catalogue: Catalogue,
    case_id: str,
    requirements: Sequence[str],
    pairing: Pairing,
    finished: Iterable[ScenarioResult],
) -> str | None:
    """Return the requirement that failed, if what `requirements` stand on failed in this pairing.

    A precondition that was itself blocked hands on what it was blocked by: one cause, one failure.
    """
    known = list(_in_pairing(case_id, pairing, finished))
    for precondition in _preconditions(catalogue, requirements):
        for each in known:
            outcome = each.judgments.get(precondition)
            if outcome in NOT_MET:
                return precondition
            cause = each.blocked_by
            if outcome == Outcome.BLOCKED and cause and not _rests_on(catalogue, cause, requirements):
                return cause
    return None


def lost_ground(
    catalogue: Catalogue,
    case_id: str,
    requirements: Sequence[str],
    pairing: Pairing,
    finished: Iterable[ScenarioResult],
) -> str | None:
    """Return the requirement that failed, if there is no use in trying what stands on `requirements`.

    `finished` are results as they were found: a ground that was itself not tried says nothing.
    Only a quick case that comes before this one in every run can say so: thus what is tried, and what
    is made of it, hangs neither on what happened to be over first nor on who ran what.
    """
    level = _place(catalogue)
    place = max(level[name] for name in requirements)
    before = [
        each
        for each in _in_pairing(case_id, pairing, finished)
        if not each.waits and max(level[name] for name in each.requirements) < place
    ]
    for precondition in _preconditions(catalogue, requirements):
        if is_hopeless(catalogue, precondition) and any(
            each.judgments.get(precondition) in NOT_MET for each in before
        ):
            return precondition
    return None


def is_hopeless(catalogue: Catalogue, cause: str) -> bool:
    """Return whether nothing that stands on `cause` needs to be tried once it has failed.

    That is so for what every connection stands on. Where less is broken, a scenario may pass all
    the same: relaying may fail and sending directly work. It is blocked if it does not pass.
    """
    return COMMON_GROUND in catalogue and cause in (
        COMMON_GROUND,
        *_preconditions(catalogue, [COMMON_GROUND]),
    )


def settled(
    catalogue: Catalogue, result: ScenarioResult, finished: Iterable[ScenarioResult]
) -> ScenarioResult:
    """Return `result` as it stands in the run: blocked, if it did not pass and its ground failed."""
    pairing = result.cast
    if pairing is None:
        return result
    if result.outcome == Outcome.BLOCKED and result.blocked_by:
        # The scenario saw what was missing; that may have been missing for want of its own ground.
        root = broken_precondition(catalogue, result.id, [result.blocked_by], pairing, finished)
        if root is not None:
            result = result.revised(blocked_by=root, message=f"{root} failed; so: {result.message}")
    if result.outcome not in UNDECIDED:
        return result
    cause = broken_precondition(catalogue, result.id, result.requirements, pairing, finished)
    if cause is None:
        return result
    return result.revised(
        outcome=Outcome.BLOCKED,
        blocked_by=cause,
        judgments={
            name: Outcome.BLOCKED if outcome in UNDECIDED else outcome
            for name, outcome in result.judgments.items()
        },
        message=f"{cause} failed; so: {result.message}",
    )


def settle_all(catalogue: Catalogue, results: Iterable[ScenarioResult]) -> list[ScenarioResult]:
    """Return all results of a run as they stand in it, in one order, whoever ran what and when.

    What a whole run would not have tried says no more here than it would there; but an error stays one.
    """
    order, by_need = run_order(catalogue), need_order(catalogue)
    known = sorted((result.as_found() for result in results), key=order)
    for number in sorted(range(len(known)), key=lambda n: by_need(known[n])):
        known[number] = _untried(catalogue, known[number], known)
    for number in sorted(range(len(known)), key=lambda n: by_need(known[n])):
        known[number] = settled(catalogue, known[number], known)
    return known


def run_order(catalogue: Catalogue) -> Callable[[ScenarioResult], tuple[int, int, str]]:
    """Return the key by which results are ordered as in a run: what others rest on first, waits last."""
    place = need_order(catalogue)
    return lambda result: (result.waits + result.slow, *place(result))


def need_order(catalogue: Catalogue) -> Callable[[ScenarioResult], tuple[int, str]]:
    """Return the key by which results come after those that they rest on."""
    place = _place(catalogue)
    return lambda result: (max(place[name] for name in result.requirements), result.id)


def _untried(catalogue: Catalogue, result: ScenarioResult, known: Iterable[ScenarioResult]) -> ScenarioResult:
    if result.cast is None or result.outcome is Outcome.ERROR:
        return result
    cause = lost_ground(catalogue, result.id, result.requirements, result.cast, known)
    if cause is None:
        return result
    said = "" if result.message in ("", f"{result.blocked_by} failed") else f"; so: {result.message}"
    return result.revised(
        outcome=Outcome.BLOCKED,
        blocked_by=cause,
        judgments=dict.fromkeys(result.requirements, Outcome.BLOCKED),
        message=f"{cause} failed{said}",
        remark=None,
    )


def _in_pairing(
    case_id: str, pairing: Pairing, finished: Iterable[ScenarioResult]
) -> Iterable[ScenarioResult]:
    return (
        each
        for each in finished
        if each.cast is not None and pairing.includes(each.cast) and each.id != case_id
    )


def _place(catalogue: Catalogue) -> dict[str, int]:
    return {requirement.id: number for number, requirement in enumerate(catalogue.ordered())}


def _rests_on(catalogue: Catalogue, cause: str, requirements: Sequence[str]) -> bool:
    """Return whether `cause` is one of `requirements` or rests on one: then it cannot be what blocks them.

    A scenario may need more ground than its requirement does, and be blocked by what comes later.
    """
    ground = {cause, *_preconditions(catalogue, [cause])}
    return not ground.isdisjoint(requirements)


def _preconditions(catalogue: Catalogue, requirements: Sequence[str]) -> list[str]:
    wanted: list[str] = []
    queue = list(requirements)
    while queue:
        for precondition in catalogue.get(queue.pop(0)).precondition:
            if precondition not in requirements and precondition not in wanted:
                wanted.append(precondition)
                queue.append(precondition)
    return wanted
