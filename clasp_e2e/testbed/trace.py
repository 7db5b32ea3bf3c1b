"""What goes into the timeline by itself: the frames that cross the legs, and what the links saw."""

from clasp_e2e import wire
from clasp_e2e.network import Side, Switchboard
from clasp_e2e.p2p_types import ConnectionFailed, Data, Disconnected, P2PEvent, PeerAnnounced
from clasp_e2e.results.timeline import EntryKind, Timeline
from clasp_e2e.testbed.expectations import show

ROUTER = "router"
"""What the router is called in a timeline."""
ROUTINE = (wire.Hello, wire.Welcome, wire.Snapshot, wire.Subscribe, wire.Ping, wire.Pong, wire.Ack)


def note_frame(
    timeline: Timeline, sender: str, receiver: str, message: wire.Message | None, data: bytes | str
) -> None:
    """Note a frame that crossed a leg, and the message that it holds, if it does.

    What the router hands on of sessions that are not this scenario's is counted only: scenarios that
    overlap share a router, and hear all announcements.
    """
    if sender == ROUTER and _is_strangers(timeline, _announced(message)):
        return
    frame = data if isinstance(data, bytes) else data.encode()
    if isinstance(message, wire.Welcome):
        timeline.sessions[message.session] = receiver
    timeline.note(
        sender,
        summary(message, data),
        EntryKind.FRAME,
        to=receiver,
        frame=frame,
        decoded=message,
        minor=_is_routine(message),
    )


def note_event(timeline: Timeline, name: str, event: P2PEvent) -> None:
    """Note what an implementation told its application, unless it is of a session of another scenario."""
    announced = event.peer_session_id if isinstance(event, PeerAnnounced) else None
    if not _is_strangers(timeline, announced):
        timeline.note(name, f"received {describe(event)}", EntryKind.EVENT, minor=announced is not None)


def _announced(message: wire.Message | None) -> str | None:
    """Return the session that a message announces, if it does."""
    match message:
        case wire.Publish(address=wire.ANNOUNCE_ADDRESS, value={"session_id": str(session)}):
            return session
        case _:
            return None


def _is_strangers(timeline: Timeline, session: str | None) -> bool:
    is_strangers = session is not None and session not in timeline.sessions
    timeline.of_strangers += is_strangers
    return is_strangers


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
                    timeline.note_past(at, "network", what, EntryKind.NETWORK)


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


def describe(event: P2PEvent) -> str:
    """Return `event` in a few words for the timeline."""
    match event:
        case Data(data=data, reliable=reliable):
            kind = {True: "reliable", False: "unreliable", None: "kind not told"}[reliable]
            return f"Data ({show(data)}, {kind}, from {event.peer_session_id})"
        case Disconnected(reason=reason) | ConnectionFailed(reason=reason):
            return f"{type(event).__name__} (from {event.peer_session_id}, {reason})"
        case _:
            return f"{type(event).__name__} ({event.peer_session_id})"
