"""One cause, one failure: what failed for want of its ground is blocked by what its ground failed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from clasp_e2e.results.model import ScenarioResult
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.testbed.pairing import Pairing

NOT_MET = (Outcome.FAILED, Outcome.DEVIATION, Outcome.EXPECTED_FAILURE)
UNDECIDED = (*NOT_MET, Outcome.UNOBSERVED)
"""What becomes of a scenario that ran although its ground had failed, and that says nothing by itself."""


COMMON_GROUND = "CON-6"
"""What all but the first scenarios stand on, with its own ground: a connection that carries data."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A result, and who stood where."""

    pairing: Pairing
    result: ScenarioResult


def broken_precondition(
    catalogue: Catalogue,
    case_id: str,
    requirements: Sequence[str],
    pairing: Pairing,
    finished: Iterable[Finished],
) -> str | None:
    """Return the requirement that failed, if what `requirements` stand on failed in this pairing.

    A precondition that was itself blocked hands on what it was blocked by: one cause, one failure.
    """
    known = [each for each in finished if pairing.includes(each.pairing) and each.result.id != case_id]
    for precondition in _preconditions(catalogue, requirements):
        for each in known:
            outcome = each.result.judgments.get(precondition)
            if outcome in NOT_MET:
                return precondition
            cause = each.result.blocked_by
            if outcome == Outcome.BLOCKED and cause and not _rests_on(catalogue, cause, requirements):
                return cause
    return None


def is_hopeless(catalogue: Catalogue, cause: str) -> bool:
    """Return whether nothing that stands on `cause` needs to be tried once it has failed.

    That is so for what every connection stands on. Where less is broken, a scenario may pass all
    the same: relaying may fail and sending directly work. It is blocked if it does not pass.
    """
    return cause == COMMON_GROUND or cause in _preconditions(catalogue, [COMMON_GROUND])


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


def settled(
    catalogue: Catalogue, pairing: Pairing, result: ScenarioResult, finished: Iterable[Finished]
) -> ScenarioResult:
    """Return `result` as it stands in the run: blocked, if it did not pass and its ground failed."""
    if result.outcome == Outcome.BLOCKED and result.blocked_by:
        # The scenario saw what was missing; that may have been missing for want of its own ground.
        root = broken_precondition(catalogue, result.id, [result.blocked_by], pairing, finished)
        if root is not None:
            message = f"{root} failed; so: {result.message}"
            result = replace(result, blocked_by=root, message=message)
    if result.outcome not in UNDECIDED:
        return result
    cause = broken_precondition(catalogue, result.id, result.requirements, pairing, finished)
    if cause is None:
        return result
    return replace(
        result,
        outcome=Outcome.BLOCKED,
        blocked_by=cause,
        judgments={
            name: Outcome.BLOCKED if outcome in UNDECIDED else outcome
            for name, outcome in result.judgments.items()
        },
        message=f"{cause} failed; so: {result.message}",
    )


def settle_all(catalogue: Catalogue, finished: Sequence[Finished]) -> list[ScenarioResult]:
    """Settle results that several processes came to, none of which knew what the others found."""
    place = {requirement.id: number for number, requirement in enumerate(catalogue.ordered())}
    known = list(finished)
    for number in sorted(
        range(len(known)), key=lambda n: max(place[r] for r in known[n].result.requirements)
    ):
        one = known[number]
        known[number] = Finished(one.pairing, settled(catalogue, one.pairing, one.result, known))
    return [each.result for each in known]
