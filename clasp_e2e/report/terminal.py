"""The summary of a run on the terminal, to be read at a glance."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from clasp_e2e.report.failure import render_failure
from clasp_e2e.report.words import (
    OF_VERDICT,
    because,
    first_line,
    not_judged,
    seconds,
    source_line,
    subject_line,
)
from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict
from clasp_e2e.results.run_record import NOT_MET, RequirementResult, Run, ScenarioResult
from clasp_e2e.spec.catalogue import Catalogue, Level, concerns

__all__ = ["print_summary", "render_failure"]

WIDEST = 110
LONG_WAIT = 1.0
"""Seconds below which a wait is not worth a line."""

_STYLE = {
    Verdict.CONFORMANT: "bold green",
    Verdict.CONFORMANT_WITH_DEVIATIONS: "bold green",
    Verdict.NON_CONFORMANT: "bold red",
    Verdict.PARTIAL: "bold yellow",
    Verdict.INCONCLUSIVE: "bold yellow",
}


class LineWriter(Protocol):
    """A terminal that takes text as it is: pytest's own reporter is one."""

    hasmarkup: bool

    def write_line(self, line: str) -> None:
        """Write `line` and a line end."""
        ...


def print_summary(
    run: Run, catalogue: Catalogue, console: Console | LineWriter, *, results: Path | None = None
) -> None:
    """Print what became of a run: the verdict first, then all that it rests on.

    On anything but a terminal the text is plain. `results` is where `results.json` lies.
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


class _Summary:
    """The summary's sections; each prints nothing where there is nothing to say."""

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
        self._not_judged()
        self._remarks()
        self._baselines()
        self._waits()
        if results is not None:
            self._line(Text(f"Results: {results}"))

    def _head(self) -> None:
        verdict = self._run.verdict
        self._line(Text(OF_VERDICT[verdict], style=_STYLE[verdict]))
        if reason := because(self._run, self._ours):
            self._console.print(Padding(Text(reason), (0, 0, 0, 2)))
        for line in subject_line(self._run):
            self._console.print(Padding(Text(line), (0, 0, 0, 2)))
        met = [self._met(level) for level in Level if self._judged(level)]
        if met:
            line = f"Requirements met, of those judged: {', '.join(met)}"
            self._console.print(Padding(Text(line), (0, 0, 0, 2)))
        counts = self._run.totals
        if counts[Outcome.EXPECTED_FAILURE] and not counts[Outcome.FAILED]:
            text = "Every failure is a known one, listed with its reason: these do not fail the run."
            self._console.print(Padding(Text(text), (0, 0, 0, 2)))
        if self._run.catalogue and self._catalogue.hash and self._run.catalogue != self._catalogue.hash:
            note = "These results were judged by another catalogue than the one of this harness."
            self._console.print(Padding(Text(note, style="yellow"), (0, 0, 0, 2)))

    def _judged(self, level: Level) -> list[RequirementResult]:
        untested = RequirementVerdict.UNTESTED
        return [item for item in self._ours if item.level == level and item.verdict is not untested]

    def _met(self, level: Level) -> str:
        those = self._judged(level)
        passed = sum(item.verdict is RequirementVerdict.PASS for item in those)
        name = "remarks" if level is Level.REMARK else level.upper()
        return f"{name} {passed} of {len(those)}"

    def _not_met(self, title: str, verdict: RequirementVerdict, style: str) -> None:
        those = [item for item in self._ours if item.verdict is verdict]
        rows: list[tuple[str, Text]] = []
        for item in those:
            text = Text(item.statement)
            text.append(f"\n{source_line(item)}", style="dim")
            for scenario in self._scenarios(item):
                if scenario.judgment(item.id) in NOT_MET:
                    text.append(f"\n{scenario.pairing}: {first_line(scenario.message)}")
                if scenario.judgment(item.id) is Outcome.EXPECTED_FAILURE:
                    text.append(f"\n    known: {scenario.known_failure}", style="dim")
            rows.append((item.id, text))
        self._section(title, rows, style)

    def _errors(self) -> None:
        rows = [
            (scenario.pairing, Text(f"{scenario.title}\n{first_line(scenario.message)}"))
            for scenario in self._run.scenarios
            if scenario.outcome is Outcome.ERROR
        ]
        self._section("Errors of the harness, a driver or the environment", rows, "red")

    def _not_judged(self) -> None:
        rows = [(cause, Text(ids)) for cause, ids in not_judged(self._ours)]
        self._section("Not judged", rows, "yellow")

    def _remarks(self) -> None:
        rows = [(item.id, Text("\n".join(item.remarks))) for item in self._ours if item.remarks]
        self._section("Seen, and not judged", rows, "")

    def _baselines(self) -> None:
        # One line each, as it is: what it names is to be found, and to be copied.
        for title, lines, style in (
            ("The known failures are not as they are listed", self._run.complaints, "bold red"),
            ("Known failures of which this run cannot tell", self._run.notes, "bold"),
        ):
            if lines:
                self._line(Text(title, style=style))
            for line in lines:
                self._console.print(Text(f"  {line}"), soft_wrap=True)

    def _waits(self) -> None:
        waits = sorted(self._run.scenarios, key=lambda scenario: -scenario.waited_s)[:3]
        rows = [
            (seconds(scenario.waited_s), Text(f"{scenario.title} ({scenario.pairing})"))
            for scenario in waits
            if scenario.waited_s >= LONG_WAIT
        ]
        self._section("Longest waits", rows, "")

    def _scenarios(self, item: RequirementResult) -> Iterable[ScenarioResult]:
        return (scenario for scenario in self._run.scenarios if item.id in scenario.requirements)

    def _section(self, title: str, rows: list[tuple[str, Text]], style: str) -> None:
        if not rows:
            return
        self._line(Text(title, style=f"bold {style}".strip()))
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(ratio=1)
        for name, text in rows:
            table.add_row(Text(name), text)
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def _line(self, text: Text) -> None:
        self._console.print()
        self._console.print(text, soft_wrap=True)
