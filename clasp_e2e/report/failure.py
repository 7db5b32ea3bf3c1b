"""The text of a failed scenario, for the author of the implementation."""

import textwrap
from pathlib import Path

from clasp_e2e.report.words import citation, sentence
from clasp_e2e.results.evidence import PACKETS
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import NOT_MET, ScenarioResult
from clasp_e2e.spec.catalogue import Requirement

WIDTH = 100
_COLUMN = 12


def render_failure(
    result: ScenarioResult,
    requirement: Requirement,
    *,
    expected: str,
    seen: str,
    timeline_tail: str = "",
    replay: str = "",
) -> str:
    """Return the requirement, the expectation, the observation, the files of evidence and the replay command.

    `timeline_tail` holds the last lines of the timeline; `replay` is by default that of `result`. Text is
    wrapped at 100 columns; timeline and command are not.
    """
    adopted = ", ".join(result.roles.adopted) if result.roles else ""
    with_conventions = f", with the conventions of the implementation: {adopted}" if adopted else ""
    lines = block("Scenario", result.title) + block("", f"in the pairing {result.pairing}{with_conventions}")
    lines += block("Required", f"{requirement.id}, {requirement.level.upper()} ({citation(requirement)})")
    lines += block("", sentence(requirement))
    lines += block("", requirement.statement)
    if result.outcome is Outcome.ERROR:
        lines += block(
            "Error",
            "The harness, a driver or the environment failed. This is not a verdict on the implementation.",
        )
    if expected:
        lines += block("Expected", expected)
    if seen:
        lines += block("Seen", seen)
    if result.message and (result.outcome is Outcome.ERROR or not (expected or seen)):
        lines += _verbatim("Message", result.message)
    if timeline_tail.strip():
        lines += _verbatim("Timeline", timeline_tail)
    if result.evidence:
        lines += _verbatim("Evidence", result.evidence)
        if result.outcome in NOT_MET | {Outcome.ERROR}:
            lines += _verbatim("Packets", str(Path(result.evidence).with_suffix(PACKETS)))
    if command := replay or result.replay:
        lines += _verbatim("Repeat with", command)
    return "\n".join(lines)


def block(name: str, text: str, width: int = WIDTH) -> list[str]:
    """Return prose after its name, wrapped at `width` columns; keep the indent of each line.

    An empty name continues the previous block.
    """
    wrapped: list[str] = []
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        wrapped += textwrap.wrap(
            line.strip(),
            max(width - _COLUMN, 2 * _COLUMN),
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return _named(name, wrapped)


def _verbatim(name: str, text: str) -> list[str]:
    """Return lines unchanged after their name, so that they can be copied."""
    return _named(name, textwrap.dedent(text).strip("\n").splitlines())


def _named(name: str, lines: list[str]) -> list[str]:
    names = [name, *[""] * len(lines)]
    return [f"{each:<{_COLUMN}}{line}".rstrip() for each, line in zip(names, lines, strict=False)]
