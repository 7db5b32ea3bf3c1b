"""One cause, one failure: what fails because its precondition is not met is blocked by that. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult
from clasp_e2e.spec.catalogue import Catalogue

UNDECIDED = NOT_MET | {Outcome.UNOBSERVED}
"""The outcomes that say nothing by themselves if a precondition is not met."""

MET = frozenset({Outcome.PASSED, Outcome.UNEXPECTED_PASS})

COMMON_PRECONDITION = "CON-6"
"""What all but the first scenarios rest on, with its own preconditions: a connection that carries data."""


class Cause(NamedTuple):
    """A requirement, and the case that shows it as not met."""

    requirement: str
    case: ScenarioResult


def broken_precondition(
    catalogue: Catalogue,
    case_id: str,
    requirements: Sequence[str],
    pairing: Pairing,
    finished: Iterable[ScenarioResult],
) -> Cause | None:
    """Return what is not met of the preconditions of `requirements`, in a pairing that concerns this one.

    For a precondition that is itself blocked, what blocks it: one cause, one failure.
    """
    known = list(_concerning(case_id, pairing, finished))
    for precondition in _preconditions(catalogue, requirements):
        # What rests on one of the requirements cannot be what blocks them.
        found = _cause_of(precondition, known, lambda name: not _rests_on(catalogue, name, requirements))
        if found is not None:
            return found
    return None


def failed_precondition(
    catalogue: Catalogue,
    case_id: str,
    requirements: Sequence[str],
    pairing: Pairing,
    finished: Iterable[ScenarioResult],
) -> str | None:
    """Return the precondition that failed, if there is no use in trying what rests on it.

    `finished` are results as they were observed: one that was itself not tried says nothing.
    Only a quick case that comes before this one in every run counts: thus what is tried, and its
    outcome, depends neither on which case happened to finish first nor on who ran it.
    """
    found = _hopeless(catalogue, case_id, requirements, pairing, finished)
    return None if found is None else found.requirement


def blocks_all_dependents(catalogue: Catalogue, cause: str) -> bool:
    """Return whether nothing that rests on `cause` needs to be tried once it has failed.

    That is so for what every connection rests on. Where less is broken, a scenario may pass all
    the same: relaying may fail and sending directly work. It is blocked if it does not pass.
    """
    return COMMON_PRECONDITION in catalogue and cause in (
        COMMON_PRECONDITION,
        *_preconditions(catalogue, [COMMON_PRECONDITION]),
    )


def resolve_case(
    catalogue: Catalogue, result: ScenarioResult, finished: Iterable[ScenarioResult]
) -> ScenarioResult:
    """Return `result` in the light of `finished`: blocked, if it did not pass and a precondition failed.

    A case that saw a precondition missing which none of `finished` shows as not met stays blocked by it:
    whether that is right is known at the end of the run (`resolve_all`).
    """
    finished = list(finished)
    pairing = result.roles
    if pairing is None:
        return result
    if result.outcome is Outcome.BLOCKED:
        found = _cause_of_block(catalogue, result, finished)
        return result if found is None else _blocked(result, found, result.judgments)
    if result.outcome not in UNDECIDED:
        return result
    found = broken_precondition(catalogue, result.id, result.requirements, pairing, finished)
    if found is None:
        return result
    judgments = {
        name: Outcome.BLOCKED if outcome in UNDECIDED else outcome
        for name, outcome in result.judgments.items()
    }
    return _blocked(result, found, judgments)


def resolve_all(catalogue: Catalogue, results: Iterable[ScenarioResult]) -> list[ScenarioResult]:
    """Return all results of a run, resolved, in the order of a run, whoever ran what and when.

    A case that a whole run would not have tried has no say here either; but an error stays one.
    """
    order, by_need = run_order(catalogue), need_order(catalogue)
    known = sorted((result.as_observed() for result in results), key=order)
    needs = sorted(range(len(known)), key=lambda place: by_need(known[place]))
    for resolve in (_untried, resolve_case):
        blocking = [each for each in known if _can_block(each)]
        for place in needs:
            result = resolve(catalogue, known[place], blocking)
            if result is not known[place]:
                known[place] = result
                blocking = [each for each in known if _can_block(each)]
    # A case that is no longer blocked may show that a requirement is not met, but blocks no fewer.
    while any(_unblock(catalogue, known, place) for place in needs):
        pass
    blocking = [each for each in known if _can_block(each)]
    return [_with_cause(catalogue, result, blocking) for result in known]


def unexplained_blocks(results: Sequence[ScenarioResult]) -> list[str]:
    """Return the ids of cases that are blocked by a requirement which no result shows as not met."""
    return [
        result.id
        for result in results
        if _is_blocked(result)
        and not _blocked_in_itself(result)
        and not any(
            result.blocked_by == name and each.id == result.blocked_by_case
            for each in _explaining(result, results)
            for name in _not_met(each)
        )
    ]


def run_order(catalogue: Catalogue) -> Callable[[ScenarioResult], tuple[int, int, str]]:
    """Return the key by which results are ordered as in a run: what others rest on first, waits last."""
    place = need_order(catalogue)
    return lambda result: (result.waits + result.slow, *place(result))


def need_order(catalogue: Catalogue) -> Callable[[ScenarioResult], tuple[int, str]]:
    """Return the key by which results come after those that they rest on."""
    place = _place(catalogue)
    return lambda result: (max(place[name] for name in result.requirements), result.id)


def _untried(catalogue: Catalogue, result: ScenarioResult, known: Iterable[ScenarioResult]) -> ScenarioResult:
    if result.roles is None or result.outcome is Outcome.ERROR:
        return result
    found = _hopeless(catalogue, result.id, result.requirements, result.roles, known)
    if found is None:
        return result
    return _blocked(result, found, dict.fromkeys(result.requirements, Outcome.BLOCKED), remark=None)


def _hopeless(
    catalogue: Catalogue,
    case_id: str,
    requirements: Sequence[str],
    pairing: Pairing,
    finished: Iterable[ScenarioResult],
) -> Cause | None:
    level = _place(catalogue)
    place = max(level[name] for name in requirements)
    before = [
        each
        for each in _concerning(case_id, pairing, finished)
        if not each.waits and max(level[name] for name in each.requirements) < place
    ]
    for precondition in _preconditions(catalogue, requirements):
        if blocks_all_dependents(catalogue, precondition):
            for each in before:
                if each.did_not_meet(precondition):
                    return Cause(precondition, each)
    return None


def _unblock(catalogue: Catalogue, known: list[ScenarioResult], place: int) -> bool:
    """Undo the block of one of the `known` results if nothing shows its cause; return whether it was undone.

    A case that failed keeps its own verdict; one that saw a precondition missing could not be observed.
    """
    result = known[place]
    if not _is_blocked(result) or _blocked_in_itself(result) or _cause(catalogue, result, known):
        return False
    observed = result.as_observed()
    if not _is_blocked(observed) or _blocked_in_itself(observed):
        known[place] = observed
        return True
    known[place] = observed.revised(
        outcome=Outcome.UNOBSERVED if observed.outcome is Outcome.BLOCKED else observed.outcome,
        judgments={
            name: Outcome.UNOBSERVED if outcome is Outcome.BLOCKED else outcome
            for name, outcome in observed.judgments.items()
        },
        blocked_by=None,
        message=_unexplained(observed, known),
    )
    return True


def _unexplained(observed: ScenarioResult, known: Sequence[ScenarioResult]) -> str:
    """Return why a case that saw a precondition missing is not blocked by it."""
    name = observed.blocked_by
    seen = observed.message.removeprefix(f"blocked by {name}: ").strip()
    what = f"The precondition {name} did not hold in this case ({seen})" if name else f"Blocked ({seen})"
    judging = [each for each in _explaining(observed, known) if name in each.requirements]
    met = [each for each in judging if name and each.judgment(name) in MET]
    lost = "what this scenario judges could not be observed."
    if met:
        return (
            f"{what}, although {name} is met where it is judged ({met[0].id}); {lost} Repeat that case with:"
            f" {met[0].replay}"
        )
    if judging:
        ended = f"{judging[0].id}: {judging[0].outcome.value.replace('_', ' ')}"
        return f"{what}, and no case of this run shows that it is not met ({ended}); {lost}"
    return f"{what}, and no case of this run judges {name or 'what blocks it'} in this pairing; {lost}"


def _with_cause(
    catalogue: Catalogue, result: ScenarioResult, known: Sequence[ScenarioResult]
) -> ScenarioResult:
    """Return a blocked result with the requirement that blocks it, and the case that shows it."""
    if not _is_blocked(result):
        return result
    if own := _blocked_in_itself(result):
        if result.blocked_by not in own:
            result = result.revised(blocked_by=own[0])
        return replace(result, blocked_by_case=result.id)
    found = _cause(catalogue, result, known)
    return result if found is None else _blocked(result, found, result.judgments)


def _cause(catalogue: Catalogue, result: ScenarioResult, known: Sequence[ScenarioResult]) -> Cause | None:
    if result.roles is None:
        return None
    return _cause_of_block(catalogue, result.as_observed(), known)


def _cause_of_block(
    catalogue: Catalogue, result: ScenarioResult, known: Sequence[ScenarioResult]
) -> Cause | None:
    """Return what blocks a result: what it saw missing, or the cause of that, or a precondition."""
    assert result.roles is not None
    found = None
    if result.outcome is Outcome.BLOCKED and (name := result.blocked_by):
        found = broken_precondition(catalogue, result.id, [name], result.roles, known)
        found = found or _cause_of(name, list(_explaining(result, known)), lambda _: True)
    return found or broken_precondition(catalogue, result.id, result.requirements, result.roles, known)


def _cause_of(
    requirement: str,
    known: Sequence[ScenarioResult],
    may_block: Callable[[str], bool],
    visited: tuple[str, ...] = (),
) -> Cause | None:
    """Return the case that shows `requirement` as not met, or what blocks it in a case."""
    for each in known:
        if each.did_not_meet(requirement):
            return Cause(requirement, each)
    for each in known:
        name = each.blocked_by
        if not name or name in (requirement, *visited) or not may_block(name):
            continue
        if requirement in each.requirements and each.judgment(requirement) is Outcome.BLOCKED:
            found = _cause_of(name, known, may_block, (requirement, *visited))
            if found is not None:
                return found
    return None


def _blocked(
    result: ScenarioResult, cause: Cause, judgments: Mapping[str, Outcome], **changes: None
) -> ScenarioResult:
    observed = result.as_observed()
    is_untried = observed.message in ("", f"{observed.blocked_by} failed")
    seen = "" if is_untried else f"; in this case: {observed.message}"
    return result.revised(
        outcome=Outcome.BLOCKED,
        blocked_by=cause.requirement,
        blocked_by_case=cause.case.id,
        judgments=judgments,
        message=f"{cause.requirement} is not met ({cause.case.id}){seen}",
        **changes,
    )


def _can_block(result: ScenarioResult) -> bool:
    """Return whether a result shows a requirement as not met, or hands on what blocks it."""
    return not (NOT_MET | {Outcome.BLOCKED}).isdisjoint((result.outcome, *result.judgments.values()))


def _is_blocked(result: ScenarioResult) -> bool:
    return Outcome.BLOCKED in (result.outcome, *result.judgments.values())


def _blocked_in_itself(result: ScenarioResult) -> list[str]:
    """Return what is not met in a case, if that is why it did not reach others of its requirements."""
    return [] if result.outcome is Outcome.BLOCKED else _not_met(result)


def _not_met(result: ScenarioResult) -> list[str]:
    return [name for name in result.requirements if result.did_not_meet(name)]


def _concerning(
    case_id: str, pairing: Pairing | None, finished: Iterable[ScenarioResult]
) -> Iterator[ScenarioResult]:
    for each in finished:
        if pairing and each.roles is not None and pairing.includes(each.roles) and each.id != case_id:
            yield each


def _explaining(result: ScenarioResult, known: Iterable[ScenarioResult]) -> Iterator[ScenarioResult]:
    """Yield the cases that can show what `result` saw missing."""
    for each in known:
        if result.roles and each.roles and each.id != result.id and result.roles.is_explained_by(each.roles):
            yield each


def _place(catalogue: Catalogue) -> dict[str, int]:
    return {requirement.id: number for number, requirement in enumerate(catalogue.ordered())}


def _rests_on(catalogue: Catalogue, cause: str, requirements: Sequence[str]) -> bool:
    """Return whether `cause` is one of `requirements` or rests on one: then it cannot be what blocks them.

    A scenario may need more than its requirement does, and be blocked by what comes later.
    """
    return not {cause, *_preconditions(catalogue, [cause])}.isdisjoint(requirements)


def _preconditions(catalogue: Catalogue, requirements: Sequence[str]) -> list[str]:
    wanted: list[str] = []
    queue = list(requirements)
    while queue:
        for precondition in catalogue.get(queue.pop(0)).precondition:
            if precondition not in requirements and precondition not in wanted:
                wanted.append(precondition)
                queue.append(precondition)
    return wanted
