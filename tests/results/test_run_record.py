"""The run model and `results.json`: round trips lose nothing, and bad files are refused with reasons."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clasp_e2e.results.documents import decode, encode, from_plain, to_plain
from clasp_e2e.results.outcome import Outcome, RequirementVerdict, Verdict
from clasp_e2e.results.run_record import RequirementResult, Run, ScenarioResult, Subject
from clasp_e2e.results.store import ResultsError, read_results, write_results
from clasp_e2e.spec.catalogue import Level, Source

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
SECONDS = st.floats(min_value=0, max_value=1e6, allow_nan=False)

SUBJECTS = st.builds(Subject, TEXT, TEXT, TEXT, TEXT)
SCENARIOS = st.builds(
    ScenarioResult,
    id=TEXT,
    title=TEXT,
    requirements=TEXTS,
    pairing=TEXT,
    outcome=st.sampled_from(Outcome),
    blocked_by=st.none() | TEXT,
    duration_s=SECONDS,
    message=TEXT,
    evidence=st.none() | TEXT,
    replay=TEXT,
    judgments=st.dictionaries(TEXT, st.sampled_from(Outcome), max_size=3),
    judged_roles=TEXTS,
    remark=st.none() | TEXT,
    waited_s=SECONDS,
    slow=st.booleans(),
)
REQUIREMENTS = st.builds(
    RequirementResult,
    id=TEXT,
    level=st.sampled_from(Level),
    source=st.sampled_from(Source),
    quote=TEXT,
    statement=TEXT,
    verdict=st.sampled_from(RequirementVerdict),
    scenarios=TEXTS,
    covered=st.booleans(),
    blocked_by=st.none() | TEXT,
    chapter=TEXT,
    section=TEXT,
    reference=TEXT,
    source_text=TEXT,
    judges=TEXTS,
    capability=st.none() | TEXT,
    remarks=TEXTS,
)
RUNS = st.builds(
    Run,
    tool=st.fixed_dictionaries({"name": TEXT, "version": TEXT}),
    catalogue=TEXT,
    started=TEXT,
    duration_s=SECONDS,
    command=TEXT,
    seed=st.integers(0, 2**64),
    platform=TEXT,
    subjects=st.dictionaries(st.sampled_from(["offerer", "answerer", "router"]), SUBJECTS),
    verdict=st.sampled_from(Verdict),
    requirements=st.lists(REQUIREMENTS, max_size=2).map(tuple),
    scenarios=st.lists(SCENARIOS, max_size=2).map(tuple),
    judged_roles=TEXTS,
    capabilities=TEXTS,
    subset=st.booleans(),
    strict=st.booleans(),
)


@settings(max_examples=40)
@given(RUNS)
def test_run_survives_its_json(run: Run) -> None:
    assert decode(encode(run), Run) == run


RUN = Run(
    tool={"name": "clasp-e2e", "version": "0"},
    catalogue="abc",
    started="2026-01-01T00:00:00+00:00",
    duration_s=1.5,
    command="pytest scenarios",
    seed=7,
    platform="Linux",
    subjects={"offerer": Subject("x", "1", "Rust", "cmd:x")},
    verdict=Verdict.CONFORMANT,
    requirements=(
        RequirementResult(
            id="A-1",
            level=Level.MUST,
            source=Source.SPECIFICATION,
            quote="q",
            statement="s",
            verdict=RequirementVerdict.PASS,
            scenarios=("t[x-x]",),
        ),
    ),
    scenarios=(
        ScenarioResult(
            id="t[x-x]",
            title="t",
            requirements=("A-1",),
            pairing="x-x",
            outcome=Outcome.PASSED,
            duration_s=0.1,
        ),
    ),
)


PUBLISHED = """
schema tool catalogue started duration_s command seed platform subjects verdict totals requirements scenarios
"""
REQUIREMENT = "id level source quote statement verdict scenarios"
SCENARIO = "id title requirements pairing outcome blocked_by duration_s message evidence replay"
TOTALS = "passed failed deviation blocked unobserved not_offered skipped error"


def test_json_has_every_key_of_the_published_form() -> None:
    document = to_plain(RUN)
    assert set(PUBLISHED.split()) <= set(document)
    assert set(REQUIREMENT.split()) <= set(document["requirements"][0])
    assert set(SCENARIO.split()) <= set(document["scenarios"][0])
    assert set(TOTALS.split()) <= set(document["totals"])
    assert document["totals"]["passed"] == 1
    assert document["subjects"]["offerer"] == {
        "name": "x",
        "version": "1",
        "language": "Rust",
        "driver": "cmd:x",
    }


def test_json_is_plain() -> None:
    # An enum is a string here, and must not show as one of its own kind.
    assert type(to_plain(RUN)["scenarios"][0]["outcome"]) is str
    assert type(to_plain(RUN)["requirements"][0]["verdict"]) is str
    assert type(to_plain(RUN)["verdict"]) is str


def test_results_are_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.json"
    write_results(RUN, path)
    assert read_results(path) == RUN
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]
    assert path.read_text(encoding="utf-8").endswith("}\n")


def test_failure_to_write_leaves_the_earlier_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    write_results(RUN, path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ResultsError, match=r"cannot be written \(No space left on device\)"):
        write_results(RUN, path)
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]
    assert read_results(path) == RUN


def test_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="name another directory"):
        write_results(RUN, tmp_path / "file" / "results.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 99}, "written by a newer clasp-e2e .*update this one"),
        ({"schema": 1}, "written by an older clasp-e2e .*run the scenarios again"),
        ({"schema": None}, "no schema number"),
        ({"schema": True}, "no schema number"),
        ({"verdict": "splendid"}, "splendid"),
        ({"scenarios": [{"id": "t"}]}, r"scenarios\[0\]: object missing required field title"),
        ({"scenarios": 3}, "run the scenarios again"),
        ({"subjects": []}, "run the scenarios again"),
    ],
)
def test_file_with_a_fault_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(to_plain(RUN) | change))
    with pytest.raises(ResultsError, match=message):
        read_results(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"null"])
def test_file_that_is_no_results_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content)
    with pytest.raises(ResultsError):
        read_results(path)


def test_results_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"nowhere\.json: there are no results here"):
        read_results(tmp_path / "nowhere.json")
    with pytest.raises(ResultsError, match="cannot be read"):
        read_results(tmp_path)


def test_durations_stay_numbers() -> None:
    assert math.isclose(from_plain(Run, to_plain(RUN)).duration_s, 1.5)


def test_totals_are_those_of_the_results(tmp_path: Path) -> None:
    document = to_plain(RUN) | {"totals": {"passed": 99}}
    assert from_plain(Run, document).totals["passed"] == 1


def test_lone_surrogates_are_written_as_question_marks(tmp_path: Path) -> None:
    write_results(replace(RUN, command="a \ud800 b"), tmp_path / "results.json")
    assert read_results(tmp_path / "results.json").command == "a ? b"
