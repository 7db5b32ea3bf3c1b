"""The record of one run and its results, from which every report is made.

`results.json` holds a `Run`; its JSON Schema is `schemas/results.schema.json`. Durations are seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any

from msgspec import Meta

from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.planned_cases import Plan, Shard
from clasp_e2e.spec.catalogue import Level, Source

SCHEMA = 2
"""The schema version of `results.json`; another one is refused."""

SchemaNumber = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class Subject:
    """The implementation in a role, and the driver through which it is called."""

    name: str
    version: str
    language: str
    driver: str


@dataclass(frozen=True, slots=True)
class ObservedOutcome:
    """The outcome of a case alone, before other cases and known failures were considered."""

    outcome: Outcome
    blocked_by: str | None
    message: str
    judgments: Mapping[str, Outcome]
    remark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """The result of one case: a scenario in one pairing."""

    id: str
    title: str
    requirements: tuple[str, ...]
    pairing: str
    outcome: Outcome
    blocked_by: str | None = None
    """The requirement that is not met and therefore blocks this case."""
    blocked_by_case: str | None = None
    """The id of the case that shows `blocked_by` as not met; set when the run is resolved."""
    duration_s: float = 0
    message: str = ""
    evidence: str | None = None
    """The path of the evidence file, relative to the results."""
    replay: str = ""
    """The command that runs this one case again."""
    judgments: Mapping[str, Outcome] = field(default_factory=dict[str, Outcome])
    """The outcome of each requirement, where it differs from `outcome`."""
    judged_roles: tuple[str, ...] = ()
    """The roles of the implementation under test: failures in other roles are the harness's."""
    remark: str | None = None
    """An observation that judges nothing."""
    waited_s: float = 0
    """The part of the duration spent waiting for the implementation."""
    slow: bool = False
    known_failure: str | None = None
    """The reason that the baseline gives, if this failure was expected."""
    waits: bool = False
    """Whether it ran in parallel with the other cases."""
    roles: Pairing | None = None
    """The implementation in each role."""
    conventions: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """By implementation, the conventions that it used, by name (`spec/conventions.toml`)."""
    undelivered: bool = False
    """Whether it did not meet its expectation because a payload did not arrive."""
    unconnected: bool = False
    """Whether it did not meet its expectation because something did not occur, without a connection."""
    not_adopted: str | None = None
    """Why a scripted partner did not use the conventions of the implementation opposite it."""
    observed: ObservedOutcome | None = None
    """The outcome of the case alone, if resolving the run changed it."""

    def judgment(self, requirement_id: str) -> Outcome:
        """Return the outcome for one requirement; an error of the scenario hides a pass, not a failure."""
        judged = self.judgments.get(requirement_id, self.outcome)
        if self.outcome is Outcome.ERROR and judged not in NOT_MET:
            return Outcome.ERROR
        return judged

    def did_not_meet(self, requirement_id: str) -> bool:
        """Return whether the case judged the requirement and showed it as not met."""
        return requirement_id in self.requirements and self.judgment(requirement_id) in NOT_MET

    def revised(self, **changes: Any) -> ScenarioResult:
        """Return the resolved result with `changes`; `observed` keeps the observed outcome."""
        observed = self.observed or ObservedOutcome(
            self.outcome, self.blocked_by, self.message, self.judgments, self.remark
        )
        return replace(self, observed=observed, **changes)

    def as_observed(self) -> ScenarioResult:
        """Return the result as observed, before it was resolved."""
        if self.observed is None:
            return self
        values = {each.name: getattr(self.observed, each.name) for each in fields(self.observed)}
        return replace(self, observed=None, known_failure=None, blocked_by_case=None, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementResult:
    """The verdict of a run on one requirement, with its text from the catalogue."""

    id: str
    level: Level
    source: Source
    quote: str
    statement: str
    verdict: RequirementVerdict
    scenarios: tuple[str, ...] = ()
    """The cases of this run that judged it or attempted to."""
    covered: bool = True
    """Whether this harness has a scenario for it."""
    blocked_by: str | None = None
    chapter: str = ""
    section: str = ""
    reference: str = ""
    source_text: str = ""
    judges: tuple[str, ...] = ()
    capability: str | None = None
    remarks: tuple[str, ...] = ()
    """Observations of scenarios that judge nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the harness: the implementations, the conditions, the results and the verdict."""

    schema: SchemaNumber = SCHEMA
    tool: Mapping[str, str]
    """`name` and `version` of the harness."""
    catalogue: str
    """The hash of the catalogue of requirements."""
    started: str
    """ISO 8601, UTC."""
    duration_s: float
    command: str
    seed: int
    platform: str
    subjects: Mapping[str, Subject]
    """By role: `offerer`, `answerer`, `router`."""
    judged_roles: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    subset: bool = False
    """Whether scenarios were left out on purpose."""
    strict: bool = False
    """Whether a deviation fails the gate."""
    complaints: tuple[str, ...] = ()
    """Complaints about the baselines of known failures; each fails the gate."""
    notes: tuple[str, ...] = ()
    """What this run could not check about the baselines."""
    missing: tuple[str, ...] = ()
    """The planned cases without a result."""
    shards: tuple[Shard, ...] = ()
    """The runs from which this one was merged."""
    plan: Plan | None = None
    """The planned cases."""
    verdict: Verdict
    totals: Mapping[str, int] = field(default_factory=dict[str, int])
    """The number of results with each outcome; always computed from `scenarios`."""
    requirements: tuple[RequirementResult, ...]
    scenarios: tuple[ScenarioResult, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", totals(each.outcome for each in self.scenarios))


NOT_MET = frozenset({Outcome.FAILED, Outcome.DEVIATION, Outcome.EXPECTED_FAILURE})
"""The outcomes of a requirement that was judged and not met."""


def totals(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count outcomes, including those that did not occur, in the order of `Outcome`."""
    counted = Counter(outcomes)
    return {outcome.value: counted[outcome] for outcome in Outcome}
