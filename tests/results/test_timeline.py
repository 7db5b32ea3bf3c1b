"""The timeline: readable, in order, on the clock that it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.results.timeline import Timeline


class Clock:
    """Returns the given moments one after the other."""

    def __init__(self, *moments: float) -> None:
        self._moments: Iterator[float] = iter(moments)

    def __call__(self) -> float:
        return next(self._moments)


def test_lines_are_aligned_and_tell_when_who_and_what() -> None:
    timeline = Timeline(Clock(100, 100.034, 112.5))
    timeline.note("alice → router", "offer to bob", sdp="812 bytes")
    timeline.note("bob", "was told\nConnected")
    assert timeline.render().splitlines() == [
        "   +0.034 s  alice → router  offer to bob (sdp 812 bytes)",
        "  +12.500 s  bob             was told Connected",
    ]


def test_the_tail_is_shown_and_what_is_left_out_counted() -> None:
    timeline = Timeline(Clock(*range(6)))
    for n in range(5):
        timeline.note("x", f"event {n}")
    assert [entry.what for entry in timeline.tail(2)] == ["event 3", "event 4"]
    assert timeline.tail(0) == []
    assert len(timeline.tail(99)) == 5
    assert timeline.render(4).splitlines()[0].strip() == "... 1 earlier entry"
    assert timeline.render(2).splitlines()[0].strip() == "... 3 earlier entries"
    assert len(timeline.render(2).splitlines()) == 3


def test_an_empty_timeline_renders_to_nothing() -> None:
    assert Timeline(Clock(0)).render(5) == ""


def test_long_and_binary_details_are_shortened_in_lines() -> None:
    timeline = Timeline(Clock(0, 0))
    entry = timeline.note("x", "sent", payload=b"\x00" * 16384, text="y" * 500)
    assert "(payload 16384 bytes, text yyy" in entry.render()
    assert len(entry.render()) < 130


def test_the_longest_wait_is_kept() -> None:
    timeline = Timeline(Clock(0))
    assert timeline.longest_wait == (0.0, "")
    timeline.waited("Connected", 0.2)
    timeline.waited("Disconnected", 30.1)
    timeline.waited("Data", 0.1)
    assert timeline.longest_wait == (30.1, "Disconnected")


DETAILS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.none() | st.integers() | st.text() | st.binary() | st.builds(object)
)


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=9), DETAILS), max_size=5))
def test_any_timeline_renders_a_line_an_entry_and_goes_into_json(notes) -> None:
    timeline = Timeline()
    for who, what, detail in notes:
        timeline.note(who.replace("\r", "").replace("\n", ""), what, **detail)
    assert len(timeline.render().split("\n")) == max(1, len(notes))
    entries = json.loads(json.dumps(timeline.to_json()))
    assert [entry["what"] for entry in entries] == [what for _, what, _ in notes]
    moments = [entry["at"] for entry in entries]
    assert moments == sorted(moments)
