"""JUnit XML of a run, for CI systems that display tests.

It is valid against both schemas in use, Ant's and that of Jenkins' xUnit plugin.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from clasp_e2e.report.words import OF_VERDICT, first_line, source_line, subject_line
from clasp_e2e.results.outcome import NO_VERDICT, Outcome
from clasp_e2e.results.run_record import Run, ScenarioResult

_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(run: Run) -> str:
    """Return the document: a suite with a case for each scenario in each pairing.

    A deviation fails only in a strict run. A known failure is skipped, with its reason. Each complaint about
    a baseline is a separate failed case.
    """
    cases = [_case(scenario, run) for scenario in run.scenarios]
    cases += [_complaint(number, text) for number, text in enumerate(run.complaints, 1)]
    suite = ET.Element(
        "testsuite",
        {
            "name": "clasp-e2e",
            "package": "clasp_e2e",
            "id": "0",
            "timestamp": run.started[:19],
            "hostname": "localhost",
            "tests": str(len(cases)),
            "failures": str(_count_having(cases, "failure")),
            "errors": str(_count_having(cases, "error")),
            "skipped": str(_count_having(cases, "skipped")),
            "time": f"{run.duration_s:.3f}",
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(run).items():
        ET.SubElement(properties, "property", {"name": name, "value": _text(value)})
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = _text("\n".join(_deviations(run)))
    ET.SubElement(suite, "system-err")
    document = ET.Element("testsuites")
    document.append(suite)
    ET.indent(document)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(document, encoding="unicode")}\n'


def _properties(run: Run) -> Mapping[str, str]:
    return {
        "verdict": OF_VERDICT[run.verdict],
        **{f"subject {number}": line for number, line in enumerate(subject_line(run), 1)},
        "tool": " ".join(run.tool.values()),
        "catalogue": run.catalogue,
        "seed": str(run.seed),
        "command": run.command,
        "platform": run.platform,
    }


def _case(scenario: ScenarioResult, run: Run) -> ET.Element:
    module, _, name = scenario.id.rpartition("::")
    case = _empty_case(f"scenarios.{module.removesuffix('.py')}", name, scenario.duration_s)
    match scenario.outcome:
        case Outcome.FAILED | Outcome.UNEXPECTED_PASS:
            _add_problem(case, "failure", scenario, run)
        case Outcome.DEVIATION if run.strict:
            _add_problem(case, "failure", scenario, run)
        case Outcome.ERROR:
            _add_problem(case, "error", scenario, run)
        case Outcome.EXPECTED_FAILURE:
            reason = f"known failure: {scenario.known_failure}"
            ET.SubElement(case, "skipped", {"message": _text(reason)})
        case outcome if outcome in NO_VERDICT:
            reason = f"{outcome.value.replace('_', ' ')}: {first_line(scenario.message)}"
            ET.SubElement(case, "skipped", {"message": _text(reason)})
        case _:
            pass
    return case


def _complaint(number: int, text: str) -> ET.Element:
    case = _empty_case("scenarios.baseline", f"known failures match the baseline, {number}", 0.0)
    ET.SubElement(case, "failure", {"type": "baseline", "message": _text(text)}).text = _text(text)
    return case


def _empty_case(classname: str, name: str, duration: float) -> ET.Element:
    return ET.Element(
        "testcase", {"classname": _text(classname), "name": _text(name), "time": f"{duration:.3f}"}
    )


def _add_problem(case: ET.Element, kind: str, scenario: ScenarioResult, run: Run) -> None:
    message = first_line(scenario.message) or scenario.outcome.value.replace("_", " ")
    problem = ET.SubElement(case, kind, {"type": scenario.outcome.value, "message": _text(message)})
    lines = [scenario.title, f"Pairing: {scenario.pairing}"]
    lines += [
        f"{item.id}: {item.statement}\n{source_line(item)}"
        for item in run.requirements
        if scenario.did_not_meet(item.id)
    ]
    lines += [scenario.message, f"Evidence: {scenario.evidence}" if scenario.evidence else ""]
    lines += [f"Repeat with:\n{scenario.replay}" if scenario.replay else ""]
    problem.text = _text("\n".join(line for line in lines if line))


def _deviations(run: Run) -> list[str]:
    """Return a line for each deviation."""
    return [
        f"deviation: {scenario.id}: {first_line(scenario.message)}"
        for scenario in run.scenarios
        if scenario.outcome is Outcome.DEVIATION
    ]


def _count_having(cases: list[ET.Element], kind: str) -> int:
    return sum(case.find(kind) is not None for case in cases)


def _text(value: str) -> str:
    """Return `value` with the characters that XML does not allow replaced."""
    return _NOT_XML.sub("\ufffd", value)
