from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.p2p_types import Data, P2PConfig, RoutingMode, SendResult
from clasp_e2e.peer import NotConnected, PayloadTooLarge, PeerError, PeerNotConnected, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.sending import RELAY_LIMIT, decode_relay

from .world import ALICE, BOB, World


def send(world: World, data: bytes = b"payload", *, reliable: bool = True) -> SendResult | PeerError:
    number = world.call(ALICE, lambda call: inputs.SendP2P(call, BOB, data, reliable))
    world.run()
    answer = world.answer(ALICE, number)
    assert answer is not None
    if isinstance(answer, fx.Reject):
        return answer.error
    assert isinstance(answer.result, SendResult)
    return answer.result


def set_mode(world: World, mode: RoutingMode) -> None:
    world.call(ALICE, lambda call: inputs.SetRoutingMode(call, mode))


def took(world: World) -> set[type]:
    return {type(e) for e in world.effects[ALICE] if isinstance(e, fx.SendOnChannel | fx.PublishRelay)}


EXPECTED = {
    (RoutingMode.PREFER_P2P, True): (SendResult.P2P, {fx.SendOnChannel}),
    (RoutingMode.PREFER_P2P, False): (SendResult.RELAY, {fx.PublishRelay}),
    (RoutingMode.P2P_ONLY, True): (SendResult.P2P, {fx.SendOnChannel}),
    (RoutingMode.P2P_ONLY, False): (PeerNotConnected, set()),
    (RoutingMode.SERVER_ONLY, True): (SendResult.RELAY, {fx.PublishRelay}),
    (RoutingMode.SERVER_ONLY, False): (SendResult.RELAY, {fx.PublishRelay}),
}


@pytest.mark.parametrize(("mode", "connected"), EXPECTED)
def test_routing_mode_decides_path_and_result(mode, connected):
    world = World().connected() if connected else World()
    set_mode(world, mode)
    result = send(world)
    expected, path = EXPECTED[mode, connected]
    assert result is expected or isinstance(result, PeerNotConnected)
    assert isinstance(result, SendResult) is isinstance(expected, SendResult)
    assert took(world) == path


@given(st.lists(st.sampled_from(RoutingMode)), st.booleans())
def test_routing_mode_is_read_as_set(modes, connected):
    world = World().connected() if connected else World()
    for mode in [RoutingMode.PREFER_P2P, *modes]:
        if mode is not RoutingMode.PREFER_P2P or modes:
            set_mode(world, mode)
        read = world.call(ALICE, inputs.GetRoutingMode)
        assert world.answer(ALICE, read) == fx.Resolve(read, mode)


@given(st.binary(max_size=100), st.booleans(), st.booleans())
def test_payload_arrives_unchanged(data, reliable, connected):
    world = World().connected() if connected else World()
    assert isinstance(send(world, data, reliable=reliable), SendResult)
    assert [e for e in world.events[BOB] if isinstance(e, Data)] == [Data(ALICE, data, reliable)]


def test_auto_fallback_off_allows_no_relay():
    world = World(P2PConfig(auto_fallback=False))
    assert isinstance(send(world), PeerNotConnected)
    assert took(world) == set()
    set_mode(world, RoutingMode.SERVER_ONLY)
    assert send(world) is SendResult.RELAY


def test_send_on_closed_channel_reports_fallback():
    for mode, expected in ((RoutingMode.PREFER_P2P, fx.PublishRelay), (RoutingMode.P2P_ONLY, fx.Reject)):
        world = World().connected()
        set_mode(world, mode)
        core = world.cores[ALICE]
        (send_effect,) = core.handle(inputs.SendP2P(99, BOB, b"x", True))
        assert isinstance(send_effect, fx.SendOnChannel)
        (effect,) = core.handle(inputs.ChannelRefused(99, "closing"))
        assert isinstance(effect, expected)


def test_too_large_payload_is_refused_and_not_sent():
    world = World()
    error = send(world, bytes(RELAY_LIMIT + 1))
    assert isinstance(error, PayloadTooLarge)
    assert str(RELAY_LIMIT) in str(error)
    assert took(world) == set()
    core = World().connected().cores[ALICE]
    core.handle(inputs.SendP2P(99, BOB, b"x", True))
    (effect,) = core.handle(inputs.ChannelRefused(99, "too large", 16384))
    assert isinstance(effect, fx.Reject)
    assert "16384" in str(effect.error)


def test_without_router_only_direct_data_is_sent():
    world = World().connected()
    world.feed(ALICE, inputs.RouterLost("gone"))
    assert send(world) is SendResult.P2P
    set_mode(world, RoutingMode.SERVER_ONLY)
    assert isinstance(send(world), NotConnected)


def test_closing_connection_sends_no_data():
    world = World().connected()
    world.call(ALICE, lambda call: inputs.DisconnectPeer(call, BOB))
    call = world.call(ALICE, lambda call: inputs.SendP2P(call, BOB, b"x", True))
    world.run()
    assert world.answer(ALICE, call) == fx.Resolve(call, SendResult.RELAY)


@pytest.mark.parametrize("value", [None, 1, {}, {"from": "a", "data": "text", "reliable": True}])
def test_relayed_value_of_other_shape_is_no_data(value):
    assert decode_relay(value) is None
