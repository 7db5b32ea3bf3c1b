"""Automatic timeline entries: the frames on the legs, the received events, and the links' first traffic."""

from clasp_e2e import wire
from clasp_e2e.network import Side, Switchboard
from clasp_e2e.p2p_types import ConnectionFailed, Data, Disconnected, P2PEvent, PeerAnnounced
from clasp_e2e.results.evidence import Packet, Packets
from clasp_e2e.results.timeline import EntryKind, Timeline
from clasp_e2e.testbed.expectations import show

ROUTER = "router"
"""The name of the router in a timeline."""
MOST_PACKETS = 600
"""Maximum number of datagrams that evidence holds; of more, the last ones."""
ROUTINE = (wire.Hello, wire.Welcome, wire.Snapshot, wire.Subscribe, wire.Ping, wire.Pong, wire.Ack)


def note_frame(
    timeline: Timeline, sender: str, receiver: str, message: wire.Message | None, data: bytes | str
) -> None:
    """Note a frame that crossed a leg, and the message in it, if any.

    Announcements of sessions of other scenarios are only counted: scenarios that run at the same time
    share a router.
    """
    messages = () if message is None else tuple(wire.unbundled(message))
    if sender == ROUTER and messages and all(_is_foreign(timeline, _announced(each)) for each in messages):
        return
    frame = data if isinstance(data, bytes) else data.encode()
    for each in messages:
        if isinstance(each, wire.Welcome):
            timeline.sessions[each.session] = receiver
    timeline.note(
        sender,
        summary(message, data) + "".join(_borrowed_name(timeline, sender, each) for each in messages),
        EntryKind.FRAME,
        to=receiver,
        frame=frame,
        decoded=message,
        minor=bool(messages) and all(map(_is_routine, messages)),
    )


def note_delivery(timeline: Timeline, receiver: str, data: bytes, delivered: bytes | None) -> None:
    """Change the entry of a frame from the router to what the receiver got; None if it got nothing."""
    if delivered is None:
        message, _ = wire.decode(data)
        timeline.change_frame(receiver, data, what=f"{summary(message, data)}, held back by the link")
    elif delivered != data:
        message, _ = wire.decode(delivered)
        what = f"{summary(message, delivered)}, as changed by the link"
        timeline.change_frame(receiver, data, what=what, frame=delivered, decoded=message)


def note_event(timeline: Timeline, name: str, event: P2PEvent) -> None:
    """Note an event that an application received, unless it concerns a session of another scenario."""
    announced = event.peer_session_id if isinstance(event, PeerAnnounced) else None
    if not _is_foreign(timeline, announced):
        timeline.note(name, f"received {describe(event)}", EntryKind.EVENT, minor=announced is not None)


def _announced(message: wire.Message) -> str | None:
    """Return the session that `message` announces, or None."""
    match message:
        case wire.Publish(address=wire.ANNOUNCE_ADDRESS, value={"session_id": str(session)}):
            return session
        case _:
            return None


def _borrowed_name(timeline: Timeline, sender: str, message: wire.Message) -> str:
    """Return the client in whose name, instead of its own, `sender` publishes a signal, in words."""
    match message:
        case wire.Publish(value={"from": str(session)}) if session and sender != ROUTER:
            owner = timeline.sessions.get(session, session)
            return "" if owner == sender else f", in the name of {owner}"
        case _:
            return ""


def _is_foreign(timeline: Timeline, session: str | None) -> bool:
    is_foreign = session is not None and session not in timeline.sessions
    timeline.foreign_entries += is_foreign
    return is_foreign


def _is_routine(message: wire.Message) -> bool:
    """Return whether `message` occurs in every scenario, as HELLO and announcements do."""
    if isinstance(message, wire.Publish):
        return message.address == wire.ANNOUNCE_ADDRESS
    return isinstance(message, ROUTINE)


def note_links(timeline: Timeline, switchboard: Switchboard) -> None:
    """Note when each peer sent its first datagram and its first DTLS application data on each link."""
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


def packets(timeline: Timeline, switchboard: Switchboard) -> Packets:
    """Return the datagrams on the links, with the names of the peers and the times of the timeline."""
    found: list[Packet] = []
    left_out = 0
    for number, attempt in enumerate(switchboard.attempts(), 1):
        pair = switchboard.pair(attempt.offerer, attempt.answerer)
        log = attempt.link.log
        left_out += log.count - len(log.kept)
        found += (
            Packet(
                at=round(timeline.since_start(each.at), 6),
                who=pair.leg(each.sender),
                to=pair.leg(each.sender.other),
                link=number,
                kind=each.kind,
                size=len(each.data),
                fate=each.fate,
            )
            for each in log.kept
        )
    kept = sorted(found, key=lambda each: each.at)[-MOST_PACKETS:]
    return Packets(kept=tuple(kept), left_out=left_out + len(found) - len(kept))


def summary(message: wire.Message | None, data: bytes | str) -> str:
    """Return a short description of a frame for the timeline."""
    if message is None:
        return (
            f"{len(data)} {'bytes that are not CLASP' if isinstance(data, bytes) else 'characters of text'}"
        )
    return f"{_words(message)} ({len(data)} bytes)"


def _words(message: wire.Message) -> str:
    """Return the type of a message, and what is telling in it."""
    words = [type(message).__name__.upper()]
    if isinstance(message, wire.Bundle):
        words.append(f"of {', '.join(map(_words, message.messages))}")
    elif isinstance(message, wire.Publish):
        words.append(message.address)
        if isinstance(message.value, dict) and isinstance(message.value.get("type"), str):
            words.append(str(message.value["type"]))
    elif isinstance(message, wire.Error):
        words.append(f"{message.code} {message.message}")
    elif isinstance(message, wire.Welcome):
        words.append(message.session)
    elif isinstance(message, wire.Subscribe):
        words.append(message.pattern)
    return " ".join(words)


def describe(event: P2PEvent) -> str:
    """Return a short description of `event` for the timeline."""
    match event:
        case Data(data=data, reliable=reliable):
            kind = {True: "reliable", False: "unreliable", None: "reliability unknown"}[reliable]
            return f"Data ({show(data)}, {kind}, from {event.peer_session_id})"
        case Disconnected(reason=reason) | ConnectionFailed(reason=reason):
            return f"{type(event).__name__} (from {event.peer_session_id}, {reason})"
        case _:
            return f"{type(event).__name__} ({event.peer_session_id})"
