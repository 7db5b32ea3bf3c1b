"""The texts that all report formats share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clasp_e2e.results.outcome import RequirementVerdict, Verdict
from clasp_e2e.results.run_record import RequirementResult, Run, ScenarioResult
from clasp_e2e.spec.catalogue import Level, Requirement, Source

OF_VERDICT = {
    Verdict.CONFORMANT: "CONFORMANT",
    Verdict.CONFORMANT_WITH_DEVIATIONS: "CONFORMANT, WITH DEVIATIONS",
    Verdict.NON_CONFORMANT: "NOT CONFORMANT",
    Verdict.PARTIAL: "PARTIAL",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
}

STYLES = {
    Verdict.CONFORMANT: "green",
    Verdict.CONFORMANT_WITH_DEVIATIONS: "green",
    Verdict.NON_CONFORMANT: "red",
    Verdict.PARTIAL: "yellow",
    Verdict.INCONCLUSIVE: "yellow",
}
"""The colour of each verdict on a terminal."""

_NAMED_AS = {
    RequirementVerdict.UNOBSERVED: "unobserved",
    RequirementVerdict.NOT_JUDGED: "conventions differ",
    RequirementVerdict.NOT_OFFERED: "not offered",
    RequirementVerdict.SKIPPED: "skipped",
}
_NOT_MET = (RequirementVerdict.FAIL, RequirementVerdict.DEVIATION)
_NOT_CHOSEN = "not chosen"
_FEW = 12
"""Maximum number of requirements not chosen that are named; of more, the number is given."""


def because(run: Run, ours: Sequence[RequirementResult]) -> str:
    """Return the reason for the verdict in one sentence; `ours` are those of the judged roles."""
    musts = [item for item in ours if item.level == Level.MUST]

    def those(*verdicts: RequirementVerdict, among: Sequence[RequirementResult] = musts) -> str:
        return ", ".join(item.id for item in among if item.verdict in verdicts)

    match run.verdict:
        case Verdict.NON_CONFORMANT:
            return f"These MUST requirements were not met: {those(RequirementVerdict.FAIL)}."
        case Verdict.CONFORMANT_WITH_DEVIATIONS:
            deviations = those(RequirementVerdict.DEVIATION, among=ours)
            return f"Every MUST requirement was met; these other expectations were not: {deviations}."
        case Verdict.CONFORMANT:
            return "Every MUST requirement was judged and met."
        case Verdict.PARTIAL:
            if run.missing:
                return (
                    f"No MUST requirement failed in the cases that ran; {len(run.missing)} planned cases have"
                    f" no result, for example {run.missing[0]}."
                )
            not_met = [item for item in musts if item.verdict is not RequirementVerdict.PASS]
            tried = any(item.verdict is not RequirementVerdict.UNTESTED for item in not_met)
            names = [
                item.id for item in not_met if item.covered or item.verdict is not RequirementVerdict.UNTESTED
            ]
            deviations = those(RequirementVerdict.DEVIATION, among=ours)
            others = f" These other expectations were not met: {deviations}." if deviations else ""
            if names and (tried or not run.subset):
                return f"No MUST requirement failed, but these were not judged: {', '.join(names)}.{others}"
            return f"No MUST requirement failed in the chosen part of the scenarios.{others}"
        case Verdict.INCONCLUSIVE:
            if errors := those(RequirementVerdict.ERROR, among=run.requirements):
                return f"Errors of the harness, a driver or the environment prevented a verdict on {errors}."
            if unobserved := those(RequirementVerdict.UNOBSERVED):
                return f"These MUST requirements could not be observed: {unobserved}."
            return "Nothing was judged."


def output_lines(run: Run) -> str:
    """Return the verdict and the requirements that were not met, as `name=value` lines for a CI job."""
    failed = [item.id for item in run.requirements if item.verdict is RequirementVerdict.FAIL]
    return f"verdict={run.verdict}\nfailed={' '.join(failed)}\n"


@dataclass(frozen=True, slots=True)
class LevelCount:
    """The numbers of requirements of a level that were met, not met and not judged."""

    level: Level
    met: int
    not_met: int
    not_judged: int

    @property
    def judged(self) -> int:
        """The number that was met or not met."""
        return self.met + self.not_met


def count_levels(ours: Sequence[RequirementResult]) -> list[LevelCount]:
    """Return the counts of each level; blocked, unobserved and errors count as not judged."""
    counts: list[LevelCount] = []
    for level in Level:
        verdicts = [item.verdict for item in ours if item.level == level]
        met = verdicts.count(RequirementVerdict.PASS)
        not_met = sum(verdict in _NOT_MET for verdict in verdicts)
        counts.append(LevelCount(level, met, not_met, len(verdicts) - met - not_met))
    return counts


@dataclass(frozen=True, slots=True)
class NotJudged:
    """Why some requirements were not judged."""

    cause: str
    requirements: tuple[str, ...]
    blocking: ScenarioResult | None = None
    """The case that shows the requirement that blocks them as not met."""

    @property
    def names(self) -> str:
        """The ids of the requirements, or only their number if many were not chosen."""
        if self.cause == _NOT_CHOSEN and len(self.requirements) > _FEW:
            return f"{len(self.requirements)} requirements"
        return ", ".join(self.requirements)


def not_judged(run: Run, ours: Iterable[RequirementResult]) -> list[NotJudged]:
    """Return why some of `ours` were neither met nor failed, each cause once."""
    not_reached, not_chosen, extended, lab_only = set[str](), set[str](), set[str](), set[str]()
    if (plan := run.plan) is not None:
        not_reached.update(*(plan.cases.get(case, ()) for case in run.missing))
        not_chosen.update(*(plan.cases.get(case, ()) for case in plan.left_out))
        extended.update(*plan.extended.values())
        lab_only.update(*plan.lab_only.values())
    causes: dict[str, list[RequirementResult]] = {}
    for item in ours:
        if item.verdict is RequirementVerdict.BLOCKED:
            cause = f"blocked by {item.blocked_by or '?'}"
        elif item.verdict in _NAMED_AS:
            lacks = item.capability is not None and item.capability not in run.capabilities
            cause = _NAMED_AS[item.verdict] + (f", needs {item.capability}" if lacks else "")
        elif item.verdict is not RequirementVerdict.UNTESTED:
            continue
        elif item.id in not_reached:
            cause = "not reached"
        elif item.id in not_chosen:
            cause = _NOT_CHOSEN
        elif item.id in extended:
            cause = "takes minutes, needs --extended"
        elif item.id in lab_only:
            cause = "needs --network lab"
        else:
            cause = _NOT_CHOSEN if item.covered else "no scenario yet"
        causes.setdefault(cause, []).append(item)
    return [
        NotJudged(cause, tuple(item.id for item in items), _blocking_case(run, items[0]))
        for cause, items in causes.items()
    ]


def _blocking_case(run: Run, item: RequirementResult) -> ScenarioResult | None:
    """Return the case that failed the requirement that blocks `item`, preferably the one its result names."""
    if (blocker := item.blocked_by) is None:
        return None
    named = {getattr(each, "blocked_by_case", None) for each in run.scenarios if item.id in each.requirements}
    not_met = [each for each in run.scenarios if each.did_not_meet(blocker)]
    return next((each for each in not_met if each.id in named), not_met[0] if not_met else None)


def subject_line(run: Run) -> list[str]:
    """Return a line for each implementation that was judged, with its roles."""
    roles: dict[str, list[str]] = {}
    for role, subject in run.subjects.items():
        if role in run.judged_roles or (role != "router" and "peer" in run.judged_roles):
            who = f"{subject.name} {subject.version} ({subject.language}, driver {subject.driver})"
            if subject.name == subject.driver:  # Of an external router only the URL is known.
                who = subject.name
            roles.setdefault(who, []).append(role)
    return [f"Judged as {_enumerated(names)}: {who}" for who, names in roles.items()]


def _enumerated(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def citation(item: Requirement | RequirementResult) -> str:
    """Return the source of a requirement: `specification, section "Architecture"`, `standard, RFC 8122`."""
    section = f'section "{item.section}"' if item.section else ""
    return ", ".join(part for part in (Source(item.source).label, section, item.reference) if part)


def sentence(item: Requirement | RequirementResult) -> str:
    """Return the quoted words of the specification, or a summary of another source."""
    return f'"{item.quote}"' if item.quote else item.source_text


def source_line(item: Requirement | RequirementResult) -> str:
    """Return level, citation and sentence of a requirement in one line."""
    return f"{item.level.upper()} ({citation(item)}): {sentence(item)}"


def first_line(text: str) -> str:
    """Return the first line of a text that is not blank."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def seconds(duration: float) -> str:
    """Return a duration in seconds with one decimal."""
    return f"{duration:.1f} s"
