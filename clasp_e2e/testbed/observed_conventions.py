"""The conventions that the clients of a scenario used, gathered from its testbed."""

from __future__ import annotations

from clasp_e2e.network import Switchboard
from clasp_e2e.p2p_types import Connected
from clasp_e2e.results.pairing import REFERENCE, SCRIPTED
from clasp_e2e.testbed.attached_client import Client
from clasp_e2e.testbed.convention_forms import ClientTraffic, conventions_of
from clasp_e2e.testbed.testbed import Testbed


def observe_conventions(testbed: Testbed) -> dict[str, dict[str, str]]:
    """Return, by label and by name, the conventions of all clients but the reference."""
    clients = [each for each in testbed.clients if each.is_attached]
    found: dict[str, dict[str, set[str]]] = {}
    for client in clients:
        label = client.side.label
        if label in (REFERENCE, SCRIPTED):
            continue
        for name, values in conventions_of(_traffic_of(client, clients, testbed)).items():
            found.setdefault(label, {}).setdefault(name, set()).update(values)
    return {
        label: {name: " and ".join(sorted(values)) for name, values in each.items()}
        for label, each in found.items()
    }


def _traffic_of(client: Client, clients: list[Client], testbed: Testbed) -> ClientTraffic:
    """Return what `client` sent, as far as it shows a convention."""
    others = [each for each in clients if each is not client]
    references = [each for each in others if each.side.label in (REFERENCE, SCRIPTED)]
    session = client.session_id
    sessions = {*testbed.session_ids(), *(target for each in clients for target in each.targets)}
    traffic = ClientTraffic(
        session,
        frozenset(sessions - {session, ""}),
        [carrier for name, carrier in testbed.carriers if name == client.name],
        client.sent,
        client.relayed,
        [data.data for each in references for data in each.data() if data.peer_session_id == session],
    )
    for each in references:
        labels = each.labels_opened_by(client)
        # A scenario may end while channels are being opened, and of several attempts, one may have ended so.
        is_sure = (
            bool(each.events(Connected, client))
            if labels
            else len(testbed.switchboard.attempts_between(client.name, each.name)) == 1
        )
        if labels is not None and is_sure:
            traffic.channels = (traffic.channels or frozenset()).union(labels)
    for other in others:
        _add_attempts(traffic, client, other, testbed.switchboard)
    return traffic


def _add_attempts(traffic: ClientTraffic, client: Client, other: Client, switchboard: Switchboard) -> None:
    """Add how `client` answers offers of `other`, and what it does if their offers cross."""
    attempts = switchboard.attempts_between(client.name, other.name)
    for attempt in attempts:
        if attempt.offer and attempt.answer and attempt.answerer == client.name:
            named = traffic.correlation_of(attempt.answer.sdp)
            strings = attempt.answer.strings if named is None else {named}
            shared = not attempt.offer.strings.isdisjoint(strings)
            traffic.answers_share_text = shared and traffic.answers_share_text is not False
    offered = {attempt.offerer: attempt for attempt in attempts if attempt.offer}
    if len(attempts) != 2 or len(offered) != 2 or client.side.label != other.side.label:
        return
    last_offer = max(attempt.offer.sent_at for attempt in attempts if attempt.offer)
    answers = [attempt.answer for attempt in attempts if attempt.answer]
    if answers and all(answer.sent_at > last_offer for answer in answers):
        names = {client.name: client.session_id, other.name: other.session_id}
        traffic.crossing = frozenset(names.values())
        traffic.crossing_answered = frozenset(
            names[attempt.offerer] for attempt in attempts if attempt.answer
        )
