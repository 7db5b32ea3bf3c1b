"""Evidence: what is kept of a case, and which files are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from report.runs import scenario

from clasp_e2e.results.documents import DocumentError, decode, encode, expect_shallow
from clasp_e2e.results.evidence import CaseEvidence, EvidenceError, read_trace, write_evidence
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.results.timeline import EntryKind, Timeline


def result(requirement: str, case_id: str = "file::test[x-x]") -> ScenarioResult:
    return scenario(requirement, "passed", id=case_id)


def test_evidence_holds_all_that_was_seen(tmp_path: Path) -> None:
    timeline = Timeline()
    timeline.note("alice", "sends", EntryKind.FRAME, to="router", frame=b"\x01")
    failed = replace(result("M-1"), outcome=Outcome.FAILED)
    path = write_evidence(
        tmp_path / "evidence",
        failed,
        timeline,
        {"link": {1, 2}},
        seed=5,
        stderr={"alice": [(0.5, "panic"), (0.75, "at once")]},
    )
    document = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == "file_test_x-x.json"
    assert document["seed"] == 5
    assert document["scenario"]["id"] == "file::test[x-x]"
    assert document["timeline"][0]["frame"] == "01"
    assert document["network"] == {"link": [1, 2]}
    assert document["stderr"] == {"alice": "panic\nat once"}
    assert document["stderr_at"] == {"alice": [0.5, 0.75]}


def test_evidence_of_what_passed_is_small(tmp_path: Path) -> None:
    timeline = Timeline()
    timeline.note("alice", "sends", EntryKind.FRAME, to="router", frame=b"\x01" * 999)
    path = write_evidence(tmp_path, result("M-1"), timeline, {}, seed=5, stderr={"alice": [(0.5, "noise")]})
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [entry["what"] for entry in document["timeline"]] == ["sends"]
    assert "frame" not in document["timeline"][0]
    assert "stderr" not in document


def test_evidence_of_long_names_has_distinct_files(tmp_path: Path) -> None:
    names = ["x" * 400 + "a", "x" * 400 + "b", "../../etc", ""]
    paths = {write_evidence(tmp_path, result("M-1", name), Timeline(), {}, seed=0) for name in names}
    assert len(paths) == 4
    assert {path.parent for path in paths} == {tmp_path}


def test_evidence_with_half_surrogates_is_written_and_read(tmp_path: Path) -> None:
    timeline = Timeline()
    timeline.note("alice", "was told \ud800")
    path = write_evidence(tmp_path, result("M-1"), timeline, {"x": "\udfff"}, seed=5)
    trace = read_trace(path, "file::test[x-x]")
    assert (trace["timeline"][0]["what"], trace["network"]) == ("was told ?", {"x": "?"})


def test_evidence_of_another_case_is_refused(tmp_path: Path) -> None:
    path = write_evidence(tmp_path, result("M-1"), Timeline(), {}, seed=5)
    with pytest.raises(EvidenceError, match="this is the evidence of file::test"):
        read_trace(path, "another")


@pytest.mark.parametrize("place", ["network", "decoded"])
def test_evidence_nested_too_deeply_to_be_shown_is_refused(tmp_path: Path, place: str) -> None:
    timeline = Timeline()
    timeline.note("alice", "sends")
    path = write_evidence(tmp_path, result("M-1"), timeline, {}, seed=5)
    document = json.loads(path.read_bytes())
    nested: object = 1
    for _ in range(100):
        nested = {"a": [nested]}
    (document if place == "network" else document["timeline"][0])[place] = nested
    path.write_bytes(encode(document))
    with pytest.raises(EvidenceError, match=rf"{place} is nested too deeply"):
        read_trace(path, "file::test[x-x]")


def test_nesting_that_can_be_shown_is_accepted() -> None:
    expect_shallow({"a": [{"b": [1, {}]}]}, "network")


def test_fault_names_the_place() -> None:
    with pytest.raises(DocumentError, match=r"^timeline\[0\]\.at: expected float, got str$"):
        decode(b'{"timeline": [{"at": "soon"}]}', CaseEvidence)
