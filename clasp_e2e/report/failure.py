"""The text of a failed scenario, for the author of the implementation."""

import textwrap
from pathlib import Path

from clasp_e2e.report.words import citation, sentence
from clasp_e2e.results.evidence import PACKETS
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
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
    lines = block("Scenario", result.title) + block("", _pairing(result))
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
    return "\n".join(lines + _to_look_further(result, replay))


def render_same_failure(result: ScenarioResult, *, before: ScenarioResult, requirement_id: str) -> str:
    """Return a failure for the reason of `before`, in another pairing: what differs, and its files."""
    lines = block("Scenario", f"as in {before.pairing}, now {_pairing(result)}")
    lines += block("Required", f"{requirement_id}, as above")
    lines += block("Message", result.message)
    return "\n".join(lines + _to_look_further(result, result.replay))


def _pairing(result: ScenarioResult) -> str:
    """Return the pairing, and which client is which implementation."""
    text = f"in the pairing {result.pairing}"
    roles = result.roles
    if roles is not None and roles.offerer and roles.answerer:
        text += f" (alice is {_participant(roles.offerer)}, bob {_participant(roles.answerer)})"
    if roles is not None and roles.adopted:
        text += f", with the conventions of the implementation: {', '.join(roles.adopted)}"
    return text


def _participant(label: str) -> str:
    return {REFERENCE: "the reference", SCRIPTED: "a scripted partner"}.get(label, label)


def _to_look_further(result: ScenarioResult, replay: str) -> list[str]:
    """Return the files of evidence, and the command that repeats the case."""
    lines: list[str] = []
    if result.evidence:
        lines += _verbatim("Evidence", result.evidence)
        if result.outcome in NOT_MET | {Outcome.ERROR}:
            lines += _verbatim("Packets", str(Path(result.evidence).with_suffix(PACKETS)))
    if command := replay or result.replay:
        lines += _verbatim("Repeat with", command)
    return lines


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
