"""Compare the result of a replayed case with the earlier one. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult

_EXPECTED = re.compile(r"expected (?P<expected>.*?); seen: (?P<seen>.*)", re.DOTALL)
_OF_THIS_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=127\.0\.0\.1:)\d+")
"""Session ids and ports, which differ in each run even with the same seed."""


class Likeness(StrEnum):
    """The result of a replay."""

    SAME = "same"
    """The same outcome, and for a failure the same requirement and the same expectation."""
    DIFFERENT = "different"
    """Another outcome, requirement or expectation than before, and not a pass."""
    GONE = "gone"
    """It passes now."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a replay, and the reason in one line."""

    likeness: Likeness
    reason: str


def compare(before: ScenarioResult, now: ScenarioResult) -> Comparison:
    """Compare two results of one case, as its evidence contains them."""
    reason = f"before: {_short(before)}; now: {_short(now)}"
    if now.outcome is Outcome.PASSED and before.outcome is not Outcome.PASSED:
        return Comparison(Likeness.GONE, reason)
    if before.outcome is not now.outcome or _requirement(before) != _requirement(now):
        return Comparison(Likeness.DIFFERENT, reason)
    if before.outcome in NOT_MET and _expectation(before) != _expectation(now):
        return Comparison(Likeness.DIFFERENT, reason)
    return Comparison(Likeness.SAME, f"again: {_short(now)}")


def _requirement(result: ScenarioResult) -> tuple[str, ...]:
    """Return the requirements that were not met, or the one that blocked the case."""
    if result.outcome is Outcome.BLOCKED:
        return (result.blocked_by or "",)
    return tuple(name for name in result.requirements if result.judgment(name) in NOT_MET)


def _expectation(result: ScenarioResult) -> str:
    found = _EXPECTED.match(result.message)
    return _OF_THIS_RUN.sub("…", found["expected"] if found else result.message)


def _short(result: ScenarioResult) -> str:
    """Return the outcome, its requirements and the first line of the message, on one line."""
    about = " ".join(_requirement(result))
    first = result.message.strip().partition("\n")[0]
    return ", ".join(filter(None, (f"{result.outcome.value.replace('_', ' ')} {about}".strip(), first)))
