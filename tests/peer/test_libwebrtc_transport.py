"""The reference peer on libwebrtc, in this process: what its shell adds to the common core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from clasp_e2e import wire
from clasp_e2e.network import EmbeddedTurnServer
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected, SendResult, TurnServer
from clasp_e2e.peer import PayloadTooLarge, transport
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.inputs import SignalReceived
from clasp_e2e.peer.libwebrtc_transport import LibwebrtcTransport, install_advice
from clasp_e2e.peer.transport import MESSAGE_LIMIT, TransportKind
from clasp_e2e.peer.webrtc import AiortcTransport

from .conftest import PATIENCE, Open, join
from .world import sdp

pytestmark = pytest.mark.skipif(install_advice() is not None, reason=str(install_advice()))

L, A = LibwebrtcTransport, AiortcTransport
PAIRINGS = pytest.mark.parametrize(("one", "other"), [(L, L), (L, A), (A, L)], ids=["LL", "LA", "AL"])


@PAIRINGS
async def test_both_sides_send_and_channels_have_required_options(
    attach: Open, one: TransportKind, other: TransportKind
):
    alice, bob = await attach(webrtc=one), await attach(webrtc=other)
    await join(alice, bob)
    for sender, receiver in ((alice, bob), (bob, alice)):
        sent = [b"", b"x", bytes(16384), bytes(MESSAGE_LIMIT)]
        for data in sent:
            answer = await sender[0].send_p2p(receiver[0].session_id, data)
            assert answer is SendResult.P2P
        heard = await receiver[1].until(Data, len(sent))
        assert heard == [Data(sender[0].session_id, data, True) for data in sent]
        with pytest.raises(PayloadTooLarge, match=str(MESSAGE_LIMIT)):
            await sender[0].send_p2p(receiver[0].session_id, bytes(MESSAGE_LIMIT + 1))
        channels = set(sender[0].channels(receiver[0].session_id))
        assert channels == {("clasp", False, 0), ("clasp-reliable", True, None)}


@PAIRINGS
@pytest.mark.parametrize("leaver", ["offerer", "answerer"])
async def test_data_sent_before_close_arrives_before_close(
    attach: Open, monkeypatch: pytest.MonkeyPatch, one: TransportKind, other: TransportKind, leaver: str
):
    """Again and again: the end goes by the router, and on libwebrtc's threads it overtakes now and then."""
    monkeypatch.setattr(transport, "DRAIN_LIMIT", PATIENCE)  # A slow machine is no peer that vanished.
    alice, bob = await attach(webrtc=one), await attach(webrtc=other)
    sender, receiver = (alice, bob) if leaver == "offerer" else (bob, alice)
    sent = [bytes([number]) * 16384 for number in range(20)]
    for attempt in range(1, 11):
        await alice[0].connect_to_peer(bob[0].session_id)
        await alice[1].until(Connected, attempt)
        await bob[1].until(Connected, attempt)
        for data in sent:
            await sender[0].send_p2p(receiver[0].session_id, data)
        await sender[0].disconnect_peer(receiver[0].session_id)
        await receiver[1].until(Disconnected, attempt)
        assert [event.data for event in receiver[1].of(Data)] == sent * attempt
        assert len(sender[1].of(Disconnected)) == attempt


async def test_candidates_trickle_and_are_loopback_only(attach: Open):
    signals: list[wire.Signal] = []

    def note(effect: fx.Effect) -> tuple[fx.Effect]:
        if isinstance(effect, fx.PublishSignal):
            signals.append(effect.signal)
        return (effect,)

    alice = await attach(webrtc=L, script=note)
    bob = await attach(webrtc=L)
    await join(alice, bob)
    offer, *others = signals
    assert isinstance(offer, wire.Offer)
    assert "a=candidate:" not in offer.sdp
    candidates = [signal for signal in others if isinstance(signal, wire.IceCandidate)]
    assert candidates != []
    assert {signal.candidate.split()[5] for signal in candidates} == {"127.0.0.1"}
    assert {signal.correlation_id for signal in candidates} == {offer.correlation_id}


async def test_relay_candidate_is_offered_for_other_address(attach: Open):
    offered = asyncio.Event()

    def note(effect: fx.Effect) -> tuple[fx.Effect]:
        match effect:
            case fx.PublishSignal(signal=wire.IceCandidate() as found) if " typ relay " in found.candidate:
                offered.set()
            case _:
                pass
        return (effect,)

    server = await EmbeddedTurnServer.open({"alice": "in wonderland"})
    given = TurnServer(url=server.url, username="alice", credential="in wonderland")
    try:
        alice = await attach(webrtc=L, script=note, turn_servers=(given,))
        async with asyncio.timeout(PATIENCE):
            await join(alice, await attach(webrtc=L))
            await offered.wait()
    finally:
        await server.close()


def first_offer(effect: fx.Effect) -> bool:
    return isinstance(effect, fx.CreateOffer)


def signal(kind: type[wire.Signal]) -> Callable[[fx.Effect], bool]:
    return lambda effect: isinstance(effect, fx.PublishSignal) and isinstance(effect.signal, kind)


MOMENTS: dict[str, Callable[[fx.Effect], bool]] = {
    "describing": first_offer,
    "offered": signal(wire.Offer),
    "trickling": signal(wire.IceCandidate),
    "answered": lambda effect: isinstance(effect, fx.AcceptAnswer),
    "connected": signal(wire.ConnectedSignal),
}


@pytest.mark.parametrize("way", ["close", "kill"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_close_while_connecting_leaves_nothing(attach: Open, moment: str, way: str):
    reached = asyncio.Event()

    def watched(effect: fx.Effect) -> tuple[fx.Effect]:
        if MOMENTS[moment](effect):
            reached.set()
        return (effect,)

    alice, bob = await attach(webrtc=L, script=watched), await attach(webrtc=L)
    connecting = asyncio.create_task(alice[0].connect_to_peer(bob[0].session_id))
    async with asyncio.timeout(5):
        await reached.wait()
    await getattr(alice[0], way)()
    await getattr(bob[0], way)()
    (outcome,) = await asyncio.gather(connecting, return_exceptions=True)
    assert outcome is None or "closed" in str(outcome)
    for _, recorder in (alice, bob):
        assert len(recorder.of(Disconnected)) <= len(recorder.of(Connected)) <= 1


async def test_description_refused_by_libwebrtc_fails_attempt_with_its_message(attach: Open):
    client, told = await attach(webrtc=L)
    offer = wire.Offer("another", sdp("another/1"), "an attempt")
    client._shell.feed(SignalReceived(wire.encode_signal(offer)))
    (failed,) = await told.until(ConnectionFailed)
    assert failed.reason.startswith("WebRTC: ")


async def test_threads_and_descriptors_do_not_grow(attach: Open):
    counts: list[tuple[int, int]] = []
    alice, bob = await attach(webrtc=L), await attach(webrtc=L)
    for attempt in range(1, 6):
        await alice[0].connect_to_peer(bob[0].session_id)
        await alice[1].until(Connected, attempt)
        await bob[1].until(Connected, attempt)
        await alice[0].disconnect_peer(bob[0].session_id)
        await bob[1].until(Disconnected, attempt)
        counts.append((entries("task"), entries("fd")))
    assert all(after == before for before, after in pairwise(counts)), counts


def entries(what: str) -> int:
    return len(list(Path("/proc/self", what).iterdir()))
