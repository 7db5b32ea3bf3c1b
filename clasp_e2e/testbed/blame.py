"""One cause, one failure: what failed for want of its ground is blocked by what its ground failed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from clasp_e2e.results.model import ScenarioResult
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.testbed.pairing import Pairing

NOT_MET = (Outcome.FAILED, Outcome.DEVIATION)


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
            if outcome == Outcome.BLOCKED and each.result.blocked_by:
                return each.result.blocked_by
    return None


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
    """Return `result` as it stands in the run: blocked, if it failed and its ground did too."""
    if result.outcome not in NOT_MET:
        return result
    cause = broken_precondition(catalogue, result.id, result.requirements, pairing, finished)
    if cause is None:
        return result
    return replace(
        result,
        outcome=Outcome.BLOCKED,
        blocked_by=cause,
        judgments={
            name: Outcome.BLOCKED if outcome in NOT_MET else outcome
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
