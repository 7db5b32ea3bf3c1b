"""A run in Markdown, for a pull request or the summary of a CI job."""

import re
from collections.abc import Iterable, Sequence

from clasp_e2e.report.words import (
    OF_VERDICT,
    NotJudged,
    because,
    count_levels,
    first_line,
    not_judged,
    seconds,
    sentence,
    subject_line,
)
from clasp_e2e.results.common_ground import convention_lines
from clasp_e2e.results.outcome import Outcome, RequirementVerdict
from clasp_e2e.results.run_record import RequirementResult, Run, ScenarioResult
from clasp_e2e.results.same_reason import by_cause
from clasp_e2e.spec.catalogue import Level, concerns

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#&])")


def render_markdown(run: Run) -> str:
    """Return the verdict, and each requirement that was not met with its source and replay command."""
    ours = [item for item in run.requirements if concerns(item.judges, run.judged_roles)]
    parts = [f"## CLASP P2P: {OF_VERDICT[run.verdict].lower()}", plain(because(run, ours))]
    parts.append("\n".join(f"- {plain(line)}" for line in subject_line(run)))
    parts.append(_counts(ours))
    for title, verdict in (
        ("Failed", RequirementVerdict.FAIL),
        ("Deviations", RequirementVerdict.DEVIATION),
    ):
        parts += _not_met(title, [item for item in ours if item.verdict is verdict], run.scenarios)
    parts += _errors(run.scenarios)
    parts += _list("Known failures that do not match their list", run.complaints)
    parts += _list("Conventions that differ", convention_lines(run.scenarios))
    parts += _not_judged(not_judged(run, ours))
    parts.append(
        f"<sub>{plain(' '.join(run.tool.values()))}, seed {run.seed}, {seconds(run.duration_s)},"
        f" {plain(run.started)}</sub>"
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _counts(ours: Sequence[RequirementResult]) -> str:
    rows = [
        (count.level.upper(), f"{count.met} of {count.judged}", str(count.not_judged))
        for count in count_levels(ours)
        if count.level is not Level.REMARK
    ]
    return table(("Requirements", "met, of those judged", "not judged"), rows)


def _not_met(
    title: str, items: Sequence[RequirementResult], scenarios: Sequence[ScenarioResult]
) -> list[str]:
    if not items:
        return []
    parts = [f"### {title}"]
    for item in items:
        parts.append(f"**{item.id}** {plain(item.statement)}\n> {plain(sentence(item))}")
        failures = [scenario for scenario in scenarios if scenario.did_not_meet(item.id)]
        parts.append("\n".join(_failure(each, item.id) for each in by_cause(failures, item.id)))
    return parts


def _failure(cases: Sequence[ScenarioResult], requirement_id: str) -> str:
    """Return the entry of a failure, which may have occurred in several pairings."""
    first, pairings = cases[0], ", ".join(each.pairing for each in cases)
    is_known = first.judgment(requirement_id) is Outcome.EXPECTED_FAILURE
    known = f" Known: {plain(first.known_failure or '')}" if is_known else ""
    again = f"\n  {code(first.replay)}" if first.replay else ""
    return f"- {plain(pairings)}: {plain(first_line(first.message))}{known}{again}"


def _errors(scenarios: Iterable[ScenarioResult]) -> list[str]:
    return _list(
        "Errors of the harness, a driver or the environment",
        [
            f"{each.title} ({each.pairing}): {first_line(each.message)}"
            for each in scenarios
            if each.outcome is Outcome.ERROR
        ],
    )


def _not_judged(causes: Iterable[NotJudged]) -> list[str]:
    lines: list[str] = []
    for each in causes:
        case = each.blocking
        by = f" ({plain(case.id)}, repeat with {code(case.replay)})" if case and case.replay else ""
        lines.append(f"- {plain(each.cause)}{by}: {plain(each.names)}")
    return ["### Not judged", "\n".join(lines)] if lines else []


def _list(title: str, lines: Sequence[str]) -> list[str]:
    return [f"### {title}", "\n".join(f"- {plain(line)}" for line in lines)] if lines else []


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the cells must be Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain(text: str) -> str:
    """Return `text` in one line, escaped for Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return `text` as inline code, with a fence longer than any run of backticks in it."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{' '.join(text.split())}{padding}{fence}"
