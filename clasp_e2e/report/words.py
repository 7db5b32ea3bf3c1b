"""The words in which reports speak of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clasp_e2e.results.outcome import RequirementVerdict, Verdict
from clasp_e2e.results.run_record import RequirementResult, Run
from clasp_e2e.spec.catalogue import Level, Requirement, Source

OF_VERDICT = {
    Verdict.CONFORMANT: "CONFORMANT",
    Verdict.CONFORMANT_WITH_DEVIATIONS: "CONFORMANT, WITH DEVIATIONS",
    Verdict.NON_CONFORMANT: "NOT CONFORMANT",
    Verdict.PARTIAL: "PARTIAL",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
}

_NAMED_AS = {
    RequirementVerdict.UNOBSERVED: "unobserved",
    RequirementVerdict.NOT_OFFERED: "not offered",
    RequirementVerdict.SKIPPED: "skipped",
}
_NOT_CHOSEN = "not chosen"
_FEW = 12
"""So many requirements that were left out on purpose are named; of more, the number is told."""


def because(run: Run, ours: Sequence[RequirementResult]) -> str:
    """Return in one sentence why the verdict of `run` is what it is; `ours` concern who was judged."""
    musts = [item for item in ours if item.level == Level.MUST]

    def those(*verdicts: RequirementVerdict, among: Sequence[RequirementResult] = musts) -> str:
        return ", ".join(item.id for item in among if item.verdict in verdicts)

    match run.verdict:
        case Verdict.NON_CONFORMANT:
            return f"What the specification requires was not met: {those(RequirementVerdict.FAIL)}."
        case Verdict.CONFORMANT_WITH_DEVIATIONS:
            deviations = those(RequirementVerdict.DEVIATION, among=ours)
            return f"All that the specification requires was met; other expectations were not: {deviations}."
        case Verdict.CONFORMANT:
            return "All that the specification requires was judged and met."
        case Verdict.PARTIAL:
            missing = [
                item.id
                for item in musts
                if item.verdict is not RequirementVerdict.PASS
                and (item.covered or item.verdict is not RequirementVerdict.UNTESTED)
            ]
            unchosen = [item.id for item in musts if item.verdict is RequirementVerdict.UNTESTED]
            if run.missing:
                return (
                    f"Nothing required failed in what ran; {len(run.missing)} cases that were to run have no"
                    f" result, {run.missing[0]} among them."
                )
            if run.subset and set(missing) <= set(unchosen):
                return "Nothing required failed in the part of the scenarios that was chosen."
            if missing:
                return f"Nothing required failed, but not all of it was judged: {', '.join(missing)}."
            return "Nothing required failed in the part of the scenarios that was chosen."
        case Verdict.INCONCLUSIVE:
            if errors := those(RequirementVerdict.ERROR, among=run.requirements):
                return f"There were errors that are no verdict on the implementation: {errors}."
            if unobserved := those(RequirementVerdict.UNOBSERVED):
                return f"What decides these could not be observed: {unobserved}."
            return "Nothing was judged."


def not_judged(ours: Iterable[RequirementResult]) -> list[tuple[str, str]]:
    """Return why some of `ours` were neither met nor failed: each cause, with its ids."""
    causes: dict[str, list[str]] = {}
    for item in ours:
        if item.verdict is RequirementVerdict.BLOCKED:
            causes.setdefault(f"blocked by {item.blocked_by or '?'}", []).append(item.id)
        elif item.verdict in _NAMED_AS:
            needs = f", needs {item.capability}" if item.capability else ""
            causes.setdefault(f"{_NAMED_AS[item.verdict]}{needs}", []).append(item.id)
        elif item.verdict is RequirementVerdict.UNTESTED:
            causes.setdefault(_NOT_CHOSEN if item.covered else "no scenario yet", []).append(item.id)
    return [
        (cause, f"{len(ids)} requirements" if cause == _NOT_CHOSEN and len(ids) > _FEW else ", ".join(ids))
        for cause, ids in causes.items()
    ]


def subject_line(run: Run) -> list[str]:
    """Return who was judged: a line for each implementation, with the roles that it stood in."""
    roles: dict[str, list[str]] = {}
    for role, subject in run.subjects.items():
        if role in run.judged_roles or (role != "router" and "peer" in run.judged_roles):
            who = f"{subject.name} {subject.version} ({subject.language}, driver {subject.driver})"
            if subject.name == subject.driver:  # A router that was running: all that is known is its URL.
                who = subject.name
            roles.setdefault(who, []).append(role)
    return [f"Judged as {_enumerated(stood)}: {who}" for who, stood in roles.items()]


def _enumerated(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def citation(item: Requirement | RequirementResult) -> str:
    """Return where it is written: `specification, section "Architecture"`, `standard, RFC 8122`."""
    section = f'section "{item.section}"' if item.section else ""
    return ", ".join(part for part in (Source(item.source).label, section, item.reference) if part)


def sentence(item: Requirement | RequirementResult) -> str:
    """Return the specification's words in quotation marks, or another source's in ours."""
    return f'"{item.quote}"' if item.quote else item.source_text


def source_line(item: Requirement | RequirementResult) -> str:
    """Return level, place and sentence of a requirement's source in one line."""
    return f"{item.level.upper()} ({citation(item)}): {sentence(item)}"


def first_line(text: str) -> str:
    """Return the first line of a text that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def seconds(duration: float) -> str:
    """Return a duration as people read it."""
    return f"{duration:.1f} s"
