"""TAP, SARIF and the JSON of a badge: what tools read of a run."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import yaml
from jsonschema import Draft202012Validator

from clasp_e2e.report.badge import render_endpoint
from clasp_e2e.report.sarif import render_sarif
from clasp_e2e.report.tap import render_tap
from clasp_e2e.report.words import output_lines
from clasp_e2e.results.outcome import Outcome, Verdict

from .runs import CATALOGUE, run_of, scenario

SEEN = "expected a # b; seen: c\nmore"


@pytest.mark.parametrize(
    ("outcome", "strict", "point"),
    [
        ("passed", False, "ok 1 - file::SND-6[rust-reference]"),
        ("failed", False, "not ok 1 - file::SND-6[rust-reference]"),
        ("error", False, "not ok 1 - file::SND-6[rust-reference]"),
        ("unexpected_pass", False, "not ok 1 - file::SND-6[rust-reference]"),
        ("deviation", False, "not ok 1 - file::SND-6[rust-reference] # TODO deviation from a SHOULD"),
        ("deviation", True, "not ok 1 - file::SND-6[rust-reference]"),
        ("expected_failure", True, "not ok 1 - file::SND-6[rust-reference] # TODO known failure: issue 1"),
        ("blocked", False, r"ok 1 - file::SND-6[rust-reference] # SKIP blocked: expected a \# b; seen: c"),
    ],
)
def test_tap_point_follows_gate(outcome: str, strict: bool, point: str) -> None:
    case = scenario("SND-6", outcome, message=SEEN, known_failure="issue 1")
    run = replace(run_of(case), strict=strict)
    version, plan, first, *rest = render_tap(run).splitlines()
    assert (version, plan, first) == ("TAP version 14", f"1..{len(run.scenarios)}", point)
    assert rest[-1].startswith(f"ok {len(run.scenarios)} - ")


def test_tap_has_point_for_each_complaint() -> None:
    run = replace(run_of(), complaints=("entry 1 is stale",))
    assert render_tap(run).splitlines()[-1] == f"not ok {len(run.scenarios) + 1} - entry 1 is stale"


def test_sarif_has_rule_and_result_of_each_failure() -> None:
    known = scenario("SND-2", "expected_failure", message="m", known_failure="issue 1")
    run = run_of(scenario("SND-1", "failed", message=SEEN, replay="repeat it"), known)
    document = json.loads(render_sarif(run))
    assert document["version"] == "2.1.0"
    (only,) = document["runs"]
    rules = {each["id"]: each for each in only["tool"]["driver"]["rules"]}
    assert set(rules) == {"SND-1", "SND-2"}
    assert rules["SND-1"]["helpUri"].startswith("https://")
    failed, expected = only["results"]
    assert (failed["ruleId"], failed["level"], failed["suppressions"]) == ("SND-1", "error", [])
    assert failed["message"]["text"] == (
        "SND-1 in rust-reference: expected a # b; seen: c; repeat with `repeat it`"
    )
    assert expected["suppressions"] == [{"kind": "external", "justification": "issue 1"}]
    assert all(
        each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in only["results"]
    )


def test_sarif_of_conformant_run_has_no_result() -> None:
    assert json.loads(render_sarif(run_of()))["runs"][0]["results"] == []


@pytest.mark.parametrize("verdict", Verdict)
def test_endpoint_has_the_fields_of_shields_io(verdict: Verdict) -> None:
    badge = json.loads(render_endpoint(verdict))
    assert badge["schemaVersion"] == 1
    assert badge["message"] == badge["message"].lower()
    assert set(badge) == {"schemaVersion", "label", "message", "color"}


def test_outputs_name_verdict_and_failed_requirements() -> None:
    run = run_of(scenario("SND-1", "failed"), scenario("CON-6", "failed"))
    assert output_lines(run) == "verdict=non_conformant\nfailed=CON-6 SND-1\n"


TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVELS = {"enum": ["none", "note", "warning", "error"]}
RULE = {"type": "object", "required": ["id"], "properties": {"helpUri": {"type": "string", "format": "uri"}}}
RESULT = {
    "type": "object",
    "required": ["message", "ruleId", "locations"],
    "properties": {
        "message": TEXT,
        "level": LEVELS,
        "suppressions": {
            "items": {"required": ["kind"], "properties": {"kind": {"enum": ["inSource", "external"]}}}
        },
        "partialFingerprints": {"additionalProperties": {"type": "string"}},
    },
}
DRIVER = {
    "required": ["name"],
    "properties": {"rules": {"type": "array", "items": RULE, "uniqueItems": True}},
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "items": {
                "required": ["tool"],
                "properties": {
                    "tool": {"required": ["driver"], "properties": {"driver": DRIVER}},
                    "results": {"type": "array", "items": RESULT},
                },
            }
        },
    },
}
"""What SARIF 2.1.0 requires of the objects that a report holds (OASIS, sections 3.13 to 3.52)."""
POINT = re.compile(
    r"(?:not )?ok \d+(?: - (?:[^#\\\n]|\\[#\\])*)?(?: # (?:TODO|SKIP)(?: (?:[^#\\\n]|\\[#\\])*)?)?"
)
"""A test point of TAP 14."""


def each_outcome():
    return run_of(
        *(
            scenario(name, outcome, message=SEEN, known_failure="issue #1", replay="repeat")
            for name, outcome in zip(list(CATALOGUE)[:12], list(Outcome)[:12], strict=False)
        )
    )


def test_sarif_has_what_its_specification_requires() -> None:
    document = json.loads(render_sarif(each_outcome()))
    Draft202012Validator(SARIF).validate(document)
    (run,) = document["runs"]
    assert {each["ruleId"] for each in run["results"]} == {
        each["id"] for each in run["tool"]["driver"]["rules"]
    }


def test_tap_follows_the_grammar_of_version_14() -> None:
    version, plan, *lines = render_tap(each_outcome()).splitlines()
    points = [line for line in lines if not line.startswith("  ")]
    assert (version, plan) == ("TAP version 14", f"1..{len(points)}")
    assert [line for line in points if not POINT.fullmatch(line)] == []
    assert [int(re.findall(r"\d+", line)[0]) for line in points] == list(range(1, len(points) + 1))
    blocks = re.findall(r"^  ---\n((?:  (?!\.\.\.).*\n)+)  \.\.\.$", "\n".join(lines), re.MULTILINE)
    assert len(blocks) == sum(line == "  ---" for line in lines) > 0
    assert all(isinstance(yaml.safe_load(block), dict) for block in blocks)
