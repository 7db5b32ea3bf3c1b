"""The timeline is ordered and readable, on the given clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.timeline import EntryKind, Timeline
from clasp_e2e.wire import Publish


class Clock:
    """Returns the given moments one after the other."""

    def __init__(self, *moments: float) -> None:
        self._moments: Iterator[float] = iter(moments)

    def __call__(self) -> float:
        return next(self._moments)


def test_lines_are_aligned_and_tell_when_who_and_what() -> None:
    timeline = Timeline(Clock(100, 100.034, 112.5))
    timeline.note("alice", "PUBLISH offer (812 bytes)", EntryKind.FRAME, to="router")
    timeline.note("bob", "received\nConnected", EntryKind.EVENT)
    assert timeline.render().splitlines() == [
        "   +0.034 s  alice → router  PUBLISH offer (812 bytes)",
        "  +12.500 s  bob             received Connected",
    ]


def test_last_entries_are_shown_and_what_is_left_out_counted() -> None:
    timeline = Timeline(Clock(*range(6)))
    for n in range(5):
        timeline.note("x", f"event {n}")
    assert timeline.render(4).splitlines()[0].strip() == "... 1 entry left out"
    assert timeline.render(2).splitlines()[0].strip() == "... 3 entries left out"
    assert [line.split()[-1] for line in timeline.render(2).splitlines()] == ["out", "3", "4"]
    assert timeline.render(0) == ""
    assert len(timeline.render(99).splitlines()) == 5


def test_last_calls_are_shown_before_many_frames() -> None:
    timeline = Timeline(Clock(*range(60)))
    timeline.note("harness", "calls connect_to_peer(bob)", EntryKind.CALL, to="alice")
    for n in range(50):
        timeline.note("alice", f"PUBLISH {n}", EntryKind.FRAME, to="router")
    lines = timeline.render(6).splitlines()
    assert [" ".join(line.split()[-3:]) for line in lines[:2]] == [
        "alice calls connect_to_peer(bob)",
        "entries left out",
    ]
    assert [line.split()[-1] for line in lines[2:]] == ["45", "46", "47", "48", "49"]


def test_successive_entries_that_differ_in_content_are_one_line() -> None:
    timeline = Timeline(Clock(*range(60)))
    for content in ("0a", "ff", "07"):
        timeline.note("harness", f"calls send_p2p(bob, 9 bytes ({content}…))", EntryKind.CALL, to="alice")
    timeline.note("bob", "received Data", EntryKind.EVENT)
    first, second = timeline.render(5).splitlines()
    assert first.endswith("calls send_p2p(bob, 9 bytes (0a…)) (3 of different content)")
    assert second.endswith("received Data")


def test_names_are_shown_for_session_ids() -> None:
    timeline = Timeline(Clock(*range(6)))
    timeline.sessions["1433e1e2-4f93-4e4c"] = "bob"
    timeline.note("alice", "PUBLISH /clasp/p2p/signal/1433e1e2-4f93-4e4c", EntryKind.FRAME, to="router")
    assert timeline.render(1).endswith("PUBLISH /clasp/p2p/signal/bob")


def test_empty_timeline_renders_to_nothing() -> None:
    assert Timeline(Clock(0)).render(5) == ""


def test_past_entry_is_inserted_at_its_time() -> None:
    timeline = Timeline(Clock(0, 1, 2, 3))
    for moment in (1, 2, 3):
        timeline.note("x", f"at {moment}")
    timeline.note_past(2.5, "network", "first datagram", EntryKind.NETWORK)
    timeline.note_past(9.0, "network", "last datagram", EntryKind.NETWORK)
    whats = [entry.what for entry in timeline.entries]
    assert whats == ["at 1", "at 2", "first datagram", "at 3", "last datagram"]


def written(timeline: Timeline) -> list[dict[str, Any]]:
    return [to_plain(entry.for_evidence()) for entry in timeline.entries]


def test_frame_is_kept_in_bytes_and_decoded() -> None:
    timeline = Timeline(Clock(0, 0))
    message = Publish(address="/a", value={"type": "offer", "data": b"\x01\x02"})
    timeline.note("alice", "PUBLISH", EntryKind.FRAME, to="router", frame=b"\x53\x01", decoded=message)
    (entry,) = written(timeline)
    assert (entry["kind"], entry["who"], entry["to"], entry["frame"]) == ("frame", "alice", "router", "5301")
    assert entry["decoded"]["message"] == "PUBLISH"
    assert entry["decoded"]["value"] == {"type": "offer", "data": "0102"}


def test_long_value_is_cut_and_names_its_length() -> None:
    timeline = Timeline(Clock(0, 0))
    timeline.note("x", "sent", frame=b"\x00" * 65536, decoded=["y" * 9000, b"\x00" * 5000])
    (entry,) = written(timeline)
    assert entry["frame"].endswith("... (65536 bytes)")
    text, data = entry["decoded"]
    assert text.endswith("... (5000 more characters)")
    assert data.endswith("... (5000 bytes)")
    assert len(json.dumps(entry)) < 10000


def test_set_has_one_order() -> None:
    timeline = Timeline(Clock(0, 0))
    timeline.note("x", "sent", decoded={"features": frozenset({"param", "event"}), "types": frozenset()})
    assert written(timeline)[0]["decoded"] == {"features": ["event", "param"], "types": []}


DECODED = st.recursive(
    st.none() | st.integers() | st.text() | st.binary() | st.builds(object),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=9), DECODED), max_size=5))
def test_timeline_renders_one_line_per_different_entry_and_is_json(notes) -> None:
    timeline = Timeline()
    for who, what, decoded in notes:
        timeline.note(who.replace("\r", "").replace("\n", ""), what, decoded=decoded)
    assert len(timeline.render().split("\n")) == max(1, len([*groupby(note[:2] for note in notes)]))
    entries = json.loads(json.dumps(written(timeline)))
    assert [entry["what"] for entry in entries] == [what for _, what, _ in notes]
    moments = [entry["at"] for entry in entries]
    assert moments == sorted(moments)


def test_names_replace_session_ids_in_a_text() -> None:
    timeline = Timeline()
    timeline.sessions |= {"9a66578d-0ca2": "bob", "a": "carol"}
    text = "expected the peer: 'a'; seen: '9a66578d-0ca2' (from 9a66578d-0ca2, after a second)"
    assert timeline.with_names(text) == "expected the peer: carol; seen: bob (from bob, after a second)"
