"""The history of versions: lines in a file, and the first bad and first good version of each requirement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.runs import run_of, scenario

from clasp_e2e.results.outcome import RequirementVerdict, Verdict
from clasp_e2e.results.store import ResultsError
from clasp_e2e.results.version_history import (
    BAD,
    BadVersions,
    JudgedVersion,
    Trend,
    add_version,
    judged_version,
    read_history,
    requirement_histories,
    write_history,
)

PASS, FAIL, BLOCKED = RequirementVerdict.PASS, RequirementVerdict.FAIL, RequirementVerdict.BLOCKED


def versions(*verdicts: RequirementVerdict) -> list[JudgedVersion]:
    """A history in which one requirement has these verdicts, from the oldest version."""
    return [
        JudgedVersion(
            version=f"1.{number}",
            implementation="it",
            started="2026-01-01T00:00:00+00:00",
            tool={"name": "clasp-e2e", "version": "0"},
            catalogue="",
            verdict=Verdict.CONFORMANT,
            requirements={"SND-1": verdict},
        )
        for number, verdict in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("verdicts", "trend", "bad"),
    [
        ((PASS, BLOCKED, FAIL, BLOCKED, FAIL), Trend.BROKEN, [BadVersions("1.0", "1.2")]),
        ((FAIL, PASS), Trend.MENDED, [BadVersions(None, "1.0", "1.1")]),
        ((FAIL, BLOCKED), Trend.NEVER_MET, [BadVersions(None, "1.0")]),
        ((BLOCKED, PASS), Trend.MET, []),
        ((BLOCKED,), Trend.NOT_JUDGED, []),
        (
            (PASS, FAIL, PASS, FAIL),
            Trend.BROKEN,
            [BadVersions("1.0", "1.1", "1.2"), BadVersions("1.2", "1.3")],
        ),
    ],
)
def test_requirement_has_first_bad_and_first_good_version(verdicts, trend: Trend, bad: list) -> None:
    (found,) = requirement_histories(versions(*verdicts))
    assert (found.trend, list(found.bad), found.verdicts) == (trend, bad, verdicts)


@given(st.lists(st.sampled_from(RequirementVerdict), min_size=1, max_size=12))
def test_bad_versions_alternate_with_good_ones(verdicts: list[RequirementVerdict]) -> None:
    (found,) = requirement_histories(versions(*verdicts))
    assert bool(found.bad) is any(each in BAD for each in verdicts)
    assert all(each.first_good for each in found.bad[:-1])
    assert (found.trend in (Trend.BROKEN, Trend.NEVER_MET)) is bool(
        found.bad and not found.bad[-1].first_good
    )


def test_judged_version_names_what_was_not_met_with_its_reason() -> None:
    run = run_of(
        scenario("SND-1", "failed", message="expected x; seen: y\nmore"), scenario("CON-8", "deviation")
    )
    found = judged_version(run, "4.5.0")
    assert found.implementation == "clasp-client"
    assert found.reasons == {"CON-8": "", "SND-1": "expected x; seen: y"}
    assert found.requirements["SND-1"] is FAIL
    assert not [name for name in found.requirements if name.startswith("RTR")]


def test_version_that_is_judged_again_keeps_its_place() -> None:
    before = versions(PASS, FAIL)
    again = replace(before[0], verdict=Verdict.PARTIAL)
    assert add_version(before, again) == [again, before[1]]
    assert add_version(before, replace(again, version="2.0"))[-1].version == "2.0"


def test_history_in_a_file_has_a_line_for_each_version(tmp_path: Path) -> None:
    path = tmp_path / "kept/history.jsonl"
    write_history(versions(PASS, FAIL), path)
    assert len(path.read_text().splitlines()) == 2
    assert read_history(path) == versions(PASS, FAIL)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1: not a line of a history: this is not JSON"),
        ('\n{"version": "1"}', "line 2: not a line of a history: object missing required field"),
    ],
)
def test_malformed_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(text)
    with pytest.raises(ResultsError, match=message):
        read_history(path)


def test_history_of_another_schema_and_missing_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    write_history([replace(each, schema=9) for each in versions(PASS)], path)
    with pytest.raises(ResultsError, match="line 1: schema 9, and this version reads schema 1"):
        read_history(path)
    with pytest.raises(ResultsError, match="does not exist"):
        read_history(tmp_path / "other.jsonl")
