"""Ending at each stage: nothing is left behind, and the other side receives the right events."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import aioice.ice
import aiortc
import pytest
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import ForwardTsnChunk, RTCSctpTransport

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, Data, Disconnected
from clasp_e2e.peer import NotConnected
from clasp_e2e.peer.association import Association
from clasp_e2e.peer.gathering import Gathering
from clasp_e2e.peer.inputs import SignalReceived
from clasp_e2e.peer.transport import Transport

from .conftest import PATIENCE, Open, join
from .world import sdp

MOMENTS = {
    "gathering": (aioice.ice.Connection, "gather_candidates"),
    "connecting": (aioice.ice.Connection, "connect"),
    "checked": (aioice.ice.Connection, "check_complete"),
    "nominated": (aioice.ice.Connection, "_check_list_maybe_complete"),
    "handshake": (RTCDtlsTransport, "_do_handshake"),
    "encrypted": (RTCDtlsTransport, "_setup_srtp"),
    "association": (RTCSctpTransport, "_init"),
    "channel": (RTCSctpTransport, "_data_channel_open"),
}


@pytest.mark.parametrize("way", ["close", "kill"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_close_while_connecting_ends_attempt(
    attach: Open, monkeypatch: pytest.MonkeyPatch, moment: str, way: str
):
    owner, name = MOMENTS[moment]
    original: Callable[..., object] = getattr(owner, name)
    reached = asyncio.Event()

    def watched(*args: object, **kwargs: object) -> object:
        reached.set()
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, watched)
    alice, bob = await attach(), await attach()
    connecting = asyncio.create_task(alice[0].connect_to_peer(bob[0].session_id))
    async with asyncio.timeout(PATIENCE):
        await reached.wait()
    await getattr(alice[0], way)()
    await getattr(bob[0], way)()
    (outcome,) = await asyncio.gather(connecting, return_exceptions=True)
    assert outcome is None or "closed" in str(outcome)
    for _, recorder in (alice, bob):
        assert len(recorder.of(Disconnected)) <= len(recorder.of(Connected)) <= 1


async def test_offer_during_close_starts_no_attempt(attach: Open, monkeypatch: pytest.MonkeyPatch):
    """The frame was there before the end: what it led to would outlive the end."""
    opened: list[object] = []
    monkeypatch.setattr(Transport, "accept_offer", lambda transport, _: opened.append(transport))
    (client, _) = await attach()
    shell = client._shell
    ending = asyncio.create_task(client.kill())
    released = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(released.set_result, None)
    await released
    shell.feed(SignalReceived(wire.encode_signal(wire.Offer("another", sdp("another/1"), "an attempt"))))
    await ending
    assert opened == []


@pytest.mark.parametrize("closer", ["offerer", "answerer"])
@pytest.mark.parametrize("way", ["close", "disconnect_peer"])
async def test_orderly_close_emits_disconnected_once(attach: Open, closer: str, way: str):
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    leaver, stayer = (alice, bob) if closer == "offerer" else (bob, alice)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    if way == "close":
        await leaver[0].close()
    else:
        await leaver[0].disconnect_peer(stayer[0].session_id)
        assert not leaver[0].is_peer_connected(stayer[0].session_id)
    (event,) = await stayer[1].until(Disconnected)
    assert loop.time() - begun < 2
    assert event.peer_session_id == leaver[0].session_id
    assert not stayer[0].is_peer_connected(leaver[0].session_id)
    await stayer[0].close()
    assert len(stayer[1].of(Disconnected)) == 1
    assert len(leaver[1].of(Disconnected)) == 1


async def test_same_peers_connect_again_after_disconnect(attach: Open):
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    await bob[0].disconnect_peer(alice[0].session_id)
    await alice[1].until(Disconnected)
    await bob[0].connect_to_peer(alice[0].session_id)
    await alice[1].until(Connected, 2)
    await bob[1].until(Connected, 2)


async def test_sctp_retransmission_on_closed_path_fails_no_task(
    attach: Open, monkeypatch: pytest.MonkeyPatch
):
    made: list[Association] = []
    original = Association.__init__

    def noted(association: Association, sctp: RTCSctpTransport) -> None:
        made.append(association)
        original(association, sctp)

    monkeypatch.setattr(Association, "__init__", noted)
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    await alice[0].close()
    for association in made:
        sctp = association._sctp
        sctp._forward_tsn_chunk = ForwardTsnChunk()
        if sctp.transport.state == "closed":
            with pytest.raises(ConnectionError):
                await association._transmit()
            await sctp._transmit()
            break
    else:
        pytest.fail("no association has lost its path")


async def test_killed_peer_sends_nothing(attach: Open):
    alice, bob, carol = await attach(), await attach(), await attach()
    await join(alice, bob)
    await alice[0].kill()
    # By the time this has come round through the router, a farewell would have come as well.
    await carol[0].send_p2p(bob[0].session_id, b"barrier")
    await bob[1].until(Data)
    assert bob[1].of(Disconnected) == []
    assert bob[0].is_peer_connected(alice[0].session_id)


async def test_pending_call_fails_if_client_is_killed(attach: Open):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.setblocking(False)
        client, _ = await attach(ice_servers=(f"stun:127.0.0.1:{silent.getsockname()[1]}",))
        connecting = asyncio.create_task(client.connect_to_peer("somebody"))
        async with asyncio.timeout(PATIENCE):
            asked = await asyncio.get_running_loop().sock_recv(silent, 2048)
        assert asked[4:8] == b"\x21\x12\xa4\x42", "a STUN request"
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await client.kill()
        assert loop.time() - begun < 2, "a silent STUN server does not hold up the end"
        with pytest.raises(NotConnected):
            await connecting


async def test_silent_stun_server_does_not_delay_close(attach: Open):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.setblocking(False)
        client, _ = await attach(ice_servers=(f"stun:127.0.0.1:{silent.getsockname()[1]}",))
        connecting = asyncio.create_task(client.connect_to_peer("somebody"))
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_recv(silent, 2048)
        async with asyncio.timeout(2):
            await client.close()
        (outcome,) = await asyncio.gather(connecting, return_exceptions=True)
        assert "closed" in str(outcome)


async def test_other_aiortc_users_gather_unchanged(nothing_left: None):
    seen: list[list[str]] = []

    async def ask(gathering: Gathering | None) -> None:
        if gathering is not None:
            gathering.enter()
        seen.append(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False))

    for gathering in (Gathering(["127.0.0.1"]), Gathering(), None):
        await asyncio.create_task(ask(gathering))
    assert seen[0] == ["127.0.0.1"]
    assert "127.0.0.1" not in seen[1] + seen[2]


def test_private_aiortc_names_exist():
    """The versions are pinned; this says what to look at when the pins move."""
    assert callable(aiortc.RTCPeerConnection._RTCPeerConnection__connect)
    for name in ("_receive_sack_chunk", "_t3_expired", "_data_channel_flush"):
        assert callable(getattr(RTCSctpTransport, name))
    for name in ("get_host_addresses", "server_reflexive_candidate", "relayed_candidate"):
        assert callable(getattr(aioice.ice, name))
