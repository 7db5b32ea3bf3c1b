"""The page of a case shows all that happened in order, with the outcome at its time, and stays small."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clasp_e2e.report.case_page import MOST, expected_and_seen, render_case
from clasp_e2e.results.documents import from_plain, to_plain
from clasp_e2e.results.evidence import CaseEvidence
from clasp_e2e.results.pairing import Pairing

from .runs import CATALOGUE, scenario
from .test_html import Page, whole


def packet(at: float, kind: str = "STUN request", **fields) -> dict[str, Any]:
    return {"at": at, "who": "alice", "to": "bob", "link": 1, "kind": kind, "size": 100, **fields}


def entry(at: float, what: str, kind: str = "event", **fields) -> dict[str, Any]:
    return {"at": at, "kind": kind, "who": "alice", "what": what, **fields}


def page_of(*entries: dict, outcome: str = "failed", **fields) -> str:
    case = scenario("SND-1", outcome, message=fields.pop("message", "expected x; seen: <y>"))
    document = {"scenario": to_plain(case), "timeline": list(entries), **fields}
    return render_case(from_plain(CaseEvidence, document), CATALOGUE)


def test_packets_events_and_outcome_are_in_the_order_of_time() -> None:
    text = page_of(
        entry(0.1, "received Connected"),
        entry(4.0, "the cleanup"),
        packets={"kept": [packet(0.05), packet(0.2, "DTLS alert", fate="lost")]},
        ended=3.0,
        stderr={"bob": "it <broke>"},
    )
    page = whole(text)
    order = ["STUN request", "received Connected", "DTLS alert (100 bytes, link 1): lost", 'id="outcome"']
    places = [text.index(each) for each in [*order, "the cleanup", "it &lt;broke&gt;"]]
    assert places == sorted(places)
    assert "<b>Expected</b> x</p><p><b>Seen</b> &lt;y&gt;" in text
    assert page.tags["h1"] == 1
    assert CATALOGUE["SND-1"].observed_by.split()[0] in text


def test_line_on_standard_error_is_where_it_arrived() -> None:
    text = page_of(
        entry(0.1, "received Connected"),
        entry(0.3, "received Data"),
        stderr={"bob": "of an earlier case\nit <broke>"},
        stderr_at={"bob": (-5.0, 0.2)},
    )
    places = [text.index(each) for each in ("received Connected", "it &lt;broke&gt;", "received Data")]
    assert places == sorted(places)
    assert text.count("of an earlier case") == 1
    assert 'data-group="log" data-who="bob"' in text


def test_equal_packets_between_two_entries_are_one_row() -> None:
    text = page_of(
        entry(1.0, "received Connected"),
        packets={
            "kept": [packet(0.1), packet(0.2, "STUN error 401"), packet(0.3), packet(1.5)],
            "left_out": 7,
        },
    )
    assert "2 times STUN request (200 bytes, link 1), until +0.300 s" in text
    assert text.count("STUN request (100 bytes, link 1)") == 1
    assert "7 more entries and packets are left out" in text


def test_time_without_entries_is_shown() -> None:
    assert "2.5 s later" in page_of(entry(0.5, "first"), entry(3.0, "second"))


def test_passed_case_has_no_outcome_row() -> None:
    assert 'id="outcome"' not in page_of(entry(0.5, "it"), outcome="passed", message="")


def test_case_without_any_entry_shows_its_message() -> None:
    assert "the adapter died" in page_of(outcome="error", message="the adapter died")


def test_page_of_a_long_case_stays_small_and_shows_what_is_around_the_outcome() -> None:
    frame = {"to": "router", "frame": "53" * 2048 + "... (9000 bytes)", "decoded": {"text": "'" * 4000}}
    entries = [entry(n / 10, f"PUBLISH number {n} ", "frame", **frame) for n in range(2000)]
    packets = [packet(n / 10 + 0.05, f"DTLS record {n}") for n in range(600)]
    stderr = dict.fromkeys(("alice", "bob"), "'<&" * 16000)
    text = page_of(*entries, packets={"kept": packets}, ended=150.0, stderr=stderr)
    assert len(text.encode()) < 1024 * 1024
    assert Page(text).tags["li"] <= MOST + 2
    for shown in ("number 0 ", "number 1499 ", "number 1501 "):
        assert shown in text
    assert "number 1900 " not in text


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("expected x; seen: y; seen: z", ("x", "y; seen: z")),
        ("the harness failed", ("", "the harness failed")),
        ("", ("", "")),
    ],
)
def test_message_of_a_failure_has_two_parts(message: str, parts: tuple[str, str]) -> None:
    assert expected_and_seen(message) == parts


@settings(max_examples=30, deadline=None)
@given(text=st.text(min_size=1, max_size=40))
def test_texts_of_the_evidence_do_not_become_markup(text: str) -> None:
    def tags(text: str) -> Counter[str]:
        return Page(
            page_of(
                entry(0.1, f"x{text}", who=f"x{text}", to=f"y{text}"),
                entry(0.2, f"x{text}", "frame", decoded={text: text}, frame="53"),
                packets={"kept": [packet(0.05, f"x{text}", fate=f"x{text}", to=f"x{text}")]},
                network={f"x{text}": text},
                stderr={f"x{text}": f"x{text}"},
                message=f"expected x{text}; seen: x{text}",
            )
        ).tags

    assert tags(text) == tags("y")


def test_names_replace_session_ids_in_the_outcome() -> None:
    session = "9c47211a-d252-42ed-9eba-8a83b3906dfa"
    welcome = {"message": "WELCOME", "session": session}
    text = page_of(
        entry(0.1, "WELCOME", "frame", who="router", to="bob", decoded=welcome),
        message=f"expected a; seen: Connected ({session})",
    )
    assert "<b>Seen</b> Connected (bob)" in text


def test_participants_are_named_with_their_implementations() -> None:
    case = scenario("SND-1", "failed", message="x", roles=Pairing("iut", "reference"))
    document = {"scenario": to_plain(case), "timeline": [entry(0.1, "it", to="bob")]}
    text = render_case(from_plain(CaseEvidence, document), CATALOGUE)
    assert ">alice: iut</button>" in text
    assert ">bob: reference</button>" in text


def test_entries_that_name_the_payload_of_the_outcome_are_marked() -> None:
    text = page_of(
        entry(0.1, "calls send_p2p(bob, 16 bytes (00ff00ff00ff00ff…), reliable)"),
        entry(0.2, "calls send_p2p(bob, 16 bytes (11ff00ff00ff00ff…), reliable)"),
        message="expected 16 bytes (00ff00ff00ff00ff…) to arrive; seen: nothing",
    )
    assert text.count('class="event related"') == 1
