"""The sequence diagram: each entry once, in order, between the lanes of its participants."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.report.sequence import BRIEF, HEAD, TAIL, diagram
from clasp_e2e.results.timeline import EntryKind

SESSION = "9c47211a-d252-42ed-9eba-8a83b3906dfa"


def entry(who: str, what: str = "did it", kind: EntryKind = EntryKind.NOTE, **fields) -> dict:
    return {"at": 0.25, "kind": kind.value, "who": who, "what": what, **fields}


NAMES = st.sampled_from(["alice", "bob", "carol", "router", "network", "harness"])
ENTRIES = st.builds(
    lambda who, to, kind, what: entry(who, what, kind, **({"to": to} if to and to != who else {})),
    NAMES,
    st.one_of(st.none(), NAMES),
    st.sampled_from(EntryKind),
    st.text(max_size=8),
)


@given(st.lists(ENTRIES, max_size=2 * (HEAD + TAIL)))
def test_rows_are_ordered_within_the_grid_and_the_rest_is_counted(timeline) -> None:
    drawn = diagram(timeline)
    rows = [*drawn.before, *drawn.after]
    gaps = sum(row.kind == EntryKind.GAP for row in rows)
    assert drawn.count + gaps == len(timeline)
    assert len(rows) <= HEAD + TAIL
    whole = timeline if not drawn.left_out else timeline[:HEAD] + timeline[-TAIL:]
    assert [(row.kind, row.what) for row in rows] == [(each["kind"], each["what"]) for each in whole]
    right = 2 + 2 * len(drawn.lanes)
    assert all(2 <= row.start < (right + 1 if row.end == -1 else row.end) <= right + 1 for row in rows)


def test_router_has_the_middle_lane_and_the_network_the_last() -> None:
    timeline = [entry("network"), entry("carol"), entry("bob", to="router"), entry("alice"), entry("harness")]
    assert diagram(timeline).lanes == ("alice", "router", "bob", "carol", "network")


def test_arrow_connects_the_middles_of_two_lanes() -> None:
    timeline = [
        entry("alice", kind=EntryKind.FRAME, to="router"),
        entry("router", kind=EntryKind.FRAME, to="bob"),
        entry("router", kind=EntryKind.FRAME, to="alice"),
        entry("harness", kind=EntryKind.CALL, to="bob"),
        entry("harness"),
    ]
    rows = diagram(timeline).before
    assert [(row.start, row.end, row.arrow) for row in rows] == [
        (3, 5, "right"),
        (5, 7, "right"),
        (3, 5, "left"),
        (6, 8, ""),
        (2, -1, ""),
    ]


def test_sessions_are_called_by_the_names_of_their_owners_but_not_within_a_frame() -> None:
    welcome = {"message": "WELCOME", "session": SESSION}
    signal = {"message": "PUBLISH", "address": f"/s/{SESSION}"}
    rows = diagram(
        [
            entry("router", f"WELCOME {SESSION}", EntryKind.FRAME, to="bob", decoded=welcome),
            entry("alice", f"PUBLISH /s/{SESSION}", EntryKind.FRAME, to="router", decoded=signal),
            entry("bob", f"is attached as session {SESSION}"),
        ]
    ).before
    assert [row.what for row in rows[:2]] == ["WELCOME (bob)", "PUBLISH /s/(bob)"]
    assert SESSION in rows[1].decoded
    assert SESSION in rows[2].what


def test_frame_is_shown_as_its_message_and_its_bytes() -> None:
    decoded = {"message": "PUBLISH", "value": {"sdp": "v=0\r\no=x\r\n", "list": [1, None, True], "none": []}}
    (row,) = diagram([entry("a", kind=EntryKind.FRAME, to="router", decoded=decoded, frame="53" * 17)]).before
    assert row.decoded == (
        "message: PUBLISH\nvalue:\n  sdp:\n    v=0\n    o=x\n  list:\n    - 1\n    - none\n    - yes\n"
        "  none: (empty)"
    )
    assert row.dump == f"0000  {' '.join(['53'] * 16)}\n0010  53"


def test_long_frame_is_shown_in_part() -> None:
    (row,) = diagram(
        [entry("a", kind=EntryKind.FRAME, to="router", frame="00" * 2048 + "... (9000 bytes)")]
    ).before
    assert row.dump.splitlines()[-1] == "      ... the rest is left out"
    assert len(row.dump.splitlines()) == 33


@given(st.lists(st.tuples(ENTRIES, st.booleans()), max_size=2 * (HEAD + TAIL)), st.booleans())
def test_routine_entries_are_separate_and_complete(happened, brief) -> None:
    timeline = [each | ({"minor": True} if minor else {}) for each, minor in happened]
    drawn = diagram(timeline, brief=brief)
    gaps = sum(row.kind == EntryKind.GAP for row in (*drawn.before, *drawn.after))
    shown = (*drawn.before, *drawn.after, *drawn.routine)
    assert len(shown) + drawn.left_out == len(timeline)
    assert drawn.count == len(timeline) - gaps
    texts = [each["what"] for each in timeline if "minor" not in each] or [each["what"] for each in timeline]
    assert [row.what for row in drawn.before] == texts[: len(drawn.before)]
    assert [row.what for row in drawn.after] == texts[len(texts) - len(drawn.after) :]
    assert not (drawn.routine and brief)


def test_brief_one_has_the_end_and_no_frames() -> None:
    ping = entry("a", kind=EntryKind.FRAME, to="router", decoded={"message": "PING"}, frame="53")
    drawn = diagram([ping] * (BRIEF + 2), brief=True)
    assert (len(drawn.before), len(drawn.after), drawn.left_out) == (0, BRIEF, 2)
    assert {(row.decoded, row.dump) for row in drawn.after} == {("", "")}
