"""The report is readable in light and dark, on a phone and a screen, by keyboard and by screen reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clasp_e2e.report.case_page import render_case
from clasp_e2e.report.history_page import render_history_html
from clasp_e2e.report.html import render_html, render_matrix_html
from clasp_e2e.report.spec_page import Proof, column_of, render_spec, verdicts_of
from clasp_e2e.results.documents import from_plain, to_plain
from clasp_e2e.results.evidence import CaseEvidence
from clasp_e2e.results.matrix_results import Obstacle, State, cells_of
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.version_history import judged_version
from clasp_e2e.spec.catalogue import load_catalogue, specification_text
from clasp_e2e.spec.page import load_exclusions

from .looking import LIMIT, look
from .runs import matrix_of, run_of, scenario

pytestmark = [pytest.mark.subprocess, pytest.mark.long]

HAPPENED = {
    "timeline": [
        {"at": 0.0, "kind": "note", "who": "harness", "what": "holds the attempt"},
        {"at": 0.01, "kind": "call", "who": "harness", "to": "alice", "what": "calls connect_to_peer(bob)"},
        {"at": 0.02, "kind": "frame", "who": "alice", "to": "router", "what": "PUBLISH offer (1206 bytes)",
         "decoded": {"message": "PUBLISH", "address": "/a/b" * 40}, "frame": "53" * 99},
        {"at": 0.03, "kind": "frame", "who": "router", "to": "bob", "what": "PUBLISH offer (1206 bytes)"},
        {"at": 0.03, "kind": "frame", "who": "bob", "to": "router", "what": "PING (5 bytes)", "minor": True},
        {"at": 0.04, "kind": "condition", "who": "network", "what": "cuts alice ⇄ bob"},
        {"at": 0.05, "kind": "network", "who": "network", "what": "first datagram of alice on link 1"},
        {"at": 0.06, "kind": "gap", "who": "harness", "what": "161 entries are left out"},
        {"at": 0.07, "kind": "event", "who": "bob", "what": "received Connected (alice)"},
        {"at": 5.0, "kind": "missed", "who": "bob", "what": "timed out after 5 s waiting for Data"},
    ],
    "network": [{"offerer": "alice", "link": {"alice": {"datagrams": 1}}}],
    "stderr": {"bob": "warning: " + "lost " * 40},
}  # fmt: skip
NAMES = ("SND-1", "CON-8", "EVT-1", "SND-2", "RTE-4", "CON-5")
OUTCOMES = ("failed", "deviation", "blocked", "error", "expected_failure", "passed")


def cases():
    for name, outcome in zip(NAMES, OUTCOMES, strict=True):
        blocked_by = "CON-5" if outcome == "blocked" else None
        known = "It is known to." if outcome == "expected_failure" else None
        yield scenario(
            name,
            outcome,
            message="" if outcome == "passed" else "expected x; seen: y",
            replay="pytest 'scenarios/test_sending.py::test_it[rust-reference]' --seed 1 --peer rust",
            blocked_by=blocked_by,
            known_failure=known,
        )


def few(run: Run) -> Run:
    """Return the run with some requirements of each kind: axe-core takes its time for each element."""
    kept = [each for each in run.requirements if each.id in NAMES or each.id[-2:] in ("-3", "-9")]
    ids = {each.id for each in kept}
    scenarios = tuple(each for each in run.scenarios if ids.issuperset(each.requirements))
    return replace(run, requirements=tuple(kept), scenarios=scenarios)


RUN = few(run_of(*cases(), missing=("ICE-3",)))
SEEN = {each.id: HAPPENED for each in cases() if each.id[6:11] != "SND-2"} | {
    each.id: "evidence/x.json: there is no such file" for each in cases() if each.id[6:11] == "SND-2"
}


def a_matrix() -> str:
    obstacles = {("rust", "router"): Obstacle(State.NOT_AVAILABLE, "rust is not built here")}
    cells = tuple(
        each.judged(RUN, load_catalogue(), exit_status=1, results=f"{n}/results.json", duration_s=1)
        if each.state is State.NOT_RUN
        else each
        for n, each in enumerate(cells_of(("reference", "rust"), ("reference", "rust"), obstacles))
    )
    runs = {each.name: (RUN, SEEN) for each in cells[:3]} | {cells[3].name: "3/results.json: there is none"}
    return render_matrix_html(matrix_of(*cells), runs)


def a_history() -> str:
    runs = [RUN if number % 3 else few(run_of()) for number in range(30)]
    versions = [judged_version(run, f"4.{number}.0-rc.1") for number, run in enumerate(runs)]
    return render_history_html(versions, load_catalogue())


def a_specification() -> str:
    columns = [column_of(name, [verdicts_of(RUN, RUN.judged_roles)]) for name in ("rust", "node")]
    proof = Proof([("AMutant", "It breaks.")], [("a-variant", "It differs.")], [("t.py::t", "A case.")])
    catalogue = load_catalogue()
    proofs = dict.fromkeys(catalogue, proof)
    return render_spec(specification_text(), catalogue, load_exclusions(), columns, proofs)


@pytest.mark.timeout(LIMIT + 60)
@pytest.mark.parametrize(
    ("name", "sought", "found"),
    [
        ("run", "SND-9", 1),
        ("matrix", "rust → rust", 2),
        ("history", "SND-1", 1),
        ("spec", "not a stun/turn server", 1),
    ],
    ids=["run", "matrix", "history", "spec"],
)
def test_report_can_be_read_by_everybody(tmp_path: Path, name: str, sought: str, found: int) -> None:
    page = tmp_path / f"{name}.html"
    pages = {
        "run": lambda: render_html(RUN, SEEN),
        "matrix": a_matrix,
        "history": a_history,
        "spec": a_specification,
    }
    page.write_text(pages[name](), encoding="utf-8")
    looks = look(page, sought)
    assert [each["look"] for each in looks] == ["light 360", "light 1280", "dark 360", "dark 1280"]
    for each in looks:
        assert (each["violations"], each["errors"]) == ([], []), each["look"]
        assert not each["overflows"], each["look"]
        assert each["filter"]["after"] == found < each["filter"]["before"] == each["filter"]["again"]
        assert each["filter"]["told"].startswith(f"{found} of ")
        assert each["filter"]["choice"]


PACKETS = [
    {"at": 0.045, "who": "alice", "to": "bob", "link": 1, "kind": "STUN request", "size": 88},
    {"at": 0.046, "who": "alice", "to": "bob", "link": 1, "kind": "STUN request", "size": 88, "fate": "lost"},
    {"at": 0.055, "who": "bob", "to": "alice", "link": 1, "kind": "DTLS ClientHello", "size": 160},
]


@pytest.mark.timeout(LIMIT + 60)
def test_case_opens_at_its_outcome_and_can_be_walked_through_by_everybody(tmp_path: Path) -> None:
    failed = next(cases())
    document = HAPPENED | {"scenario": to_plain(failed), "packets": {"kept": PACKETS}, "ended": 5.0}
    page = tmp_path / "case.html"
    page.write_text(render_case(from_plain(CaseEvidence, document), load_catalogue()), encoding="utf-8")
    looks = look(page, "")
    assert [each["look"] for each in looks] == ["light 360", "light 1280", "dark 360", "dark 1280"]
    for each in looks:
        assert (each["violations"], each["errors"]) == ([], []), each["look"]
        assert not each["overflows"], each["look"]
        walk = each["walk"]
        assert walk["opened"]["at"] == walk["back"] == "outcome"
        assert 0.25 < walk["opened"]["middle"] < 0.85
        assert walk["up"] == "missed"
        assert 0 < walk["after"] < walk["before"] == walk["again"]
