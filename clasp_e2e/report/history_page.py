"""The history of an implementation as one self-contained HTML page: requirements by version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clasp_e2e.report.history_text import LEGEND, TITLES, not_met, title, when
from clasp_e2e.report.pages import render_page
from clasp_e2e.results.version_history import (
    BAD,
    JudgedVersion,
    RequirementHistory,
    Trend,
    requirement_histories,
)
from clasp_e2e.spec.catalogue import Catalogue, Requirement


@dataclass(frozen=True, slots=True)
class _VersionColumn:
    version: JudgedVersion
    musts: int
    """The number of MUST requirements that were not met."""
    others: int
    height: int
    """The height of the bar of all that was not met, in percent of the highest."""


@dataclass(frozen=True, slots=True)
class _HistoryRow:
    history: RequirementHistory
    requirement: Requirement | None
    """None if the catalogue no longer has it."""
    when: str
    reasons: Sequence[tuple[str, str]]
    """The versions that did not meet it, with the reason; successive ones with one reason are together."""


def render_history_html(history: Sequence[JudgedVersion], catalogue: Catalogue) -> str:
    """Return the page of a history. The same history gives the same bytes."""
    counts = [not_met(version, catalogue) for version in history]
    highest = max(map(sum, counts)) or 1
    rows = [_row(each, history, catalogue) for each in requirement_histories(history)]
    groups = [
        (heading, [row for row in rows if row.history.trend is trend]) for trend, heading in TITLES.items()
    ]
    return render_page(
        "history.html.j2",
        title=title(history),
        newest=history[-1],
        columns=[
            _VersionColumn(version, *count, height=round(100 * sum(count) / highest))
            for version, count in zip(history, counts, strict=True)
        ],
        groups=[(heading, found) for heading, found in groups if found],
        met=[row for row in rows if row.history.trend is Trend.MET],
        not_judged=[row.history.id for row in rows if row.history.trend is Trend.NOT_JUDGED],
        legend=LEGEND,
    )


def _row(found: RequirementHistory, history: Sequence[JudgedVersion], catalogue: Catalogue) -> _HistoryRow:
    reasons: list[tuple[str, str]] = []
    for version, verdict in zip(history, found.verdicts, strict=True):
        if verdict not in BAD:
            continue
        reason = version.reasons.get(found.id, "")
        if reasons and reasons[-1][1] == reason:
            reasons[-1] = (f"{reasons[-1][0]}, {version.version}", reason)
        else:
            reasons.append((version.version, reason))
    return _HistoryRow(found, dict(catalogue).get(found.id), when(found), reasons)
