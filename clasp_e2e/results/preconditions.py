"""Report each cause as one failure: a failed precondition blocks the cases that depend on it. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult
from clasp_e2e.spec.catalogue import Catalogue

UNDECIDED = NOT_MET | {Outcome.UNOBSERVED}
"""The outcomes that become blocked if a precondition is not met."""

MET = frozenset({Outcome.PASSED, Outcome.UNEXPECTED_PASS})

COMMON_PRECONDITION = "CON-6"
"""The precondition of all but the first scenarios: a connection that carries data."""


class Cause(NamedTuple):
    """A requirement, and the case in which it was not met."""

    requirement: str
    case: ScenarioResult


class _Results:
    """Results in the order of a run, found by requirement."""

    def __init__(self, results: Iterable[ScenarioResult]) -> None:
        self.all = list(results)
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        for place, each in enumerate(self.all):
            for name in each.requirements:
                self._places[name].append(place)

    def of(self, requirement: str) -> list[ScenarioResult]:
        """Return the results that judge `requirement`."""
        return [self.all[place] for place in self._places.get(requirement, ())]


def failed_precondition(
    catalogue: Catalogue,
    case_id: str,
    requirements: Sequence[str],
    pairing: Pairing,
    finished: Iterable[ScenarioResult],
) -> str | None:
    """Return the failed precondition that makes it pointless to run a case.

    `finished` are observed results; a case that did not run has no effect. Only a quick case that precedes
    this one in every run counts, so that the set of cases that run, and their outcomes, depend neither on
    the order of completion nor on the process.
    """
    found = _hopeless(catalogue, case_id, requirements, pairing, _Results(finished))
    return None if found is None else found.requirement


def blocks_all_dependents(catalogue: Catalogue, cause: str) -> bool:
    """Return whether no dependent of `cause` needs to run once it has failed.

    This applies to the preconditions of every connection. After other failures a scenario may still pass:
    for example, relaying may fail while direct sends work. It is blocked only if it does not pass.
    """
    return COMMON_PRECONDITION in catalogue and cause in (
        COMMON_PRECONDITION,
        *catalogue.needed_by(COMMON_PRECONDITION),
    )


def resolve_all(catalogue: Catalogue, results: Iterable[ScenarioResult]) -> list[ScenarioResult]:
    """Return all results, resolved, in the order of a complete run, whichever process ran them and when.

    A case that a complete run would not have started does not count here either; an error remains an error.
    """
    order, by_need = run_order(catalogue), need_order(catalogue)
    known = _Results(sorted((result.as_observed() for result in results), key=order))
    needs = sorted(range(len(known.all)), key=lambda place: by_need(known.all[place]))
    for resolve in (_untried, _resolve_case):
        for place in needs:
            known.all[place] = resolve(catalogue, known.all[place], known)
    # Each unblocked case may show another requirement as not met; it never removes a block.
    while sum(_unblock(catalogue, known, place) for place in needs):
        pass
    return [_with_cause(catalogue, result, known) for result in known.all]


def unexplained_blocks(results: Sequence[ScenarioResult]) -> list[str]:
    """Return the ids of cases that are blocked by a requirement that no result shows as not met."""
    known = _Results(results)
    return [
        result.id
        for result in results
        if _is_blocked(result)
        and not _blocked_in_itself(result)
        and not any(
            each.id == result.blocked_by_case and each.did_not_meet(result.blocked_by or "")
            for each in _explaining(result, result.blocked_by, known)
        )
    ]


def run_order(catalogue: Catalogue) -> Callable[[ScenarioResult], tuple[int, int, str]]:
    """Return the sort key for the order of a run: preconditions first, waiting cases last."""
    place = need_order(catalogue)
    return lambda result: (result.waits + result.slow, *place(result))


def need_order(catalogue: Catalogue) -> Callable[[ScenarioResult], tuple[int, str]]:
    """Return the sort key that places results after their preconditions."""
    place = catalogue.place
    return lambda result: (max(place[name] for name in result.requirements), result.id)


def _broken(
    catalogue: Catalogue, case_id: str, requirements: Sequence[str], pairing: Pairing, known: _Results
) -> Cause | None:
    for precondition in catalogue.needed_by(*requirements):
        found = _cause_of(
            precondition,
            lambda name: list(_concerning(case_id, pairing, known.of(name))),
            # A requirement that depends on one of `requirements` cannot block them.
            lambda name: {name, *catalogue.needed_by(name)}.isdisjoint(requirements),
        )
        if found is not None:
            return found
    return None


def _resolve_case(catalogue: Catalogue, result: ScenarioResult, known: _Results) -> ScenarioResult:
    """Return `result`, blocked if it did not pass and `known` shows that a precondition failed.

    A case that itself observed a missing precondition stays blocked even if none of `known` shows it as
    not met; `resolve_all` decides at the end of the run.
    """
    pairing = result.roles
    if pairing is None:
        return result
    if result.outcome is Outcome.BLOCKED:
        found = _cause_of_block(catalogue, result, known)
        return result if found is None else _blocked(result, found, result.judgments)
    if result.outcome not in UNDECIDED:
        return result
    found = _broken(catalogue, result.id, result.requirements, pairing, known)
    if found is None:
        return result
    judgments = {
        name: Outcome.BLOCKED if outcome in UNDECIDED else outcome
        for name, outcome in result.judgments.items()
    }
    return _blocked(result, found, judgments)


def _untried(catalogue: Catalogue, result: ScenarioResult, known: _Results) -> ScenarioResult:
    if result.roles is None or result.outcome is Outcome.ERROR:
        return result
    found = _hopeless(catalogue, result.id, result.requirements, result.roles, known)
    if found is None:
        return result
    return _blocked(result, found, dict.fromkeys(result.requirements, Outcome.BLOCKED), remark=None)


def _hopeless(
    catalogue: Catalogue, case_id: str, requirements: Sequence[str], pairing: Pairing, finished: _Results
) -> Cause | None:
    level = catalogue.place
    place = max(level[name] for name in requirements)
    for precondition in catalogue.needed_by(*requirements):
        if blocks_all_dependents(catalogue, precondition):
            for each in _concerning(case_id, pairing, finished.of(precondition)):
                is_before = not each.waits and max(level[name] for name in each.requirements) < place
                if is_before and each.did_not_meet(precondition):
                    return Cause(precondition, each)
    return None


def _unblock(catalogue: Catalogue, known: _Results, place: int) -> bool:
    """Undo the block of one of the `known` results if no result shows its cause; return whether it did so.

    A case that failed keeps its own outcome; one that observed a missing precondition becomes unobserved.
    """
    result = known.all[place]
    if not _is_blocked(result) or _blocked_in_itself(result) or _cause(catalogue, result, known):
        return False
    observed = result.as_observed()
    if not _is_blocked(observed) or _blocked_in_itself(observed):
        known.all[place] = observed
        return True
    known.all[place] = observed.revised(
        outcome=Outcome.UNOBSERVED if observed.outcome is Outcome.BLOCKED else observed.outcome,
        judgments={
            name: Outcome.UNOBSERVED if outcome is Outcome.BLOCKED else outcome
            for name, outcome in observed.judgments.items()
        },
        blocked_by=None,
        message=_unexplained(observed, known),
    )
    return True


def _unexplained(observed: ScenarioResult, known: _Results) -> str:
    """Return why a case is not blocked by the missing precondition that it observed."""
    name = observed.blocked_by
    seen = observed.message.removeprefix(f"blocked by {name}: ").strip()
    what = f"The precondition {name} did not hold in this case ({seen})" if name else f"Blocked ({seen})"
    judging = list(_explaining(observed, name, known))
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


def _with_cause(catalogue: Catalogue, result: ScenarioResult, known: _Results) -> ScenarioResult:
    """Return a blocked result with the requirement that blocks it, and the case that shows it."""
    if not _is_blocked(result):
        return result
    if own := _blocked_in_itself(result):
        if result.blocked_by not in own:
            result = result.revised(blocked_by=own[0])
        return replace(result, blocked_by_case=result.id)
    found = _cause(catalogue, result, known)
    return result if found is None else _blocked(result, found, result.judgments)


def _cause(catalogue: Catalogue, result: ScenarioResult, known: _Results) -> Cause | None:
    if result.roles is None:
        return None
    return _cause_of_block(catalogue, result.as_observed(), known)


def _cause_of_block(catalogue: Catalogue, result: ScenarioResult, known: _Results) -> Cause | None:
    """Return what blocks a result: the missing precondition that it observed, its cause, or another one."""
    assert result.roles is not None
    found = None
    if result.outcome is Outcome.BLOCKED and (name := result.blocked_by):
        found = _broken(catalogue, result.id, [name], result.roles, known)
        found = found or _cause_of(name, lambda name: list(_explaining(result, name, known)), lambda _: True)
    return found or _broken(catalogue, result.id, result.requirements, result.roles, known)


def _cause_of(
    requirement: str,
    judging: Callable[[str], list[ScenarioResult]],
    may_block: Callable[[str], bool],
    visited: tuple[str, ...] = (),
) -> Cause | None:
    """Return the case that shows `requirement` as not met, or the cause that blocks it.

    `judging` returns the results that judge a requirement and may explain it.
    """
    known = judging(requirement)
    for each in known:
        if each.did_not_meet(requirement):
            return Cause(requirement, each)
    for each in known:
        name = each.blocked_by
        if not name or name in (requirement, *visited) or not may_block(name):
            continue
        if each.judgment(requirement) is Outcome.BLOCKED:
            found = _cause_of(name, judging, may_block, (requirement, *visited))
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


def _is_blocked(result: ScenarioResult) -> bool:
    return Outcome.BLOCKED in (result.outcome, *result.judgments.values())


def _blocked_in_itself(result: ScenarioResult) -> list[str]:
    """Return the unmet requirements of a case that prevented it from judging its others."""
    return [] if result.outcome is Outcome.BLOCKED else _not_met(result)


def _not_met(result: ScenarioResult) -> list[str]:
    return [name for name in result.requirements if result.did_not_meet(name)]


def _concerning(
    case_id: str, pairing: Pairing, finished: Iterable[ScenarioResult]
) -> Iterator[ScenarioResult]:
    for each in finished:
        if each.roles is not None and pairing.includes(each.roles) and each.id != case_id:
            yield each


def _explaining(result: ScenarioResult, requirement: str | None, known: _Results) -> Iterator[ScenarioResult]:
    """Yield the cases of `requirement` that can explain that `result` observed it as missing."""
    for each in known.of(requirement) if requirement else ():
        if result.roles and each.roles and each.id != result.id and result.roles.is_explained_by(each.roles):
            yield each
