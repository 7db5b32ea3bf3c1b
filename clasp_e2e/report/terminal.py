"""The summary of a run on the terminal."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.text import Text

from clasp_e2e.report.words import (
    OF_VERDICT,
    STYLES,
    because,
    count_levels,
    first_line,
    not_judged,
    seconds,
    source_line,
    subject_line,
)
from clasp_e2e.results.common_ground import convention_lines
from clasp_e2e.results.outcome import Outcome, RequirementVerdict
from clasp_e2e.results.run_record import Run, ScenarioResult
from clasp_e2e.results.same_reason import by_cause
from clasp_e2e.spec.catalogue import Catalogue, Level, concerns

WIDEST = 110
MOST_CASES = 3
"""Maximum number of failures that are shown for a requirement; one may occur in several pairings."""
LONG_WAIT = 1.0
"""Seconds of waiting from which a case is listed."""


class LineWriter(Protocol):
    """A terminal that prints text unchanged, such as pytest's own reporter."""

    hasmarkup: bool

    def write_line(self, line: str) -> None:
        """Write `line` and a line end."""
        ...


def print_summary(
    run: Run, catalogue: Catalogue, console: Console | LineWriter, *, results: Path | None = None
) -> None:
    """Print the verdict of a run and its reasons.

    The text has colours on a terminal only. `results` is the path of `results.json`.
    """
    if isinstance(console, Console):
        colour, width = console.is_terminal and not console.no_color, console.width
    else:
        colour, width = console.hasmarkup, Console().width
    text = io.StringIO()
    own = Console(
        file=text,
        width=min(width, WIDEST),
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    _Summary(run, catalogue, own).print(results)
    lines = "\n".join(line.rstrip() for line in text.getvalue().splitlines())
    if isinstance(console, Console):
        console.file.write(f"{lines}\n")
    else:
        console.write_line(lines)


@dataclass(frozen=True, slots=True)
class _Line:
    """A text of a section; it is wrapped, unless it is meant to be copied."""

    text: str
    style: str = ""
    indent: int = 0
    copied: bool = False


_Rows = list[tuple[str, list[_Line]]]
"""The rows of a section: the text of the first column, which may be empty, and the lines of the second."""


class _Summary:
    """The sections of the summary; one without content is left out."""

    def __init__(self, run: Run, catalogue: Catalogue, console: Console) -> None:
        self._run = run
        self._catalogue = catalogue
        self._console = console
        self._ours = [item for item in run.requirements if concerns(item.judges, run.judged_roles)]

    def print(self, results: Path | None) -> None:
        self._head()
        self._not_met("Failed", RequirementVerdict.FAIL, "red")
        self._not_met("Deviations", RequirementVerdict.DEVIATION, "yellow")
        self._errors()
        self._conventions()
        self._not_judged()
        self._remarks()
        self._baselines()
        self._waits()
        if results is not None:
            self._title(f"Results: {results}")

    def _head(self) -> None:
        verdict = self._run.verdict
        self._title(OF_VERDICT[verdict], f"bold {STYLES[verdict]}")
        lines = [because(self._run, self._ours), *subject_line(self._run)]
        counts = [count for count in count_levels(self._ours) if count.judged]
        if counts:
            met = (f"{_level(count.level)} {count.met} of {count.judged}" for count in counts)
            lines.append(f"Requirements met, of those judged: {', '.join(met)}")
        totals = self._run.totals
        if totals[Outcome.EXPECTED_FAILURE] and not totals[Outcome.FAILED]:
            lines.append("Every failure is a known one, listed with its reason; these do not fail the run.")
        self._lines([_Line(line) for line in lines if line], 2)
        if self._run.catalogue and self._catalogue.hash and self._run.catalogue != self._catalogue.hash:
            note = "These results were judged by another catalogue than that of this harness."
            self._lines([_Line(note, "yellow")], 2)

    def _not_met(self, title: str, verdict: RequirementVerdict, style: str) -> None:
        rows: _Rows = []
        for item in self._ours:
            if item.verdict is verdict:
                failing = [each for each in self._run.scenarios if each.did_not_meet(item.id)]
                failing.sort(key=lambda each: each.judgment(item.id) is Outcome.EXPECTED_FAILURE)
                failures = by_cause(failing, item.id)
                lines = [_Line(item.statement), _Line(source_line(item), "dim")]
                lines += [line for first, *others in failures[:MOST_CASES] for line in _case(first, others)]
                if more := sum(map(len, failures[MOST_CASES:])):
                    lines.append(_Line(f"and {more} more"))
                rows.append((item.id, lines))
        self._section(title, rows, style)

    def _errors(self) -> None:
        rows = [
            ("", [_Line(each.title), *_case(each)])
            for each in self._run.scenarios
            if each.outcome is Outcome.ERROR
        ]
        self._section("Errors of the harness, a driver or the environment", rows, "red")

    def _conventions(self) -> None:
        rows: _Rows = [("", [_Line(line)]) for line in convention_lines(self._run.scenarios)]
        self._section("Conventions that differ", rows, "")

    def _not_judged(self) -> None:
        rows: _Rows = []
        for each in not_judged(self._run, self._ours):
            lines = [_Line(f"{each.cause}: {each.names}")]
            if each.blocking is not None:
                lines.append(_Line(f"not met in {each.blocking.id}", indent=2, copied=True))
                lines += _repeat(each.blocking)
            rows.append(("", lines))
        self._section("Not judged", rows, "yellow")

    def _remarks(self) -> None:
        rows = [(item.id, [_Line(each) for each in item.remarks]) for item in self._ours if item.remarks]
        self._section("Observed, and not judged", rows, "")

    def _baselines(self) -> None:
        for title, texts, style in (
            ("Known failures that do not match their list", self._run.complaints, "bold red"),
            ("Known failures that this run could not check", self._run.notes, "bold"),
        ):
            if texts:
                self._title(title, style)
                self._lines([_Line(text, copied=True) for text in texts], 2)

    def _waits(self) -> None:
        waits = sorted(self._run.scenarios, key=lambda scenario: -scenario.waited_s)[:3]
        rows = [
            (seconds(each.waited_s), [_Line(f"{each.title} ({each.pairing})")])
            for each in waits
            if each.waited_s >= LONG_WAIT
        ]
        self._section("Longest waits", rows, "")

    def _section(self, title: str, rows: _Rows, style: str) -> None:
        if not rows:
            return
        self._title(title, f"bold {style}".strip())
        longest = max(len(name) for name, _ in rows)
        for name, lines in rows:
            self._lines(lines, longest + 4 if longest else 2, f"  {name}")

    def _lines(self, lines: Sequence[_Line], indent: int, head: str = "") -> None:
        """Print lines with an indent, which contains `head` in the first line."""
        for line in lines:
            left = indent + line.indent
            text = Text(line.text, line.style)
            for part in [text] if line.copied else text.wrap(self._console, self._console.width - left):
                self._console.print(Text(f"{head:<{left}}").append_text(part), soft_wrap=True)
                head = ""

    def _title(self, title: str, style: str = "") -> None:
        self._console.print()
        self._console.print(Text(title, style), soft_wrap=True)


def _case(scenario: ScenarioResult, others: Sequence[ScenarioResult] = ()) -> list[_Line]:
    """Return the name of a failed case, its message, and the command that repeats it.

    `others` are the cases of its scenario that failed for the same reason in other pairings.
    """
    also = f" and {', '.join(each.pairing for each in others)}" if others else ""
    lines = [_Line(f"{scenario.id}{also}", copied=True)]
    if message := first_line(scenario.message):
        lines.append(_Line(message, indent=2))
    if scenario.evidence and scenario.outcome is Outcome.DEVIATION:  # A failure is shown in full above.
        lines.append(_Line(f"Evidence {scenario.evidence}", indent=2, copied=True))
    if scenario.outcome is Outcome.EXPECTED_FAILURE:
        lines.append(_Line(f"known: {scenario.known_failure}", "dim", indent=2))
    return lines + _repeat(scenario)


def _repeat(scenario: ScenarioResult) -> list[_Line]:
    command = scenario.replay
    return [_Line(f"Repeat with {command}", indent=2, copied=True)] if command else []


def _level(level: Level) -> str:
    return "remarks" if level is Level.REMARK else level.upper()
