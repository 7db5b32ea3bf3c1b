"""A run in the Test Anything Protocol, version 14 (TAP), for tools that read it."""

import json
from collections.abc import Iterator

from clasp_e2e.report.words import first_line
from clasp_e2e.results.outcome import NO_VERDICT, Outcome
from clasp_e2e.results.run_record import NOT_MET, Run, ScenarioResult


def render_tap(run: Run) -> str:
    """Return a test point for each case and each complaint about a baseline.

    A point is `not ok` where the gate fails. A known failure and a deviation that does not fail the gate are
    marked TODO, a case without a verdict SKIP.
    """
    lines = ["TAP version 14", f"1..{len(run.scenarios) + len(run.complaints)}"]
    for number, case in enumerate(run.scenarios, 1):
        lines += _point(number, case, run)
    for number, text in enumerate(run.complaints, len(run.scenarios) + 1):
        lines.append(f"not ok {number} - {_escaped(text)}")
    return "\n".join(lines) + "\n"


def _point(number: int, case: ScenarioResult, run: Run) -> Iterator[str]:
    failed = case.outcome in (*NOT_MET, Outcome.UNEXPECTED_PASS, Outcome.ERROR)
    directive = _directive(case, strict=run.strict)
    yield f"{'not ok' if failed else 'ok'} {number} - {_escaped(case.id)}{directive}"
    if failed:
        # JSON is YAML, and quotes every text.
        yield "  ---"
        yield f"  message: {json.dumps(first_line(case.message))}"
        yield f"  severity: {'fail' if case.outcome is not Outcome.ERROR else 'error'}"
        yield f"  requirements: {json.dumps([name for name in case.requirements if case.did_not_meet(name)])}"
        if case.replay:
            yield f"  repeat: {json.dumps(case.replay)}"
        yield "  ..."


def _directive(case: ScenarioResult, *, strict: bool) -> str:
    if case.outcome in NO_VERDICT:
        reason = f"{case.outcome.value.replace('_', ' ')}: {first_line(case.message)}"
        return f" # SKIP {_escaped(reason)}"
    if case.outcome is Outcome.EXPECTED_FAILURE:
        return f" # TODO {_escaped(f'known failure: {case.known_failure}')}"
    if case.outcome is Outcome.DEVIATION and not strict:
        return " # TODO deviation from a SHOULD"
    return ""


def _escaped(text: str) -> str:
    """Return `text` in one line, without the start of a directive."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("#", "\\#")
