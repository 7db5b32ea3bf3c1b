"""Which failures are the same one: messages that differ only in what a run or a pairing generates. Pure."""

import re
from collections.abc import Iterable

from clasp_e2e.results.message_patterns import pattern
from clasp_e2e.results.run_record import ScenarioResult

_PEER = re.compile(r"\b(?:alice|bob)\b")


def same_reason(one: str, other: str) -> bool:
    """Return whether two messages are of the same failure; numbers and ids of a run do not count."""
    first, second = (" ".join(_first_line(text).split()) for text in (one, other))
    return (
        first == second
        or re.match(pattern(one), second) is not None
        or re.match(pattern(other), first) is not None
    )


def by_cause(cases: Iterable[ScenarioResult], requirement_id: str) -> list[list[ScenarioResult]]:
    """Return the cases in groups: a scenario with the same outcome and reason in several pairings.

    The implementation under test is `alice` in one pairing and `bob` in another, so these names do not count.
    """
    groups: list[list[ScenarioResult]] = []
    for case in cases:
        for group in groups:
            if is_same_cause(group[0], case, requirement_id):
                group.append(case)
                break
        else:
            groups.append([case])
    return groups


def is_same_cause(one: ScenarioResult, other: ScenarioResult, requirement_id: str) -> bool:
    """Return whether two cases are of one scenario, with the same outcome and reason."""
    if one.id.partition("[")[0] != other.id.partition("[")[0]:
        return False
    if one.judgment(requirement_id) is not other.judgment(requirement_id):
        return False
    if one.blocked_by or other.blocked_by:
        return one.blocked_by == other.blocked_by
    if one.known_failure != other.known_failure:
        return False
    return same_reason(_PEER.sub("peer", one.message), _PEER.sub("peer", other.message))


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0]
