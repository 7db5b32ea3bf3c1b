"""The run model: one run and its results, from which every report is made.

`to_json` and `from_json` of each type are its form in `results.json`. Durations are seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, Protocol, cast

from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.plan import Plan, Shard
from clasp_e2e.spec.catalogue import Level, Source

SCHEMA = 1
"""The version of the form of `results.json`. A reader refuses what is newer."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who stood in a role, and by which driver it was reached."""

    name: str
    version: str
    language: str
    driver: str

    def to_json(self) -> dict[str, Any]:
        """Return the form of `results.json`."""
        return _plain(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Subject:
        """Read the form of `results.json`; a missing key is a `KeyError`."""
        return cls(document["name"], document["version"], document["language"], document["driver"])


class ScenarioFacts(Protocol):
    """What a scenario tells of itself, whether it ran or not."""

    @property
    def title(self) -> str:
        """Its first line."""
        ...

    @property
    def requirements(self) -> tuple[str, ...]:
        """The ids that it judges."""
        ...

    @property
    def slow(self) -> bool:
        """Whether it waits for a time that a specification names."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a case said by itself, before the rest of its run and the known failures were looked at."""

    outcome: Outcome
    blocked_by: str | None
    message: str
    judgments: Mapping[str, str]
    remark: str | None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Found:
        """Read the form of `results.json`; a missing key is a `KeyError`, a bad value a `ValueError`."""
        judgments: Mapping[str, str] = document["judgments"]
        return cls(
            Outcome(document["outcome"]),
            document["blocked_by"],
            document["message"],
            {key: Outcome(value) for key, value in judgments.items()},
            document["remark"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """What became of one scenario in one pairing.

    `judgments` holds the outcome of each requirement where they differ from `outcome`.
    `judged_roles` are the roles in which the implementation under test stood: what fails
    outside of them is nobody's failure but the harness's.
    """

    id: str
    title: str
    requirements: tuple[str, ...]
    pairing: str
    outcome: Outcome
    blocked_by: str | None = None
    """The requirement whose failure blocked this."""
    duration_s: float = 0
    message: str = ""
    evidence: str | None = None
    """Where the evidence lies, relative to the results."""
    replay: str = ""
    """The command that runs this one case again."""
    judgments: Mapping[str, str] = field(default_factory=dict[str, str])
    judged_roles: tuple[str, ...] = ()
    remark: str | None = None
    """What was seen where nothing is judged."""
    waited_s: float = 0
    """How much of the duration was waiting for the subject."""
    slow: bool = False
    known_failure: str | None = None
    """The reason that the baseline gives, where this failure was expected."""
    waits: bool = False
    """Whether it ran beside the others."""
    cast: Pairing | None = None
    """Who stood where."""
    found: Found | None = None
    """What it said by itself, where that is not what it says as a part of its run."""

    def judgment(self, requirement_id: str) -> Outcome:
        """Return the outcome for one requirement; an error of the scenario hides a pass, not a failure."""
        judged = Outcome(self.judgments.get(requirement_id, self.outcome))
        if self.outcome is Outcome.ERROR and judged not in NOT_MET:
            return Outcome.ERROR
        return judged

    def revised(self, **changes: Any) -> ScenarioResult:
        """Return the result as its run has it; what it said by itself is kept in `found`."""
        found = self.found or Found(self.outcome, self.blocked_by, self.message, self.judgments, self.remark)
        return replace(self, found=found, **changes)

    def as_found(self) -> ScenarioResult:
        """Return what the case said by itself."""
        if self.found is None:
            return self
        said = {each.name: getattr(self.found, each.name) for each in fields(self.found)}
        return replace(self, found=None, known_failure=None, **said)

    @classmethod
    def harness_error(
        cls, case_id: str, scenario: ScenarioFacts, message: str, replay: str
    ) -> ScenarioResult:
        """Return the result of a scenario that ended outside of its own judgment."""
        return cls(
            id=case_id,
            title=scenario.title,
            requirements=scenario.requirements,
            pairing=case_id.partition("[")[2].rstrip("]"),
            outcome=Outcome.ERROR,
            message=message,
            replay=replay,
            slow=scenario.slow,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the form of `results.json`."""
        return _plain(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ScenarioResult:
        """Read the form of `results.json`; a missing key is a `KeyError`, a bad value a `ValueError`."""
        judgments: Mapping[str, str] = document.get("judgments", {})
        return cls(
            id=document["id"],
            title=document["title"],
            requirements=tuple(document["requirements"]),
            pairing=document["pairing"],
            outcome=Outcome(document["outcome"]),
            blocked_by=document["blocked_by"],
            duration_s=document["duration_s"],
            message=document["message"],
            evidence=document["evidence"],
            replay=document["replay"],
            judgments={key: Outcome(value) for key, value in judgments.items()},
            judged_roles=tuple(document.get("judged_roles", ())),
            remark=document.get("remark"),
            waited_s=document.get("waited_s", 0),
            slow=document.get("slow", False),
            known_failure=document.get("known_failure"),
            waits=document.get("waits", False),
            cast=Pairing.from_json(document["cast"]) if document.get("cast") else None,
            found=Found.from_json(document["found"]) if document.get("found") else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementResult:
    """What the run says of one requirement, with all of the catalogue that a reader needs."""

    id: str
    level: str
    source: str
    quote: str
    statement: str
    verdict: RequirementVerdict
    scenarios: tuple[str, ...] = ()
    """The scenarios of this run that judged it, or tried to."""
    covered: bool = True
    """Whether this harness has a scenario for it at all."""
    blocked_by: str | None = None
    chapter: str = ""
    section: str = ""
    reference: str = ""
    source_text: str = ""
    judges: tuple[str, ...] = ()
    capability: str | None = None
    remarks: tuple[str, ...] = ()
    """What scenarios saw where nothing is judged."""

    def to_json(self) -> dict[str, Any]:
        """Return the form of `results.json`."""
        return _plain(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RequirementResult:
        """Read the form of `results.json`; a missing key is a `KeyError`, a bad value a `ValueError`."""
        return cls(
            id=document["id"],
            level=Level(document["level"]).value,
            source=Source(document["source"]).value,
            quote=document["quote"],
            statement=document["statement"],
            verdict=RequirementVerdict(document["verdict"]),
            scenarios=tuple(document["scenarios"]),
            covered=document.get("covered", True),
            blocked_by=document.get("blocked_by"),
            chapter=document.get("chapter", ""),
            section=document.get("section", ""),
            reference=document.get("reference", ""),
            source_text=document.get("source_text", ""),
            judges=tuple(document.get("judges", ())),
            capability=document.get("capability"),
            remarks=tuple(document.get("remarks", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the harness: who was judged, how, and what came of it."""

    tool: Mapping[str, str]
    """`name` and `version` of the harness."""
    catalogue: str
    """The hash of the catalogue that was judged by."""
    started: str
    """ISO 8601, UTC."""
    duration_s: float
    command: str
    seed: int
    platform: str
    subjects: Mapping[str, Subject]
    """By role: `offerer`, `answerer`, `router`."""
    verdict: Verdict
    requirements: tuple[RequirementResult, ...]
    scenarios: tuple[ScenarioResult, ...]
    judged_roles: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    subset: bool = False
    """Whether scenarios were left out on purpose."""
    strict: bool = False
    """Whether a deviation fails the gate."""
    complaints: tuple[str, ...] = ()
    """What is not true of the baselines of known failures; each fails the gate."""
    notes: tuple[str, ...] = ()
    """What this run could not tell of them."""
    missing: tuple[str, ...] = ()
    """The cases that were to run, and of which there is no result."""
    shards: tuple[Shard, ...] = ()
    """The runs that this one was merged from."""
    plan: Plan | None = None
    """What was to run; None while the run is under way."""
    schema: int = field(default=SCHEMA)

    @property
    def totals(self) -> dict[str, int]:
        """How many scenarios had each outcome."""
        return totals(scenario.outcome for scenario in self.scenarios)

    def to_json(self) -> dict[str, Any]:
        """Return the form of `results.json`."""
        return {
            "schema": self.schema,
            "tool": dict(self.tool),
            "catalogue": self.catalogue,
            "started": self.started,
            "duration_s": self.duration_s,
            "command": self.command,
            "seed": self.seed,
            "platform": self.platform,
            "subjects": {role: subject.to_json() for role, subject in self.subjects.items()},
            "judged_roles": list(self.judged_roles),
            "capabilities": list(self.capabilities),
            "subset": self.subset,
            "strict": self.strict,
            "complaints": list(self.complaints),
            "notes": list(self.notes),
            "missing": list(self.missing),
            "shards": [_plain(shard) for shard in self.shards],
            "plan": None if self.plan is None else self.plan.to_json(),
            "verdict": self.verdict.value,
            "totals": self.totals,
            "requirements": [requirement.to_json() for requirement in self.requirements],
            "scenarios": [scenario.to_json() for scenario in self.scenarios],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Run:
        """Read the form of `results.json`; a missing key is a `KeyError`, a bad value a `ValueError`."""
        return cls(
            tool=dict(document["tool"]),
            catalogue=document["catalogue"],
            started=document["started"],
            duration_s=document["duration_s"],
            command=document["command"],
            seed=document["seed"],
            platform=document["platform"],
            subjects={role: Subject.from_json(subject) for role, subject in document["subjects"].items()},
            verdict=Verdict(document["verdict"]),
            requirements=tuple(RequirementResult.from_json(item) for item in document["requirements"]),
            scenarios=tuple(ScenarioResult.from_json(item) for item in document["scenarios"]),
            judged_roles=tuple(document.get("judged_roles", ())),
            capabilities=tuple(document.get("capabilities", ())),
            subset=document.get("subset", False),
            strict=document.get("strict", False),
            complaints=tuple(document.get("complaints", ())),
            notes=tuple(document.get("notes", ())),
            missing=tuple(document.get("missing", ())),
            shards=tuple(Shard(**shard) for shard in document.get("shards", ())),
            plan=Plan.from_json(document["plan"]) if document.get("plan") else None,
            schema=document["schema"],
        )


NOT_MET = frozenset({Outcome.FAILED, Outcome.DEVIATION, Outcome.EXPECTED_FAILURE})
"""The outcomes of a requirement that was judged and not met."""


def totals(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count outcomes, those that did not occur included, in the order of `Outcome`."""
    counted = Counter(outcomes)
    return {outcome.value: counted[outcome] for outcome in Outcome}


def _plain(record: Any) -> dict[str, Any]:
    """Return a dataclass of plain values as JSON has them."""
    return {item.name: _json(getattr(record, item.name)) for item in fields(record)}


def _json(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if is_dataclass(value):
        return _plain(value)
    if isinstance(value, tuple):
        return [_json(item) for item in cast("tuple[Any, ...]", value)]
    if isinstance(value, dict):
        return {key: _json(item) for key, item in cast("dict[str, Any]", value).items()}
    return value
