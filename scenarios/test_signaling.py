"""Signals on the wire: undefined in the public documents, defined by the reference implementation."""

from __future__ import annotations

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, P2PConfig
from clasp_e2e.testbed import (
    Client,
    PeerPair,
    SinglePeer,
    Unobserved,
    connects,
    expect,
    holds_sdp,
    random_payload,
    requirement,
    show,
)

OWN_FIELD = {
    "offer": "sdp",
    "answer": "sdp",
    "ice_candidate": "candidate",
    "connected": None,
    "disconnected": None,
}
"""The field that a signal of each type has in addition to `type`, `from` and `correlation_id`."""


def signals_of(pair: PeerPair, client: Client) -> list[wire.Publish]:
    """Return what `client` published at the addresses of its SDP and at the public ones, in order."""
    messages = [each.message for each in pair.testbed.published if each.client == client.name]
    own = {message.address for message in messages if holds_sdp(message)}
    return [
        message
        for message in messages
        if message.address in own or message.address.startswith(wire.SIGNAL_PREFIX)
    ]


def contains(value: wire.Value, text: str) -> bool:
    """Return whether `text` is `value` or occurs in it, at any depth."""
    match value:
        case dict():
            return any(contains(item, text) for item in value.values())
        case list():
            return any(contains(item, text) for item in value)
        case str():
            return text in value
        case _:
            return False


@requirement("SIG-1")
async def test_signals_go_to_the_signal_address(connected_pair: PeerPair) -> None:
    """A client publishes its SDP at `/clasp/p2p/signal/{target session}`."""
    subject, partner = connected_pair
    sent = [
        carrier
        for name, carrier in connected_pair.testbed.carriers
        if name == subject.name and holds_sdp(carrier)
    ]
    ways = {f"{type(carrier).__name__.upper()} {carrier.address}" for carrier in sent}
    expect(ways, "the messages with SDP").equals({f"PUBLISH {wire.signal_address(partner.session_id)}"})


@requirement("SIG-2")
async def test_signals_are_maps_with_the_fields_of_their_type(connected_pair: PeerPair) -> None:
    """Signals are maps with `type`, `from`, `correlation_id` and the field of their type."""
    subject, _ = connected_pair
    await connected_pair.signals_arrive()
    signals = signals_of(connected_pair, subject)
    expect(len(signals), "signals published").at_least(1)
    for signal in signals:
        value = signal.value
        expect(isinstance(value, dict), "a signal is a map").is_true(show(value))
        assert isinstance(value, dict)
        kind = value.get("type")
        expect(kind in OWN_FIELD, f"the type of a signal is one of {', '.join(OWN_FIELD)}").is_true(
            show(kind)
        )
        expect(value.get("from"), f"`from` of the signal {kind}").equals(subject.session_id)
        expect(bool(value.get("correlation_id")), f"the signal {kind} has a correlation_id").is_true()
        own = OWN_FIELD[str(kind)]
        if own is not None:
            expect(isinstance(value.get(own), str), f"the signal {kind} has a string `{own}`").is_true()


@requirement("SIG-3")
async def test_the_answer_repeats_the_correlation_id(connected_pair: PeerPair) -> None:
    """The answer has the same `correlation_id` as the offer."""
    ids: dict[str, wire.Value] = {}
    for client in (connected_pair.offerer, connected_pair.answerer):
        for signal in signals_of(connected_pair, client):
            if isinstance(signal.value, dict) and signal.value.get("type") in ("offer", "answer"):
                ids.setdefault(str(signal.value["type"]), signal.value.get("correlation_id"))
    expect(ids.get("answer"), "the correlation_id of the answer").equals(ids.get("offer"))


@requirement("SIG-3")
async def test_signals_with_an_unknown_correlation_id_are_ignored(connected_pair: PeerPair) -> None:
    """An answer, a candidate and a disconnected with an unknown `correlation_id` change nothing."""
    subject, partner = connected_pair
    mallory = await connected_pair.testbed.open_signaling_client("mallory")
    offer = next((d for d in connected_pair.testbed.switchboard.descriptions if d.leg == partner.name), None)
    if offer is None:
        raise Unobserved(f"no SDP of {partner.name} was read")
    await connected_pair.drain()
    common: dict[str, wire.Value] = {"from": partner.session_id, "correlation_id": "no-such-attempt"}
    candidate = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
    for signal in (
        {"type": "answer", "sdp": offer.sdp},
        {"type": "ice_candidate", "candidate": candidate},
        {"type": "disconnected", "reason": "no such attempt"},
    ):
        await mallory.signal(subject.session_id, {**signal, **common})
    await connected_pair.testbed.until_delivered(
        subject,
        lambda message: isinstance(message.value, dict) and message.value.get("reason") == "no such attempt",
        "a signal",
    )
    for sender, receiver in ((partner, subject), (subject, partner)):
        ended = subject.events(Disconnected, partner) + subject.events(ConnectionFailed, partner)
        expect([entry.event for entry in ended], "what the unknown signals led to").is_empty()
        payload = random_payload(64)
        async with connected_pair.path_of(sender, payload) as path:
            await sender.send_p2p(receiver, payload)
            await receiver.receives(payload)
        path.took_the_direct_path()
    expect(len(subject.events(Connected, partner)), "times that Connected was received").equals(1)


@requirement("SIG-4")
async def test_the_channels_are_the_two_of_the_protocol(connected_pair: PeerPair) -> None:
    """The channels are `clasp` (unordered, no retransmits) and `clasp-reliable` (ordered)."""
    subject, partner = connected_pair
    for reliable in (False, True):  # An implementation may open a channel when it first sends on it.
        payload = random_payload(64)
        await subject.send_p2p(partner, payload, reliable=reliable)
    await partner.receives(payload)
    seen = {label: (ordered, retransmits) for label, ordered, retransmits in partner.channels(subject)}
    expect(seen.get("clasp"), "`clasp`: ordered, retransmits").equals((False, 0))
    expect(seen.get("clasp-reliable"), "`clasp-reliable`: ordered, retransmits").equals((True, None))


@requirement("SIG-5")
async def test_a_client_announces_itself(single: SinglePeer) -> None:
    """A client with P2P enabled publishes its session id at `/clasp/p2p/announce`."""
    client = await single.attach(P2PConfig())
    client.needs("announce")
    published = await single.testbed.until_published(
        client,
        lambda message: message.address == wire.ANNOUNCE_ADDRESS,
        f"an announcement on {wire.ANNOUNCE_ADDRESS}",
    )
    value = published.message.value
    expect(contains(value, client.session_id), "the session id is in the announcement").is_true(show(value))


@requirement("SIG-10")
async def test_other_messages_of_the_router_are_ignored(pair: PeerPair) -> None:
    """A client that receives each kind of message of a router connects, and delivers none of them as Data."""
    subject, partner = pair
    address = f"/clasp-e2e/{random_payload(8).hex()}"
    messages: list[wire.Message] = [
        wire.Ack(address, 1),
        wire.Ping(),
        wire.Pong(),
        wire.Set(address, "on", 1),
        wire.Publish(address, 0.5),
        wire.Snapshot(),
        wire.Error(503, "messages were dropped"),
        wire.Bundle((wire.Ack(address, 2), wire.Set(address, "off", 2))),
    ]
    for message in messages:
        await subject.leg.send_down(wire.encode(message))
    await subject.all_is_written()
    await connects(pair)
    for message in messages:
        await subject.leg.send_down(wire.encode(message))
    await pair.exchange()
    foreign = [event.data for event in subject.data() if event.data not in partner.sent]
    expect(foreign, f"Data that {partner.name} did not send").is_empty()
