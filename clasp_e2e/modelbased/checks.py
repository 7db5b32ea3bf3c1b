"""Comparison of results, paths, payloads, events and modes with the model."""

from clasp_e2e.modelbased.prediction import Status, Way
from clasp_e2e.modelbased.world import Flight, World, contradict, within_requirement
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected, PeerAnnounced, RoutingMode
from clasp_e2e.testbed import Unobserved, events_are_in_order

VOLUME = 16_000
"""Minimum size in bytes of a payload that identifies its path by the traffic (design)."""


def check_result(world: World, flight: Flight) -> None:
    """Require each call of a send to end in one of the ways that the model predicts."""
    sent = flight.sent
    for way in flight.ways:
        if way not in sent.ways:
            predicted = " or ".join(sorted(sent.ways))
            contradict(sent.requirement, f"{flight}, {sent.why}: {predicted}", way.value)
        who, to = sent.step.who, sent.step.to
        if way is Way.P2P and not world.was_ever_established(who, to):
            if world.clients[who].events(Connected, world.clients[to]):
                raise Unobserved(f"{who} received Connected to {to}, but the link saw no connection")
            contradict("SND-3", f"{flight}, which returned P2P, to use an open DataChannel", "there is none")
    world.tally.sends += len(flight.ways)
    world.tally.open_sends += len(flight.ways) if len(sent.ways) > 1 else 0


def check_paths(world: World, flights: list[Flight]) -> None:
    """Require the bytes on each path since the last check to agree with the results of `flights`."""
    for name in world.clients:
        own = [flight for flight in flights if flight.sent.step.who == name]
        if own and world.model.here(name):
            _check_routed(world, name, own)
            for other in {flight.sent.step.to for flight in own}:
                _check_direct(world, name, other, [f for f in own if f.sent.step.to == other])


def _check_routed(world: World, name: str, flights: list[Flight]) -> None:
    relayed = sum(len(data) for flight in flights for data in flight.by(Way.RELAY))
    routed = world.routed(name)
    if routed < relayed:
        contradict(
            "SND-3",
            f"{relayed} bytes, for which {name} returned Relay, to be sent to the router",
            f"{routed} bytes were sent to it",
        )
    if relayed or routed < VOLUME or name in world.signaled:
        return
    for way, requirement in ((Way.REFUSED, "RTE-8"), (Way.P2P, "DIR-1")):
        for flight in flights:
            if any(len(data) >= VOLUME for data in flight.by(way)):
                expected = f"{flight}, which {name} reported as {way}, not to be sent to the router"
                contradict(requirement, expected, f"{routed} bytes were sent to it")


def _check_direct(world: World, name: str, other: str, flights: list[Flight]) -> None:
    arrived = {event.data for _, event in world.arrived(other)}
    for flight in flights:
        payloads = flight.by(Way.P2P)
        sent = world.sent_directly(name, other) - flight.direct_before
        if payloads and set(payloads) <= arrived and sent < (size := sum(map(len, payloads))):
            contradict(
                "SND-3", f"{flight}, for which {name} returned P2P, to use the direct path ({size} bytes)",
                f"{sent} bytes used it, but the data arrived",
            )  # fmt: skip
    # Data that was sent into a cut link is retransmitted, and handshakes cause traffic too.
    has_other_traffic = any(Way.P2P in flight.ways for flight in flights) or name in world.signaled
    direct = world.direct(name, other)
    if has_other_traffic or world.model.between(name, other).was_cut or direct < VOLUME:
        return
    for flight in flights:
        if any(len(data) >= VOLUME for data in flight.by(Way.RELAY)):
            contradict(
                "RTE-9", f"{flight}, for which {name} returned Relay, not to use the direct path",
                f"{direct} bytes used it",
            )  # fmt: skip


def check_data(world: World) -> None:
    """Require the data that the applications received to equal the data that was sent to them."""
    for receiver in world.clients:
        sent = {
            data: (flight, way)
            for flight in world.flights
            if flight.sent.step.to == receiver
            for data, way in zip(
                flight.payloads, [*flight.ways, *[None] * len(flight.payloads)], strict=False
            )
        }
        seen: set[bytes] = set()
        order: list[Flight] = []
        for place, event in world.arrived(receiver):
            if event.data in world.barriers:
                continue
            if event.data not in sent:
                kind = "SND-2" if event.reliable is False else "SND-1"
                expected = f"{receiver} to receive only data that was sent to it"
                contradict(kind, expected, f"{len(event.data)} other bytes")
            flight, way = sent[event.data]
            if event.data in seen:
                rule = "SND-1" if flight.sent.step.reliable else "SND-10"
                contradict(rule, f"{flight} to arrive once", "it arrived twice")
            seen.add(event.data)
            _check_arrival(world, flight, way, event, place)
            if way is Way.P2P and flight.sent.step.reliable:
                order.append(flight)
        _check_order(order)


def _check_arrival(world: World, flight: Flight, way: Way | None, event: Data, place: int) -> None:
    step = flight.sent.step
    sender, receiver = world.clients[step.who], world.clients[step.to]
    rule = "SND-1" if step.reliable else "SND-2"
    if event.peer_session_id not in (sender.session_id, None) or (
        way is Way.P2P and event.peer_session_id is None
    ):
        contradict(rule, f"{flight} to name {step.who} as its sender", str(event.peer_session_id))
    if way is Way.REFUSED and flight.sent.ways == {Way.REFUSED}:
        contradict("RTE-8", f"{flight}, which was refused, not to arrive", f"{step.to} received it")
    if way is not Way.P2P:
        return
    if event.reliable is not step.reliable:
        expected = f"{flight} on the direct path to have reliable={step.reliable}"
        contradict(rule, expected, f"reliable={event.reliable}")
    received = [
        at
        for at, each in enumerate(receiver.received)
        if isinstance(each.event, Connected) and each.event.peer_session_id == sender.session_id
    ]
    if not received or received[0] > place:
        contradict("EVT-6", f"{step.to} to receive Connected before direct Data", "it received Data first")


def _check_order(arrived: list[Flight]) -> None:
    """Require data to arrive after the data of sends that were answered before it was sent."""
    latest: dict[str, Flight] = {}
    for flight in arrived:
        before = latest.setdefault(flight.sent.step.who, flight)
        if before.sent.round > flight.sent.round:
            contradict("SND-9", f"{flight} (the earlier one) to arrive first", "a later one arrived first")
        latest[flight.sent.step.who] = flight


def check_events(world: World) -> None:
    """Require each client to receive no more events than the model allows."""
    names = {client.session_id: name for name, client in world.clients.items()}
    for name, client in world.clients.items():
        if not world.model.here(name):
            continue
        counts: dict[tuple[str, str], int] = {}
        for received in client.received:
            if isinstance(received.event, Data | PeerAnnounced):
                continue
            kind = type(received.event).__name__
            about = names.get(received.event.peer_session_id or "")
            if about is None or about == name:
                rule = {"Connected": "EVT-1", "Disconnected": "EVT-3"}.get(kind, "EVT-5")
                contradict(rule, f"{kind} to name the other peer", str(received.event.peer_session_id))
            counts[about, kind] = counts.get((about, kind), 0) + 1
        for (about, kind), count in counts.items():
            _check_count(world, name, about, kind, count)
        for about, other in world.clients.items():
            if about != name and (between := world.model.between(name, about)).status is not Status.UNSURE:
                with within_requirement("EVT-9", "the events of several connections to one peer"):
                    # Data may have been relayed, and a renewed call may fail.
                    kinds = (Connected, Disconnected)
                    events_are_in_order(client, other, own_ends=between.ends[name], kinds=kinds)


def _check_count(world: World, name: str, about: str, kind: str, count: int) -> None:
    between = world.model.between(name, about)
    most = between.most[name, kind]
    if between.status is Status.UNSURE or count <= most:
        return
    if between.was_cut:
        world.model.unsure(name, about)  # Consent expired while the link was cut.
        return
    rule = "EVT-2" if kind == "Connected" else "EVT-6"
    contradict(rule, f"{name} to receive {kind} naming {about} at most {most} times", f"{count} times")


async def check_state(world: World) -> None:
    """Require each client to report its mode and its connections as the model predicts."""
    for name, client in world.clients.items():
        if not world.model.here(name):
            continue
        session = world.model.sessions[name]
        mode: RoutingMode = await client.p2p_routing_mode()
        if mode is not session.mode:
            rule = "RTE-2" if session.changes else "RTE-1"
            contradict(rule, f"the mode of {name}: {session.mode}", str(mode))
        if "is_peer_connected" not in client.capabilities:
            continue
        for other in world.clients:
            if other == name or not world.model.here(other):
                continue
            between = world.model.between(name, other)
            certain = between.status in (Status.IDLE, Status.CONNECTED) and not between.cut
            expected = between.status is Status.CONNECTED
            if certain and (seen := await client.is_peer_connected(world.clients[other])) is not expected:
                contradict("EVT-8", f"is_peer_connected({other}) of {name}: {expected}", str(seen))


def missed(world: World, one: str, other: str) -> bool:
    """Return whether either peer received an unexpected Disconnected about the other."""
    for name, about in ((one, other), (other, one)):
        client, peer = world.clients[name], world.clients[about]
        ends = len(client.events(Disconnected, peer))
        if ends > world.model.between(one, other).most[name, "Disconnected"]:
            return True
    return False


def last_event(world: World, name: str, about: str) -> type | None:
    """Return the type of the last event other than Data that `name` received about `about` since the mark."""
    kinds = [
        type(received.event)
        for received in world.clients[name].received[world.marks[name, about] :]
        if isinstance(received.event, Connected | Disconnected | ConnectionFailed)
        and received.event.peer_session_id == world.clients[about].session_id
    ]
    return kinds[-1] if kinds else None
