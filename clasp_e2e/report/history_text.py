"""The history of an implementation, as lines of text and in Markdown."""

from collections.abc import Iterator, Sequence

from clasp_e2e.report.markdown import plain, table
from clasp_e2e.report.words import OF_VERDICT
from clasp_e2e.results.outcome import RequirementVerdict, Verdict
from clasp_e2e.results.version_history import (
    JudgedVersion,
    RequirementHistory,
    Trend,
    requirement_histories,
)
from clasp_e2e.spec.catalogue import Catalogue, Level

TITLES = {
    Trend.BROKEN: "Not met any more",
    Trend.NEVER_MET: "Never met",
    Trend.MENDED: "Met now",
}
"""The headings of the requirements that a version did not meet; of the others, only the number is given."""
SIGNS = {
    RequirementVerdict.PASS: "✓",
    RequirementVerdict.FAIL: "✗",
    RequirementVerdict.DEVIATION: "△",
}
OTHER_SIGN = "·"
LEGEND = "✓ met, ✗ failed (MUST), △ deviation (SHOULD), · not judged"
VERDICT_SIGNS = {
    Verdict.CONFORMANT: "✓",
    Verdict.CONFORMANT_WITH_DEVIATIONS: "△",
    Verdict.NON_CONFORMANT: "✗",
}


def history_lines(history: Sequence[JudgedVersion], catalogue: Catalogue) -> Iterator[str]:
    """Yield the lines for a terminal: a sign for each version, and the first bad and first good version."""
    newest = history[-1]
    yield f"{title(history)}: {OF_VERDICT[newest.verdict]} in {newest.version}"
    yield f"Versions, from the oldest: {', '.join(version.version for version in history)}"
    yield f"Verdicts: {''.join(VERDICT_SIGNS.get(each.verdict, OTHER_SIGN) for each in history)}"
    yield LEGEND
    found = requirement_histories(history)
    for trend, heading in TITLES.items():
        rows = [each for each in found if each.trend is trend]
        if rows:
            yield ""
            yield heading
        for row in rows:
            head = f"{row.id} {level(row.id, catalogue)}".rstrip()
            yield f"  {head:<16}{signs(row)}  {when(row)}"
            if reason := newest_reason(row.id, history):
                yield f"  {'':<16}{reason}"
    yield ""
    yield summary(found)


def render_history_markdown(history: Sequence[JudgedVersion], catalogue: Catalogue) -> str:
    """Return the history in Markdown: a table of versions, and one of requirements that one did not meet."""
    found = requirement_histories(history)
    parts = [f"## CLASP P2P: history of {plain(title(history))}"]
    versions = [
        (plain(each.version), OF_VERDICT[each.verdict].lower(), *map(str, not_met(each, catalogue)))
        for each in reversed(history)
    ]
    parts.append(table(("Version", "Verdict", "MUST not met", "others not met"), versions))
    rows = [
        (
            each.id,
            level(each.id, catalogue),
            signs(each),
            plain(when(each)),
            plain(newest_reason(each.id, history)),
        )
        for trend in TITLES
        for each in found
        if each.trend is trend
    ]
    if rows:
        parts.append(f"From the oldest version: {LEGEND}.")
        parts.append(table(("Requirement", "Level", "Versions", "When", "Reason"), rows))
    parts.append(plain(summary(found)))
    return "\n\n".join(parts) + "\n"


def title(history: Sequence[JudgedVersion]) -> str:
    """Return the names of the implementation, the newest first, and the number of versions."""
    names = dict.fromkeys(version.implementation for version in reversed(history))
    count = f"{len(history)} version{'s' * (len(history) != 1)}"
    return f"{' / '.join(names)}, {count}"


def signs(row: RequirementHistory) -> str:
    """Return one sign for each version."""
    return "".join(SIGNS.get(verdict, OTHER_SIGN) if verdict else OTHER_SIGN for verdict in row.verdicts)


def when(row: RequirementHistory) -> str:
    """Return the first bad and first good versions in words."""
    return "; ".join(
        (f"first bad {each.first_bad}" if each.last_good else f"bad in {each.first_bad}, the first judged")
        + (f", first good {each.first_good}" if each.first_good else "")
        for each in row.bad
    )


def level(requirement_id: str, catalogue: Catalogue) -> str:
    """Return the level of a requirement, or nothing if the catalogue no longer has it."""
    return catalogue[requirement_id].level.upper() if requirement_id in catalogue else ""


def not_met(version: JudgedVersion, catalogue: Catalogue) -> tuple[int, int]:
    """Return the numbers of MUST requirements and of others that a version did not meet."""
    bad = [name for name in version.requirements if name in version.reasons]
    musts = sum(level(name, catalogue) == Level.MUST.upper() for name in bad)
    return musts, len(bad) - musts


def newest_reason(requirement_id: str, history: Sequence[JudgedVersion]) -> str:
    """Return the reason of the newest version that did not meet a requirement."""
    return next(
        (each.reasons[requirement_id] for each in reversed(history) if requirement_id in each.reasons), ""
    )


def summary(found: Sequence[RequirementHistory]) -> str:
    """Return the number of requirements of each trend in one line."""
    words = {
        Trend.BROKEN: "not met any more",
        Trend.NEVER_MET: "never met",
        Trend.MENDED: "met now",
        Trend.MET: "met in every version",
        Trend.NOT_JUDGED: "not judged",
    }
    counts = ((sum(each.trend is trend for each in found), text) for trend, text in words.items())
    return "Requirements: " + ", ".join(f"{count} {text}" for count, text in counts if count)
