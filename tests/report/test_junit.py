"""The JUnit file agrees with the gate about each case, in the form that common readers accept."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.report.junit import render_junit
from clasp_e2e.results.run_record import Run

from .runs import run_of, scenario


def suite_of(run: Run) -> ET.Element:
    suite = ET.fromstring(render_junit(run)).find("testsuite")
    assert suite is not None
    return suite


def case_of(suite: ET.Element, requirement: str) -> ET.Element:
    (case,) = (
        each for each in suite.iter("testcase") if each.get("name") == f"{requirement}[rust-reference]"
    )
    return case


@pytest.mark.parametrize(
    ("outcome", "strict", "expected"),
    [
        ("passed", False, None),
        ("failed", False, "failure"),
        ("unexpected_pass", False, "failure"),
        ("deviation", False, None),
        ("deviation", True, "failure"),
        ("error", False, "error"),
        ("expected_failure", True, "skipped"),
        ("blocked", False, "skipped"),
        ("unobserved", False, "skipped"),
        ("not_offered", False, "skipped"),
        ("skipped", False, "skipped"),
    ],
)
def test_case_fails_where_it_fails_the_gate(outcome: str, strict: bool, expected: str | None) -> None:
    run = replace(run_of(scenario("SND-6", outcome, message="first\nsecond")), strict=strict)
    suite = suite_of(run)
    assert [child.tag for child in case_of(suite, "SND-6")] == ([expected] if expected else [])
    for kind, counted in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert suite.get(counted) == str(sum(case.find(kind) is not None for case in suite.iter("testcase")))
    assert suite.get("tests") == str(len(run.scenarios))


def test_failure_has_sentence_observation_and_repeat_command() -> None:
    message = "expected the payload to arrive; seen: nothing"
    run = run_of(scenario("SND-1", "failed", message=message, replay="pytest 'x[y]'", evidence="evidence/x"))
    failure = case_of(suite_of(run), "SND-1").find("failure")
    assert failure is not None
    assert failure.get("message") == message
    output = failure.text or ""
    for expected in ("SND-1: ", "MUST (specification", message, "pytest 'x[y]'", "evidence/x"):
        assert expected in output


def test_complaint_about_a_baseline_is_a_case_that_fails() -> None:
    run = replace(run_of(), complaints=("known.toml: entry 1 (SND-1) is stale: take it out",))
    suite = suite_of(run)
    assert suite.get("failures") == "1"
    assert "is stale" in ET.tostring(suite, encoding="unicode")


def test_deviation_that_fails_nothing_is_listed() -> None:
    output = suite_of(run_of(scenario("SND-6", "deviation", message="it is lost"))).findtext("system-out")
    assert output is not None
    assert "it is lost" in output


def test_suite_has_the_elements_of_the_schemas_in_order() -> None:
    suite = suite_of(run_of(scenario("SND-1", "failed", message="m")))
    tags = [child.tag for child in suite]
    assert tags == ["properties", *["testcase"] * (len(tags) - 3), "system-out", "system-err"]
    assert {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "time"} <= set(
        suite.keys()
    )
    assert suite.get("timestamp") == "2026-01-01T00:00:00"


@given(message=st.text())
def test_any_text_gives_valid_xml(message: str) -> None:
    suite = suite_of(run_of(scenario("SND-1", "failed", message=message)))
    assert suite.get("failures") == "1"
