"""The whole reference peer, over a real router and real WebRTC on the loopback interface."""

from __future__ import annotations

import asyncio
import random
from urllib.parse import urlsplit

import pytest

from clasp_e2e.p2p_types import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PConfig,
    PeerAnnounced,
    RoutingMode,
    SendResult,
)
from clasp_e2e.peer import (
    Clasp,
    NegotiationError,
    NotConnected,
    P2PNotConfigured,
    PayloadTooLarge,
    PeerError,
    PeerNotConnected,
)
from clasp_e2e.peer.effects import Delayed, Effect, Emit, PublishRelay, Resolve
from clasp_e2e.peer.transport import TransportKind
from clasp_e2e.router import RouterServer
from clasp_e2e.scripted.variants.own_channel_variants import OneForEachDirection
from clasp_e2e.scripted.variants.sdp_variants import WithAnAudioSection

from .conftest import Open, join

CHANNELS = (("clasp", False, 0), ("clasp-reliable", True, None))


async def test_each_side_receives_connected_and_both_channels(attach: Open):
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    assert alice[1].of(Connected) == [Connected(bob[0].session_id)]
    assert bob[1].of(Connected) == [Connected(alice[0].session_id)]
    for here, there in ((alice[0], bob[0]), (bob[0], alice[0])):
        assert here.is_peer_connected(there.session_id)
        assert tuple(sorted(here.channels(there.session_id))) == CHANNELS


@pytest.mark.parametrize("reliable", [True, False])
async def test_each_size_arrives_from_both_sides(attach: Open, reliable: bool):
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    for sender, receiver in ((alice, bob), (bob, alice)):
        for count, size in enumerate((0, 1, 1200, 16384), start=1):
            data = random.randbytes(size)
            assert await sender[0].send_p2p(receiver[0].session_id, data, reliable) is SendResult.P2P
            received = await receiver[1].until(Data, count)
            assert received[-1] == Data(sender[0].session_id, data, reliable)


@pytest.mark.parametrize("stack", [WithAnAudioSection, OneForEachDirection])
async def test_partner_may_have_more_sections_and_channels(attach: Open, stack: TransportKind):
    for role in ("offerer", "answerer"):
        alice, bob = await attach(webrtc=stack), await attach()
        await join(*((alice, bob) if role == "offerer" else (bob, alice)))
        for sender, receiver in ((alice, bob), (bob, alice)):
            for reliable in (True, False):
                await sender[0].send_p2p(receiver[0].session_id, b"data", reliable)
                received = await receiver[1].until(Data, 1 if reliable else 2)
                assert received[-1] == Data(sender[0].session_id, b"data", reliable)


async def test_reliable_data_arrives_in_order_before_close(attach: Open):
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    sent = [bytes([n]) * 2000 for n in range(200)]
    for data in sent:
        await alice[0].send_p2p(bob[0].session_id, data)
    await alice[0].close()
    await bob[1].until(Disconnected)
    assert [event.data for event in bob[1].of(Data)] == sent


async def test_largest_message_is_accepted_and_larger_one_refused(attach: Open):
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    with pytest.raises(PayloadTooLarge, match="smaller pieces"):
        await alice[0].send_p2p(bob[0].session_id, bytes(262145))
    assert await alice[0].send_p2p(bob[0].session_id, bytes(262144)) is SendResult.P2P
    (data,) = await bob[1].until(Data)
    assert len(data.data) == 262144


async def test_relay_reaches_application(attach: Open):
    alice, bob = await attach(), await attach()
    for reliable in (True, False):
        assert await alice[0].send_p2p(bob[0].session_id, b"by relay", reliable) is SendResult.RELAY
    assert await alice[0].send_p2p(bob[0].session_id, bytes(65000)) is SendResult.RELAY
    received = await bob[1].until(Data, 3)
    assert received == [
        Data(alice[0].session_id, b"by relay", True),
        Data(alice[0].session_id, b"by relay", False),
        Data(alice[0].session_id, bytes(65000), True),
    ]
    with pytest.raises(PayloadTooLarge):
        await alice[0].send_p2p(bob[0].session_id, bytes(65001))


async def test_routing_mode_applies_from_next_send(attach: Open):
    alice, bob = await attach(), await attach()
    client, target = alice[0], bob[0].session_id
    assert client.p2p_routing_mode() is RoutingMode.PREFER_P2P
    client.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    with pytest.raises(PeerNotConnected, match="connect_to_peer"):
        await client.send_p2p(target, b"nowhere")
    await join(alice, bob)
    for mode, result in (
        (RoutingMode.P2P_ONLY, SendResult.P2P),
        (RoutingMode.SERVER_ONLY, SendResult.RELAY),
        (RoutingMode.PREFER_P2P, SendResult.P2P),
    ):
        client.set_p2p_routing_mode(mode)
        assert client.p2p_routing_mode() is mode
        assert await client.send_p2p(target, mode.value.encode()) is result
    await bob[1].until(Data, 3)


async def test_calls_without_p2p_are_refused(attach: Open):
    client, _ = await attach(p2p=False)
    with pytest.raises(P2PNotConfigured, match="p2p_config"):
        await client.connect_to_peer("somebody")
    with pytest.raises(P2PNotConfigured):
        await client.send_p2p("somebody", b"")


async def test_unanswered_attempt_fails_at_time_out(attach: Open):
    alice, recorder = await attach(connection_timeout_secs=1)
    deaf, _ = await attach(p2p=False)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await alice.connect_to_peer(deaf.session_id)
    (event,) = await recorder.until(ConnectionFailed)
    assert 0.95 <= loop.time() - begun < 3
    assert event.peer_session_id == deaf.session_id
    assert "not answered" in event.reason


async def test_attempt_after_unknown_session_can_succeed(attach: Open):
    alice, bob = await attach(), await attach()
    await alice[0].connect_to_peer("no-such-session")
    (event,) = await alice[1].until(ConnectionFailed)
    assert "404" in event.reason
    await join(alice, bob)


async def test_simultaneous_calls_make_one_connection(attach: Open):
    alice, bob = await attach(), await attach()
    for count in range(1, 6):
        await asyncio.gather(
            alice[0].connect_to_peer(bob[0].session_id), bob[0].connect_to_peer(alice[0].session_id)
        )
        await alice[1].until(Connected, count)
        await bob[1].until(Connected, count)
        assert await alice[0].send_p2p(bob[0].session_id, b"there") is SendResult.P2P
        assert await bob[0].send_p2p(alice[0].session_id, b"back") is SendResult.P2P
        await alice[1].until(Data, count)
        await bob[1].until(Data, count)
        await bob[0].disconnect_peer(alice[0].session_id)
        await alice[1].until(Disconnected, count)
    for _, recorder in (alice, bob):
        assert len(recorder.of(Connected)) == len(recorder.of(Disconnected)) == 5
        assert recorder.of(ConnectionFailed) == []


async def test_client_has_several_connections(attach: Open):
    hub, others = await attach(), [await attach() for _ in range(3)]
    await asyncio.gather(*(hub[0].connect_to_peer(other.session_id) for other, _ in others))
    await hub[1].until(Connected, 3)
    for other, recorder in others:
        await recorder.until(Connected)
        await hub[0].send_p2p(other.session_id, other.session_id.encode())
        (data,) = await recorder.until(Data)
        assert data.data.decode() == other.session_id


async def test_direct_data_continues_without_router(attach: Open, router: RouterServer):
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    await router.close()
    assert await alice[0].send_p2p(bob[0].session_id, b"still here") is SendResult.P2P
    await bob[1].until(Data)
    while True:
        # The loss is noticed when the closing handshake arrives, some turns of the loop later.
        try:
            await alice[0].connect_to_peer("somebody")
            await alice[1].until(ConnectionFailed)
        except NotConnected as error:
            assert "router is gone" in str(error)  # noqa: PT017
            break
    alice[0].set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    with pytest.raises(NotConnected):
        await alice[0].send_p2p(bob[0].session_id, b"no way")


async def test_announcements_are_received(attach: Open):
    _, recorder = await attach()
    newcomer, _ = await attach()
    (event,) = await recorder.until(PeerAnnounced)
    assert event == PeerAnnounced(newcomer.session_id, ("webrtc", "reliable", "unreliable"))


async def test_callback_may_call_client_and_may_raise(attach: Open):
    alice, bob = await attach(), await attach()
    seen: list[bool] = []

    def on_event(event: object) -> None:
        if isinstance(event, Connected):
            seen.append(bob[0].is_peer_connected(event.peer_session_id))
            raise RuntimeError("the application's own mistake")

    bob[0].on_p2p_event(on_event)
    await join(alice, bob)
    assert seen == [True]
    assert await alice[0].send_p2p(bob[0].session_id, b"unharmed") is SendResult.P2P
    await bob[1].until(Data)


async def test_closed_client_refuses_calls(attach: Open):
    client, _ = await attach()
    await client.close()
    await client.close()
    await client.kill()
    with pytest.raises(NotConnected, match="closed"):
        await client.connect_to_peer("somebody")
    with pytest.raises(NotConnected):
        await client.send_p2p("somebody", b"")


async def test_script_drops_alters_repeats_and_delays_effects(attach: Open):
    def lie(effect: Effect) -> list[Effect]:
        match effect:
            case PublishRelay():
                return [Resolve(effect.call, SendResult.P2P)]
            case Emit(Connected()):
                return [effect, Delayed(0.01, effect)]
            case Resolve(result=RoutingMode()):
                return []
            case _:
                return [effect]

    alice, bob = await attach(script=lie), await attach()
    assert await alice[0].send_p2p(bob[0].session_id, b"lost") is SendResult.P2P
    with pytest.raises(PeerError, match="script"):
        alice[0].p2p_routing_mode()
    await join(alice, bob)
    await alice[1].until(Connected, 2)
    assert bob[1].of(Data) == []


async def test_bad_ice_server_is_error_of_call(attach: Open):
    client, recorder = await attach(ice_servers=("nonsense",))
    with pytest.raises(NegotiationError, match="malformed uri"):
        await client.connect_to_peer("somebody")
    assert recorder.of(ConnectionFailed) == []


async def test_context_manager_closes_client(router: RouterServer):
    async with await Clasp.builder(router.url).name("guest").token(None).connect() as client:
        assert client.session_id
    with pytest.raises(NotConnected):
        await client.disconnect_peer("somebody")


async def test_reattach_gets_new_session():
    router = await RouterServer.open("127.0.0.1", 0)
    announced: list[str] = []
    client = await Clasp.builder(router.url).p2p_config(P2PConfig()).loopback().reattach().connect()
    first, port = client.session_id, urlsplit(router.url).port
    await router.close()
    router = await RouterServer.open("127.0.0.1", port or 0)
    observer = Clasp.builder(router.url).p2p_config(P2PConfig()).loopback()
    seen = asyncio.Event()

    def note(event: object) -> None:
        if isinstance(event, PeerAnnounced):
            announced.append(event.peer_session_id)
            seen.set()

    async with await observer.on_p2p_event(note).connect() as other:
        if client.session_id == first:
            await asyncio.wait_for(seen.wait(), 10)
            assert announced == [client.session_id]
        assert client.session_id not in (first, other.session_id)
    await client.close()
    await router.close()


async def test_client_can_be_closed_while_reattaching():
    router = await RouterServer.open("127.0.0.1", 0)
    client = await Clasp.builder(router.url).p2p_config(P2PConfig()).loopback().reattach().connect()
    await router.close()
    await client.close()
