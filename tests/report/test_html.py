"""The HTML report is self-contained, has no dead links, and escapes all text."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clasp_e2e.drivers.browser import CHROMIUM
from clasp_e2e.report.html import render_html, render_matrix_html
from clasp_e2e.results.matrix_results import Cell, Matrix, Obstacle, State, cells_of
from clasp_e2e.results.run_record import Run
from clasp_e2e.spec.catalogue import concerns

from .runs import CATALOGUE, matrix_of, run_of, scenario

FOUND = next(filter(shutil.which, CHROMIUM), None)
VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """What a page holds; text by the ids of the elements that it stands in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.classes: Counter[str] = Counter()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs) -> None:
        given = dict(attrs)
        self.tags[tag] += 1
        self.classes.update((given.get("class") or "").split())
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given[name] for name in ("href", "src") if name in given]
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def document(*entries: dict, **fields) -> dict:
    return {"timeline": list(entries), "network": [], **fields}


def happened(count: int = 0) -> list[dict]:
    frame = {"kind": "frame", "who": "alice", "to": "router", "frame": "5301", "decoded": {"message": "PING"}}
    return [
        *[{"at": n / 8, "what": f"PING number {n}", **frame} for n in range(count)],
        {"at": 5.0, "kind": "missed", "who": "bob", "what": "timed out after 5 s waiting for Data"},
    ]


FAILED = scenario("SND-1", "failed", message="expected x; seen: <y>", replay="pytest 'a[b]' --seed 1")


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(
        FAILED,
        scenario("CON-8", "deviation"),
        scenario("EVT-1", "blocked", blocked_by="CON-5"),
        scenario("SND-2", "error", message="the adapter died"),
        scenario("RTE-4", "expected_failure", known_failure="It is known to."),
        missing=("ICE-3",),
    )


def whole(text: str) -> Page:
    page = Page(text)
    assert [name for name, n in Counter(page.ids).items() if n > 1] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert [link for link in page.links if not link.startswith("#")] == ["data:,"]
    assert "://" not in re.sub(r"<pre.*?</pre>|<code.*?</code>", "", text, flags=re.DOTALL)
    return page


def test_page_needs_nothing_else_and_leads_wherever_it_points(run: Run) -> None:
    page = whole(render_html(run, {FAILED.id: document(*happened(3), stderr={"bob": "it's <lost>"})}))
    assert (page.tags["h1"], page.tags["main"], page.tags["title"]) == (1, 1, 1)
    ours = {item.id for item in run.requirements if concerns(item.judges, run.judged_roles)}
    assert ours == {name for name in page.ids if name in CATALOGUE}


def test_same_run_gives_the_same_bytes(run: Run) -> None:
    seen = {FAILED.id: document(*happened(3))}
    assert render_html(run, seen) == render_html(replace(run), dict(seen))


def test_failure_shows_the_sentence_what_was_seen_and_what_did_not_come(run: Run) -> None:
    text = render_html(run, {FAILED.id: document(*happened(), stderr={"bob": "it's <lost>"})})
    requirement = CATALOGUE.get("SND-1")
    for text_shown in (
        "not conformant",
        requirement.quote.split()[0],
        "expected x; seen: &lt;y&gt;",
        "pytest &#39;a[b]&#39; --seed 1",
        '<li class="missed">',
        "timed out after 5 s waiting for Data",
        "it&#39;s &lt;lost&gt;",
        "Known: It is known to.",
        "the adapter died",
        'Blocked by <a href="#CON-5">',
    ):
        assert text_shown in text


def test_case_that_judges_several_requirements_is_drawn_once() -> None:
    both = replace(FAILED, requirements=("SND-1", "SND-3"))
    page = whole(render_html(run_of(both), {both.id: document(*happened())}))
    assert page.classes["missed"] == 1
    assert "Shown under" in render_html(run_of(both), {})


def test_long_timeline_names_the_number_of_entries_left_out(run: Run) -> None:
    text = render_html(run, {FAILED.id: document(*happened(200))})
    assert "121 entries are not shown here" in text
    assert "PING number 23" in text
    assert "PING number 24<" not in text
    assert "timed out after 5 s waiting for Data" in text


def passing(count: int) -> tuple[list, dict]:
    cases = [
        replace(scenario("CON-6", "passed", id=f"file::{n}[a]"), requirements=("CON-5", "CON-6"))
        for n in range(count)
    ]
    return cases, {each.id: document(*happened(1), pruned={"left_out": 7}) for each in cases}


def test_passed_case_is_drawn_once_and_folded() -> None:
    cases, seen = passing(2)
    text = render_html(run_of(*cases), seen)
    page = whole(text)
    assert page.classes["happened"] == page.classes["sequence"] == 2
    assert '<details class="happened" open>' not in text
    assert "2 of 9 entries" in text
    assert text.count('<a href="#CON-5">drawn under CON-5</a>') == 2


def test_same_cause_in_several_pairings_is_one_entry() -> None:
    pairings = ("iut-iut", "iut-reference", "reference-iut")
    cases = [
        scenario(
            "SND-1",
            "failed",
            id=f"f::it[{each}]",
            pairing=each,
            message=f"{who} sent {n}; seen: y",
            replay=each,
        )
        for n, (each, who) in enumerate(zip(pairings, ("alice", "alice", "bob"), strict=True))
    ]
    other = scenario("SND-1", "failed", id="f::it[x-iut]", pairing="x-iut", message="another reason")
    text = render_html(run_of(*cases, other), {each.id: document(*happened()) for each in (*cases, other)})
    page = whole(text)
    assert page.tags["article"] == 2
    assert page.classes["missed"] == 2
    assert "iut-iut, iut-reference, reference-iut</span></h4>" in text
    assert "The same in iut-reference, reference-iut" in text
    assert all(f"Repeat with <code>{each}</code>" in text for each in pairings)


def test_what_was_not_met_comes_first_and_failures_before_deviations() -> None:
    worst = (scenario("TMO-1", "failed"), scenario("CON-8", "deviation"), scenario("SIG-1", "deviation"))
    found = [name for name in Page(render_html(run_of(*worst), {})).ids if name in CATALOGUE]
    assert found[:3] == ["TMO-1", "CON-8", "SIG-1"]


def test_page_of_a_run_in_which_everything_fails_is_under_2_mib() -> None:
    cases = [
        scenario(
            name,
            "failed",
            id=f"file::{name}_{n}[rust-reference]",
            message=f"expected x; seen: {'ab'[n]} " * 20,
        )
        for name in CATALOGUE
        for n in range(2)
        if not name.startswith("RTR")
    ]
    frame = {
        "kind": "frame",
        "who": "alice",
        "to": "router",
        "frame": "53" * 600,
        "decoded": {"text": "x" * 900},
    }
    long = document(
        *[{"at": n / 8, "what": "PUBLISH " * 8, **frame} for n in range(100)], stderr={"bob": "x" * 900}
    )
    text = render_html(run_of(*cases), {each.id: long for each in cases})
    assert len(text.encode()) < 2 * 1024 * 1024
    page = whole(text)
    assert page.classes["sequence"] == page.classes["entry"]  # One of the two cases of each requirement.


def test_page_of_a_large_passing_run_stays_small() -> None:
    cases, seen = passing(400)
    lines = [{"at": 1.0, "kind": "frame", "who": "alice", "to": "router", "what": "x" * 60}] * 40
    text = render_html(run_of(*cases), {name: document(*lines) for name in seen})
    assert len(text.encode()) < 3 * 1024 * 1024
    drawn = Page(text).classes["sequence"]
    assert 100 < drawn < 400
    assert text.count("it would make this page too large") == 400 - drawn


def test_matrix_draws_nothing_of_what_passed() -> None:
    matrix, runs = big_matrix()
    cases, seen = passing(1)
    passed = {
        name: (run_of(*cases, *run.scenarios), {**found, **seen}) for name, (run, found) in runs.items()
    }
    page = whole(render_matrix_html(matrix, passed))
    assert page.classes["sequence"] == 32 * 16


def test_missing_evidence_is_named(run: Run) -> None:
    text = render_html(run, {FAILED.id: "evidence/x.json: there is no such <file>"})
    assert "What happened is not drawn: evidence/x.json: there is no such &lt;file&gt;" in text


@cache
def tags_with(text: str) -> Counter[str]:
    case = replace(FAILED, message=f"x{text}", title=f"x{text}".replace("`", ""), replay=f"x{text}")
    event = {"at": 0.0, "kind": "event", "who": f"x{text}", "what": text}
    return Page(render_html(run_of(case), {case.id: document(event, stderr={"bob": text})})).tags


@settings(max_examples=20, deadline=None)
@given(text=st.text(min_size=1, max_size=40))
def test_texts_of_a_run_do_not_become_markup(text: str) -> None:
    assert tags_with(text) == tags_with("y")


def big_matrix() -> tuple[Matrix, dict]:
    names = [name for name in CATALOGUE if not name.startswith("RTR")][:16]
    judged = run_of(*[scenario(name, "failed", message="expected x; seen: y " * 8) for name in names])
    seen = {each.id: document(*happened(60)) for each in judged.scenarios}
    obstacles = {("d", "router"): Obstacle(State.NOT_AVAILABLE, "d is not built")}
    cells = [
        cell.judged(judged, CATALOGUE, exit_status=1, results=f"{n}/results.json", duration_s=1)
        if cell.state is State.NOT_RUN
        else cell
        for n, cell in enumerate(cells_of(("a", "b", "c", "d"), ("a", "b", "d"), obstacles))
    ]
    return matrix_of(*cells), {cell.name: (judged, seen) for cell in cells if cell.results}


def test_page_of_a_matrix_with_many_failures_stays_small() -> None:
    matrix, runs = big_matrix()
    text = render_matrix_html(matrix, runs)
    page = whole(text)
    assert len(runs) == 32
    assert len(text.encode()) < 3 * 1024 * 1024
    assert page.tags["td"] == 48
    assert page.classes["missed"] == 32 * 16
    assert text.count(CATALOGUE.get("CON-5").quote.splitlines()[0].replace("'", "&#39;")) == 1
    assert "d is not built" in text


def test_case_that_failed_comes_before_one_without_a_verdict() -> None:
    error = replace(scenario("SND-1", "error", message="the machine is overloaded"), id="file::earlier[a]")
    text = render_html(run_of(error, FAILED), {})
    (section,) = re.findall(r'id="SND-1".*?</details>', text, flags=re.DOTALL)
    assert section.index("expected x") < section.index("the machine is overloaded")


def test_text_in_backticks_is_code(run: Run) -> None:
    text = render_html(run, {})
    assert "<code>connect_to_peer</code> with the session id of another client" in text
    assert "&lt;code&gt;" not in text


def test_cell_leads_to_what_it_did_not_meet() -> None:
    failed = Cell(offerer="a", answerer="a", router="r", state=State.JUDGED, failed=("SND-1",))
    judged = run_of(FAILED)
    text = render_matrix_html(matrix_of(failed), {failed.name: (judged, {})})
    whole(text)
    assert '1 failed: <a href="#cell-1">SND-1<' in text
    assert "expected x; seen: &lt;y&gt;" in text
    linked = render_matrix_html(
        matrix_of(failed), {failed.name: (judged, {})}, {failed.name: {FAILED.id: "cases/a.html"}}
    )
    assert '1 failed: <a href="cases/a.html">SND-1<' in linked
    assert '<a href="cases/a.html">Walk through this case' in linked


@pytest.mark.skipif(FOUND is None, reason="there is no Chromium here")
def test_script_runs_under_the_policy_of_the_page(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_html(run, {FAILED.id: document(*happened(3))}), encoding="utf-8")
    assert FOUND is not None
    shown = subprocess.run(
        [
            FOUND,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert re.search(r"<output[^>]*>(\d+) of \1 requirements</output>", shown.stdout)
