"""The compact trace is ordered and bounded, and counts what it leaves out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.results.compact import MOST, compact
from clasp_e2e.results.timeline import EntryKind, Timeline

HAPPENED = st.lists(
    st.tuples(st.sampled_from([kind for kind in EntryKind if kind is not EntryKind.GAP]), st.booleans()),
    max_size=3 * MOST,
)


def timeline_of(happened: list[tuple[EntryKind, bool]]) -> Timeline:
    timeline = Timeline()
    for number, (kind, minor) in enumerate(happened):
        timeline.note("alice", f"did {number}", kind, frame=b"x", decoded=1, minor=minor)
    return timeline


@given(HAPPENED)
def test_compact_trace_is_ordered_bounded_and_counts_the_rest(happened) -> None:
    timeline = timeline_of(happened)
    trace, left_out = compact(timeline)
    kept = [entry for entry in trace if entry.kind is not EntryKind.GAP]
    places = [int(entry.what.split()[1]) for entry in kept]
    assert places == sorted(set(places))
    assert len(kept) <= MOST
    assert len(kept) + left_out == len(timeline.entries)
    assert bool(kept) == bool(happened)
    assert all(entry.frame is None and entry.decoded is None for entry in trace)
    minor = sum(each for _, each in happened)
    gaps = sum(int(entry.what.split()[0]) for entry in trace if entry.kind is EntryKind.GAP)
    assert gaps == left_out - (minor if minor < len(happened) else 0)


@given(HAPPENED)
def test_changes_of_conditions_are_kept(happened) -> None:
    trace, _ = compact(timeline_of(happened))
    of_network = [each for each in happened if each == (EntryKind.CONDITION, False)]
    others = [each for each in happened if not each[1] and each[0] in (EntryKind.NETWORK, EntryKind.MISSED)]
    if len(of_network) + len(others) <= MOST // 2 and not all(minor for _, minor in happened):
        assert sum(entry.kind is EntryKind.CONDITION for entry in trace) == len(of_network)


def test_routine_entries_are_kept_if_there_are_no_others() -> None:
    trace, left_out = compact(timeline_of([(EntryKind.FRAME, True)] * 3))
    assert (len(trace), left_out) == (3, 0)


def test_session_ids_are_shown_as_their_owners() -> None:
    timeline = Timeline()
    timeline.sessions = {"s-1": "alice", "s-2": "bob"}
    timeline.note("alice", "PUBLISH /signal/s-2 of s-1", EntryKind.FRAME)
    assert compact(timeline)[0][0].what == "PUBLISH /signal/bob of alice"
