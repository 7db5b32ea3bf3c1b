"""What goes into the timeline by itself: the frames that cross the legs, and what the links saw."""

from __future__ import annotations

from clasp_e2e import wire
from clasp_e2e.network import Side, Switchboard
from clasp_e2e.results.timeline import Kind, Timeline

ROUTINE = (wire.Hello, wire.Welcome, wire.Snapshot, wire.Subscribe, wire.Ping, wire.Pong, wire.Ack)


def note_frame(
    timeline: Timeline, sender: str, receiver: str, message: wire.Message | None, data: bytes | str
) -> None:
    """Note a frame that crossed a leg, and the message that it holds, if it does."""
    frame = data if isinstance(data, bytes) else data.encode()
    if isinstance(message, wire.Welcome):
        timeline.sessions[message.session] = receiver
    timeline.note(
        sender,
        summary(message, data),
        Kind.FRAME,
        to=receiver,
        frame=frame,
        decoded=message,
        minor=_is_routine(message),
    )


def _is_routine(message: wire.Message | None) -> bool:
    """Return whether clients exchange it with a router in every scenario: greetings, announcements."""
    if isinstance(message, wire.Publish):
        return message.address == wire.ANNOUNCE_ADDRESS
    return isinstance(message, ROUTINE)


def note_links(timeline: Timeline, switchboard: Switchboard) -> None:
    """Note in their places when each peer was first heard on each link, and when its DTLS stood."""
    for number, attempt in enumerate(switchboard.attempts(), 1):
        link = f"link {number}"
        for side in Side:
            sender = switchboard.pair(attempt.offerer, attempt.answerer).leg(side)
            counters = attempt.link.counters(side)
            for at, what in (
                (counters.first_seen, f"first datagram of {sender} on {link}"),
                (counters.first_application, f"first DTLS application data of {sender} on {link}"),
            ):
                if at is not None:
                    timeline.note_past(at, "network", what, Kind.NETWORK)


def summary(message: wire.Message | None, data: bytes | str) -> str:
    """Return a frame in a few words for the timeline."""
    if message is None:
        return (
            f"{len(data)} {'bytes that are not CLASP' if isinstance(data, bytes) else 'characters of text'}"
        )
    words = [type(message).__name__.upper()]
    if isinstance(message, wire.Publish):
        words.append(message.address)
        if isinstance(message.value, dict) and isinstance(message.value.get("type"), str):
            words.append(str(message.value["type"]))
    elif isinstance(message, wire.Error):
        words.append(f"{message.code} {message.message}")
    elif isinstance(message, wire.Welcome):
        words.append(message.session)
    elif isinstance(message, wire.Subscribe):
        words.append(message.pattern)
    return " ".join([*words, f"({len(data)} bytes)"])
