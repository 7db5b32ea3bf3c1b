from __future__ import annotations

import pytest

from clasp_e2e import wire
from clasp_e2e.p2p_types import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PConfig,
    PeerAnnounced,
    SendResult,
)
from clasp_e2e.peer import NotConnected, P2PNotConfigured, PeerError, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.core import PeerCore

from .world import ALICE, BOB, World, sdp


def kinds(effects: list[fx.Effect]) -> list[type]:
    return [type(effect) for effect in effects]


def rejected(world: World, name: str, call: int) -> PeerError:
    answer = world.answer(name, call)
    assert isinstance(answer, fx.Reject)
    return answer.error


def test_start_subscribes_before_announcing():
    effects = PeerCore("a", P2PConfig(), lambda: "id").handle(inputs.Start())
    assert kinds(effects) == [fx.SubscribeTo] * 3 + [fx.PublishAnnouncement]
    assert [effect.pattern for effect in effects if isinstance(effect, fx.SubscribeTo)] == [
        "/clasp/p2p/signal/a",
        "/clasp/p2p/announce",
        "/clasp/p2p/relay/a",
    ]


def test_without_p2p_no_announcement_is_sent_and_calls_are_refused():
    world = World(config=None)
    world.feed(ALICE, inputs.Start())
    assert world.effects[ALICE] == []
    assert isinstance(rejected(world, ALICE, world.connect(ALICE)), P2PNotConfigured)
    send = world.call(ALICE, lambda call: inputs.SendP2P(call, BOB, b"x", True))
    assert isinstance(rejected(world, ALICE, send), P2PNotConfigured)


def test_connect_emits_connected_once_on_each_side():
    world = World()
    call = world.connect(ALICE)
    assert world.answer(ALICE, call) is None, "the offer has not left yet"
    world.run()
    assert world.answer(ALICE, call) == fx.Resolve(call)
    assert world.events == {ALICE: [Connected(BOB)], BOB: [Connected(ALICE)]}
    assert world.timers == {ALICE: {}, BOB: {}}


@pytest.mark.parametrize("target", [ALICE, ""])
def test_invalid_target_is_refused(target):
    world = World()
    call = world.call(ALICE, lambda call: inputs.ConnectToPeer(call, target))
    assert target in str(rejected(world, ALICE, call))
    assert not world.opened


def test_second_connect_joins_first():
    world = World()
    calls = [world.connect(ALICE), world.connect(ALICE)]
    world.run()
    calls.append(world.connect(ALICE))
    assert [world.answer(ALICE, call) for call in calls] == [fx.Resolve(call) for call in calls]
    assert len(world.opened) == 2


def test_deadline_counts_from_offer_and_fails_attempt_once():
    world = World(P2PConfig(connection_timeout_secs=7))
    call = world.call(ALICE, lambda call: inputs.ConnectToPeer(call, BOB))
    assert world.timers[ALICE] == {("deadline", BOB): 7}
    world.timers[ALICE].clear()
    world.feed(ALICE, inputs.LocalDescription(1, sdp("alice/1")))
    assert world.timers[ALICE] == {("deadline", BOB): 7}
    world.fire(ALICE, ("deadline", BOB))
    assert world.answer(ALICE, call) == fx.Resolve(call)
    (event,) = world.events[ALICE]
    assert isinstance(event, ConnectionFailed)
    assert "within 7 s: the offer was not answered" in event.reason
    assert world.closed == [(ALICE, 1)]


def test_default_time_out_is_thirty_seconds():
    world = World()
    world.connect(ALICE)
    assert world.timers[ALICE] == {("deadline", BOB): 30.0}


def test_attempt_that_ends_before_offer_rejects_call_without_event():
    world = World()
    call = world.connect(ALICE)
    world.feed(ALICE, inputs.NegotiationFailed(1, "malformed uri"))
    assert "malformed uri" in str(rejected(world, ALICE, call))
    assert world.events[ALICE] == []
    world.connected()
    assert world.events[ALICE] == [Connected(BOB)]


def test_unknown_session_fails_immediately():
    world = World()
    world.call(ALICE, lambda call: inputs.ConnectToPeer(call, "nobody"))
    world.run()
    (event,) = world.events[ALICE]
    assert isinstance(event, ConnectionFailed)
    assert event.peer_session_id == "nobody"
    assert "404" in event.reason
    assert world.timers[ALICE] == {}


def test_answerer_receives_connection_failed_too():
    world = World()
    world.feed(BOB, inputs.SignalReceived(wire.encode_signal(wire.Offer(ALICE, sdp("alice/9"), "c"))))
    world.fire(BOB, ("deadline", ALICE))
    (event,) = world.events[BOB]
    assert isinstance(event, ConnectionFailed)


def test_next_attempt_of_other_side_has_own_time_out():
    """What is left of a first offer's deadline must not end the attempt that a second offer begins."""
    world = World()
    for attempt in (7, 8):
        world.timers[BOB].clear()
        offer = wire.Offer(ALICE, sdp(f"alice/{attempt}"), f"attempt {attempt}")
        world.feed(BOB, inputs.SignalReceived(wire.encode_signal(offer)))
        assert world.timers[BOB] == {("deadline", ALICE): 30.0}
    assert world.events[BOB] == []


def test_data_never_precedes_connected():
    world = World()
    world.connect(ALICE)
    while not world.partner:
        world.choices()[0]()
    world.feed(BOB, inputs.ChannelMessage(1, "clasp", b"early"))
    world.run()
    assert world.events[BOB] == [Connected(ALICE), Data(ALICE, b"early", False)]


def test_wedged_connection_is_offered_again_within_attempt():
    world = World()
    world.connect(ALICE)
    world.feed(ALICE, inputs.LocalDescription(1, sdp("alice/1")))
    (offer,) = [e.signal for e in world.effects[ALICE] if isinstance(e, fx.PublishSignal)]
    answer = wire.Answer(BOB, sdp("bob/1"), offer.correlation_id)
    world.feed(ALICE, inputs.SignalReceived(wire.encode_signal(answer)))
    world.fire(ALICE, ("reoffer", BOB))
    assert world.effects[ALICE][-2:] == [
        fx.CloseTransport(1, silent=True),
        fx.CreateOffer(2, (fx.UNRELIABLE, fx.RELIABLE), (), ()),
    ]
    world.feed(ALICE, inputs.LocalDescription(2, sdp("alice/2")))
    again = [e.signal for e in world.effects[ALICE] if isinstance(e, fx.PublishSignal)][-1]
    assert isinstance(again, wire.Offer)
    assert again.correlation_id != offer.correlation_id
    world.feed(ALICE, inputs.ChannelsOpen(2))
    assert world.events[ALICE] == [Connected(BOB)]
    assert world.timers[ALICE] == {}


def test_renewed_offers_are_limited_by_max_retries():
    world = World(P2PConfig(max_retries=0))
    world.connected()
    assert not any(isinstance(e, fx.StartTimer) and e.key[0] == "reoffer" for e in world.effects[ALICE])


def test_disconnect_drains_signals_and_closes():
    world = World().connected()
    world.effects[ALICE].clear()
    call = world.call(ALICE, lambda call: inputs.DisconnectPeer(call, BOB))
    assert kinds(world.effects[ALICE]) == [fx.CancelTimer, fx.Drain] or kinds(world.effects[ALICE]) == [
        fx.Drain
    ]
    assert world.answer(ALICE, call) is None
    world.run()
    order = [fx.PublishSignal, fx.CloseTransport, fx.Emit, fx.Resolve]
    assert [kind for kind in kinds(world.effects[ALICE]) if kind in order] == order
    assert isinstance(world.events[ALICE][-1], Disconnected)
    assert [type(event) for event in world.events[BOB]] == [Connected, Disconnected]


def test_data_before_disconnect_is_reported_first():
    """Its word came by the router, and has overtaken what it sent before."""
    world = World().connected()
    connection = world.cores[BOB].connection(ALICE)
    assert connection is not None
    (correlation_id,) = {
        e.signal.correlation_id
        for e in world.effects[BOB]
        if isinstance(e, fx.PublishSignal) and isinstance(e.signal, wire.ConnectedSignal)
    }
    left = inputs.SignalReceived(wire.encode_signal(wire.DisconnectedSignal(ALICE, correlation_id, "bye")))
    world.feed(BOB, left)
    world.feed(BOB, left)
    assert [e for e in world.effects[BOB] if isinstance(e, fx.Drain)] == [fx.Drain(connection, left=True)]
    call = world.call(BOB, lambda call: inputs.SendP2P(call, ALICE, b"too late", reliable=True))
    world.feed(BOB, inputs.ChannelMessage(connection, "clasp-reliable", b"in time"))
    world.run()
    assert world.answer(BOB, call) == fx.Resolve(call, SendResult.RELAY)
    assert world.events[BOB] == [Connected(ALICE), Data(ALICE, b"in time", True), Disconnected(ALICE, "bye")]


def test_new_offer_of_disconnecting_peer_is_answered():
    world = World().connected()
    world.call(ALICE, lambda call: inputs.DisconnectPeer(call, BOB))
    world.feed(BOB, inputs.SignalReceived(wire.encode_signal(wire.Offer(ALICE, sdp("alice/9"), "again"))))
    world.run()
    answers = [
        e.signal
        for e in world.effects[BOB]
        if isinstance(e, fx.PublishSignal) and isinstance(e.signal, wire.Answer)
    ]
    assert [answer.correlation_id for answer in answers][1:] == ["again"]


def test_late_candidates_carry_correlation_id_of_attempt():
    world = World()
    world.connect(ALICE)
    candidate = '{"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host"}'
    world.feed(ALICE, inputs.LocalDescription(1, sdp("alice/1")))
    world.feed(ALICE, inputs.LocalCandidate(1, candidate))
    world.feed(ALICE, inputs.LocalCandidate(2, "of a transport that is no more"))
    offer, trickled = [e.signal for e in world.effects[ALICE] if isinstance(e, fx.PublishSignal)]
    assert trickled == wire.IceCandidate(ALICE, candidate, offer.correlation_id)


@pytest.mark.parametrize("forged", [
    wire.DisconnectedSignal(ALICE, "guessed", "go away"),
    wire.Offer(ALICE, sdp("mallory/1"), "mine"),
    wire.Answer(ALICE, sdp("mallory/1"), "mine"),
    wire.IceCandidate(ALICE, "candidate:1 1 udp 1 127.0.0.1 9 typ host", "mine"),
])  # fmt: skip
def test_signal_in_name_of_other_peer_ends_no_connection(forged):
    world = World().connected()
    world.feed(BOB, inputs.SignalReceived(wire.encode_signal(forged)))
    if ("deadline", ALICE) in world.timers[BOB]:
        world.fire(BOB, ("deadline", ALICE))
    assert world.events[BOB] == [Connected(ALICE)]
    connection = world.cores[BOB].connection(ALICE)
    assert connection is not None
    assert (BOB, connection) not in world.closed


def test_offer_of_peer_that_lost_its_side_replaces_connection():
    world = World().connected()
    lost = world.cores[ALICE].connection(BOB)
    assert lost is not None
    world.feed(ALICE, inputs.TransportLost(lost, "gone"))
    world.closed.remove((ALICE, lost))  # so that bob does not hear of it
    world._pending.clear()
    world.connect(ALICE)
    world.run()
    assert [type(event) for event in world.events[BOB]] == [Connected, Disconnected, Connected]
    assert [type(event) for event in world.events[ALICE]] == [Connected, Disconnected, Connected]


def test_loss_emits_disconnected_once():
    world = World().connected()
    connection = world.cores[ALICE].connection(BOB)
    assert connection is not None
    world.feed(ALICE, inputs.TransportLost(connection, "lost"))
    world.feed(ALICE, inputs.TransportLost(connection, "lost again"))
    assert world.events[ALICE] == [Connected(BOB), Disconnected(BOB, "lost")]
    world.run()
    assert [type(event) for event in world.events[BOB]] == [Connected, Disconnected]


def test_close_ends_connections_and_refuses_later_calls():
    world = World().connected()
    closed = world.call(ALICE, inputs.CloseClient)
    world.run()
    assert world.answer(ALICE, closed) == fx.Resolve(closed)
    assert fx.CloseSession() in world.effects[ALICE]
    assert [type(event) for event in world.events[BOB]] == [Connected, Disconnected]
    assert isinstance(rejected(world, ALICE, world.connect(ALICE)), NotConnected)
    assert set(world.closed) == world.opened


def test_malformed_signal_is_ignored():
    world = World()
    for value in (
        None,
        7,
        {},
        {"type": "offer"},
        {"type": "offer", "from": BOB, "sdp": "", "correlation_id": "x"},
    ):
        world.feed(ALICE, inputs.SignalReceived(value))
    assert world.effects[ALICE] == []
    world.connected()
    assert world.events[ALICE] == [Connected(BOB)]


def test_good_answer_is_used_after_bad_one():
    world = World()
    world.connect(ALICE)
    world.choices()[0]()
    (offer,) = [e.signal for e in world.effects[ALICE] if isinstance(e, fx.PublishSignal)]
    bad = wire.Answer(BOB, "v=0\r\nnonsense", offer.correlation_id)
    world.feed(ALICE, inputs.SignalReceived(wire.encode_signal(bad)))
    world.run()
    assert world.events[ALICE] == [Connected(BOB)]


def test_lost_router_ends_no_connection_but_refuses_new_ones():
    world = World().connected()
    world.feed(ALICE, inputs.RouterLost("it closed"))
    assert world.events[ALICE] == [Connected(BOB)]
    call = world.call(ALICE, lambda call: inputs.ConnectToPeer(call, "carol"))
    assert "it closed" in str(rejected(world, ALICE, call))
    again = world.connect(ALICE)
    assert world.answer(ALICE, again) == fx.Resolve(again), "already connected: nothing to ask the router for"


def test_announcement_emits_peer_announced():
    world = World()
    for session in ("carol", ALICE, ""):
        value = wire.encode_announcement(wire.Announcement(session, True, ("webrtc",)))
        world.feed(ALICE, inputs.AnnouncementReceived(value))
    world.feed(ALICE, inputs.AnnouncementReceived("nonsense"))
    assert world.events[ALICE] == [PeerAnnounced("carol", ("webrtc",))]


@pytest.mark.parametrize("is_answered", [True, False])
def test_crossed_offer_is_answered_if_own_is_not(is_answered: bool):
    """The other side may have a rule by which its offer wins."""
    world = World()
    world.connect(ALICE)
    world.choices()[0]()
    (offer,) = [e.signal for e in world.effects[ALICE] if isinstance(e, fx.PublishSignal)]
    crossing = wire.Offer(BOB, sdp("bob/1"), "crossing")
    world.feed(ALICE, inputs.SignalReceived(wire.encode_signal(crossing)))
    if is_answered:
        answer = wire.Answer(BOB, sdp("bob/2"), offer.correlation_id)
        world.feed(ALICE, inputs.SignalReceived(wire.encode_signal(answer)))
        assert ("crossing", BOB) not in world.timers[ALICE]
    else:
        world.fire(ALICE, ("crossing", BOB))
    accepted = [effect.sdp for effect in world.effects[ALICE] if isinstance(effect, fx.AcceptOffer)]
    assert accepted == ([] if is_answered else [crossing.sdp])


def test_reattached_client_signals_under_new_session():
    world = World().connected()
    world.feed(ALICE, inputs.RouterLost("it closed"))
    world.effects[ALICE].clear()
    world.feed(ALICE, inputs.Reattached("alice-2"))
    announced = [
        e.announcement.session_id for e in world.effects[ALICE] if isinstance(e, fx.PublishAnnouncement)
    ]
    assert announced == ["alice-2"]
    assert fx.SubscribeTo(wire.signal_address("alice-2")) in world.effects[ALICE]
    world.call(ALICE, lambda call: inputs.ConnectToPeer(call, "carol"))
    world.run()
    offers = [e.signal for e in world.effects[ALICE] if isinstance(e, fx.PublishSignal)]
    assert [(type(offer), offer.sender) for offer in offers] == [(wire.Offer, "alice-2")]
    assert world.cores[ALICE].connection(BOB) is not None
