"""Whether a scripted partner uses the conventions of the implementation that a case judges.

It does where that implementation and the reference were seen to have no common ground, and two of the kind
work. Otherwise a scripted partner uses the conventions of the reference.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clasp_e2e.execution.plan import Case
from clasp_e2e.results.pairing import SCRIPTED
from clasp_e2e.results.preconditions import COMMON_PRECONDITION, MET
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult
from clasp_e2e.scripted.adopted_conventions import AdoptedConventions
from clasp_e2e.scripted.partners import Partner
from clasp_e2e.spec.conventions import load_conventions
from clasp_e2e.testbed.convention_learning import LearnedConventions, learn_conventions
from clasp_e2e.testbed.testbed import Participant, Testbed

FRAMING = "payload framing"
"""The convention by which data arrives, and cannot be read."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """A case whose scripted partner uses other conventions, or the reason why it uses none."""

    case: Case | None = None
    reason: str | None = None
    are_own: bool = False
    """Whether the implementation was seen to have conventions of its own."""


def may_adopt(cause: str) -> bool:
    """Return whether different conventions can be why the requirement `cause` failed."""
    return any(cause in convention.removes for convention in load_conventions())


def first_gap(results: Sequence[ScenarioResult]) -> str | None:
    """Return the first requirement that `results` show as not met and `may_adopt` accepts, or None.

    That data arrives is no common ground if the reference cannot read it.
    """
    unmet = (name for each in results for name in each.requirements if each.did_not_meet(name))
    gap = next(filter(may_adopt, unmet), None)
    return COMMON_PRECONDITION if gap is None and not all(map(_are_payloads_read, results)) else gap


def _are_payloads_read(result: ScenarioResult) -> bool:
    framing = next(each for each in load_conventions() if each.name == FRAMING)
    used = {each[FRAMING] for each in result.conventions.values() if FRAMING in each}
    return used <= {framing.reference}


def has_common_ground(results: Sequence[ScenarioResult]) -> bool:
    """Return whether `results` show that a connection with the reference carries data."""
    judging = (each for each in results if COMMON_PRECONDITION in each.requirements)
    return any(each.judgment(COMMON_PRECONDITION) in MET for each in judging)


def works_alone(cause: str, results: Sequence[ScenarioResult]) -> bool:
    """Return whether two of the kind meet `cause` in `results`, those of the kind with itself."""
    outcomes = {each.judgment(cause) for each in results if cause in each.requirements}
    return outcomes.isdisjoint(NOT_MET) and not outcomes.isdisjoint(MET)


class PartnerAdoption:
    """The conventions that scripted partners adopt, learned for each implementation when first needed."""

    def __init__(self) -> None:
        self._learned: dict[str, LearnedConventions] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def adapt(
        self, case: Case, subject: Participant, reference: Participant, new_testbed: Callable[[], Testbed]
    ) -> Adoption:
        """Return `case` with a partner that uses the conventions of `subject`, if it can."""
        label = subject.side.label
        async with self._locks[label]:
            if label not in self._learned:
                self._learned[label] = await learn_conventions(subject, reference, new_testbed())
        learned, role = self._learned[label], case.pairing.subject
        if (conventions := learned.adopted.get(role)) is None:
            return Adoption(reason=learned.reasons.get(role), are_own=learned.are_own)
        kind = case.scenario.opposite
        if kind is not None and issubclass(kind, Partner) and (obstacle := kind.obstacle(conventions)):
            return Adoption(reason=obstacle, are_own=True)
        pairing = replace(case.pairing, adopted=conventions.names)
        return Adoption(replace(case, pairing=pairing, partner_conventions=conventions))


def implementation_of(case: Case) -> str:
    """Return the label of the implementation opposite the scripted partner of `case`."""
    pairing = case.pairing
    return pairing.answerer if pairing.offerer == SCRIPTED else pairing.offerer


def adopted_text(conventions: AdoptedConventions, label: str) -> str:
    """Return the note in the timeline of a case whose partner uses the conventions of `label`."""
    return f"the scripted partner uses the conventions of {label}: {', '.join(conventions.names)}"
