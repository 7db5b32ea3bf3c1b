"""Common ground: what two implementations with different conventions are not judged by. Pure.

Where two implementations differ in a convention of `conventions.toml`, a requirement that the convention
removes is not judged in their pairing. It rests on the pairing of each with itself. A difference excuses
only if it is steady and works between two of the kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.results.preconditions import MET, UNDECIDED
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult
from clasp_e2e.spec.conventions import Convention, load_conventions

ALTERED = frozenset({"a form of its own"})
"""Framings that look like altered payloads: they excuse nothing unless two of the kind are seen to work."""

CONTENT = "SND-1"
"""The requirement that is judged by the content of payloads."""

CONNECTION = "CON-5"
"""The requirement that two peers connect."""

_OURS = frozenset({REFERENCE, SCRIPTED})
"""A scripted partner is the reference with a script."""

_OPEN = UNDECIDED | {Outcome.BLOCKED}


@dataclass(frozen=True, slots=True)
class Difference:
    """A convention in which two implementations differ, and their values."""

    convention: Convention
    one: str
    value: str
    other: str
    other_value: str

    def __str__(self) -> str:
        name = self.convention.name
        if self.convention.requirement:
            name = f"{self.convention.requirement}: {name}"
        return f"{name}: {self.value!r} of {self.one}, {self.other_value!r} of {self.other}"


class CommonGround:
    """The conventions that the implementations of a run were seen to use."""

    def __init__(self, results: Sequence[ScenarioResult]) -> None:
        self._results = results
        self._values: dict[str, dict[str, dict[str, None]]] = {}
        for result in results:
            for label, conventions in result.conventions.items():
                for name, value in conventions.items():
                    self._values.setdefault(label, {}).setdefault(name, {})[value] = None

    def labels(self) -> list[str]:
        """Return the implementations whose conventions were seen."""
        return list(self._values)

    def differences(self, one: str, other: str) -> list[Difference]:
        """Return the conventions in which two implementations are seen to differ."""
        found: list[Difference] = []
        for convention in load_conventions():
            value, other_value = self._value(one, convention), self._value(other, convention)
            is_read = (other in _OURS and value in convention.reads) or (
                one in _OURS and other_value in convention.reads
            )
            if value and other_value and value != other_value and not is_read:
                found.append(Difference(convention, one, value, other, other_value))
        return found

    def _value(self, label: str, convention: Convention) -> str | None:
        """Return the value of an implementation; None if it is not known, or not steady."""
        if label in _OURS:
            return convention.reference
        values = list(self._values.get(label, {}).get(convention.name, ()))
        if len(values) > 1:
            return "a rule of its own" if convention.varies else None
        return values[0] if values else None

    def works_alone(self, label: str, requirements: Collection[str], value: str) -> bool:
        """Return whether two of the kind meet `requirements`, as far as this run judges them so."""
        if label in _OURS:
            return True
        outcomes = [
            result.judgment(name)
            for result in self._results
            if result.roles and result.roles.offerer == result.roles.answerer == label
            for name in requirements
            if name in result.requirements
        ]
        if not outcomes:
            return value not in ALTERED
        return NOT_MET.isdisjoint(outcomes) and (
            not MET.isdisjoint(outcomes) or {Outcome.UNOBSERVED} == set(outcomes)
        )


def apply_common_ground(results: Sequence[ScenarioResult]) -> list[ScenarioResult]:
    """Return resolved results, with what different conventions remove from a pairing as not judged."""
    ground = CommonGround(results)
    if not ground.labels():
        return list(results)
    removed: dict[str, Sequence[Difference]] = {}
    for result in results:
        if found := _removing(ground, result):
            removed[result.id] = found
    # A case that is blocked by a removed one is removed with it.
    for result in results:
        cause = result.blocked_by_case
        if result.id not in removed and result.outcome is Outcome.BLOCKED and cause in removed:
            removed[result.id] = removed[cause]
    return [_not_judged(result, removed[result.id]) if result.id in removed else result for result in results]


def convention_lines(results: Sequence[ScenarioResult]) -> list[str]:
    """Return a line for each convention in which a pairing of this run differs, with its effect."""
    ground = CommonGround(results)
    lines: dict[str, None] = {}
    pairs = {
        (result.roles.offerer, result.roles.answerer)
        for result in results
        if result.roles and result.roles.offerer and result.roles.answerer
    }
    for one, other in sorted({(min(pair), max(pair)) for pair in pairs if SCRIPTED not in pair}):
        first, second = (other, one) if one == REFERENCE else (one, other)
        for difference in ground.differences(first, second):
            text = str(difference)
            count = sum(text in result.message for result in results if result.outcome is Outcome.NOT_JUDGED)
            cases = f"{count} case{'s' * (count != 1)} not judged in their pairing"
            lines[f"{text}; {cases if count else 'no effect on what is judged'}"] = None
    return list(lines)


def _removing(ground: CommonGround, result: ScenarioResult) -> list[Difference]:
    """Return the differences that remove what `result` shows as not met or could not observe."""
    roles = result.roles
    if roles is None or not (roles.offerer and roles.answerer) or roles.offerer == roles.answerer:
        return []
    unmet = {name for name in result.requirements if result.judgment(name) in UNDECIDED}
    if not unmet:
        return []
    observed = result.as_observed()
    if result.outcome is Outcome.UNOBSERVED and observed.blocked_by:
        unmet.add(observed.blocked_by)
    labels = roles.offerer, roles.answerer
    found = [
        difference
        for difference in ground.differences(*labels)
        if difference.convention.name not in roles.adopted
        and (removed := unmet & _removed(difference.convention, result))
        and all(
            ground.works_alone(label, removed, value)
            for label, value in ((labels[0], difference.value), (labels[1], difference.other_value))
        )
    ]
    removed = frozenset[str]().union(*(_removed(each.convention, result) for each in found))
    return found if {name for name in unmet if result.did_not_meet(name)} <= removed else []


def _removed(convention: Convention, result: ScenarioResult) -> frozenset[str]:
    """Return the requirements that a difference in `convention` removes from `result`.

    Whatever rests on a payload that the other side could not read is removed with the content of payloads,
    and what rests on a connection with the connection, also in a run of this case alone.
    """
    for is_missing, requirement in ((result.undelivered, CONTENT), (result.unconnected, CONNECTION)):
        if is_missing and requirement in convention.removes:
            return convention.removes.union(result.requirements)
    return convention.removes


def _not_judged(result: ScenarioResult, differences: Iterable[Difference]) -> ScenarioResult:
    roles = result.roles
    assert roles is not None
    with_reference = not {REFERENCE, SCRIPTED}.isdisjoint((roles.offerer, roles.answerer))
    where = "opposite the reference" if with_reference else "in this pairing"
    reasons = "; ".join(dict.fromkeys(str(each) for each in differences))
    why = f"; the scripted partner does not use them: {result.not_adopted}" if result.not_adopted else ""
    judgments: Mapping[str, Outcome] = {
        name: Outcome.NOT_JUDGED if result.judgment(name) in _OPEN else result.judgment(name)
        for name in result.requirements
    }
    return result.revised(
        outcome=Outcome.NOT_JUDGED,
        blocked_by=None,
        judgments=judgments,
        message=f"not judged {where}: conventions differ ({reasons}){why}",
    )
