"""What is recorded in a timeline, and what is only counted."""

from __future__ import annotations

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, PeerAnnounced
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.trace import note_delivery, note_event, note_frame

OURS, STRANGER = "a-session-of-ours", "a-session-of-another-scenario"


def announcement(session: str) -> wire.Publish:
    return wire.Publish(wire.ANNOUNCE_ADDRESS, wire.encode_announcement(wire.Announcement(session)))


def timeline() -> Timeline:
    found = Timeline()
    note_frame(found, "router", "alice", wire.Welcome(OURS, "a router", 0), b"")
    return found


def test_announcements_of_other_scenarios_are_only_counted() -> None:
    found = timeline()
    for session in (OURS, STRANGER):
        note_frame(found, "router", "bob", announcement(session), b"")
        note_event(found, "bob", PeerAnnounced(session))
    assert [STRANGER in entry.what for entry in found.entries] == [False] * 3
    assert found.foreign_entries == 2


def test_own_announcement_is_recorded_whatever_its_id() -> None:
    found = timeline()
    note_frame(found, "alice", "router", announcement(STRANGER), b"")
    assert (len(found.entries), found.foreign_entries) == (2, 0)


def test_messages_in_a_bundle_are_recorded_like_others() -> None:
    found = Timeline()
    bundle = wire.Bundle((wire.Welcome(OURS, "a router", 0), wire.Bundle((announcement(STRANGER),))))
    note_frame(found, "router", "alice", bundle, b"")
    assert found.sessions == {OURS: "alice"}
    assert found.entries[-1].what == (
        f"BUNDLE of WELCOME {OURS}, BUNDLE of PUBLISH {wire.ANNOUNCE_ADDRESS} (0 bytes)"
    )
    note_frame(found, "router", "alice", wire.Bundle((announcement(STRANGER),)), b"")
    assert len(found.entries) == 1


def test_other_events_are_always_recorded() -> None:
    found = timeline()
    note_event(found, "alice", Connected(STRANGER))
    assert STRANGER in found.entries[-1].what


def test_entry_of_a_changed_frame_shows_what_the_receiver_got() -> None:
    sent, got = (wire.encode(wire.Publish("/a", value=each)) for each in ("all candidates", "relay"))
    found = timeline()
    for frame in (sent, sent):
        note_frame(found, "router", "bob", wire.decode(frame)[0], frame)
    note_delivery(found, "bob", sent, got)
    *_, untouched, changed = found.entries
    assert (untouched.frame, changed.frame) == (sent, got)
    assert changed.decoded == wire.decode(got)[0]
    assert changed.what.endswith(", as changed by the link")


def test_entry_of_a_frame_that_was_held_back_says_so() -> None:
    frame = wire.encode(wire.Publish("/a", value="candidate"))
    found = timeline()
    note_frame(found, "router", "bob", wire.decode(frame)[0], frame)
    note_delivery(found, "bob", frame, frame)
    assert not found.entries[-1].what.endswith("link")
    note_delivery(found, "bob", frame, None)
    assert found.entries[-1].what.endswith(", held back by the link")


def test_entry_of_a_signal_in_the_name_of_another_client_says_so() -> None:
    found = timeline()
    for sender in ("alice", "mallory"):
        signal = wire.Publish("/clasp/p2p/signal/x", value={"type": "disconnected", "from": OURS})
        note_frame(found, sender, "router", signal, b"")
    own, borrowed = (entry.what for entry in found.entries[-2:])
    assert own.endswith("disconnected (0 bytes)")
    assert borrowed.endswith("disconnected (0 bytes), in the name of alice")
