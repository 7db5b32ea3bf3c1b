"""Real WebRTC connections whose only path is the link."""

from __future__ import annotations

import asyncio
import os

import aioice.ice
import pytest

from clasp_e2e.network import combined, duplicated, lost, reordered

from .sockets import PATIENCE
from .webrtc import ALICE, BOB, AiortcPair

pytestmark = pytest.mark.usefixtures("loopback_only")


@pytest.mark.parametrize("trickle", [False, True], ids=["inline", "trickled"])
async def test_two_peers_connect_by_the_link_alone(trickle: bool) -> None:
    async with AiortcPair() as pair, asyncio.timeout(PATIENCE):
        await pair.connect(trickle=trickle)
        before, _ = pair.board.traffic("alice", "bob")
        payload = os.urandom(16384)
        pair.channel.send(payload)
        assert await pair.received.get() == payload
        after, back = pair.board.traffic("alice", "bob")
        assert after.bytes - before.bytes >= len(payload)
        assert after.dtls_application - before.dtls_application >= 10
        assert after.dropped_datagrams == back.dropped_datagrams == 0
        # Whatever crossed, crossed the link: the peers' own addresses are known to the link alone.
        for side, connection in ((ALICE, pair.alice), (BOB, pair.bob)):
            assert connection.sctp is not None
            ice = connection.sctp.transport.transport
            chosen = ice._connection._nominated[1]
            assert chosen.remote_addr == pair.attempt.link.address_for(side)


async def test_peers_with_several_addresses_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.1"]
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: addresses)
    async with AiortcPair() as pair, asyncio.timeout(PATIENCE):
        await pair.connect()
        pair.channel.send(b"hello")
        assert await pair.received.get() == b"hello"
        assert len(pair.attempt.candidates["alice"]) == 3


async def test_cut_holds_all_back_and_a_healed_link_lets_it_flow() -> None:
    async with AiortcPair() as pair, asyncio.timeout(PATIENCE):
        await pair.connect()
        conditions = pair.board.conditions("alice", "bob")
        conditions.cut()
        before, _ = pair.board.traffic("alice", "bob")
        payload = os.urandom(16384)
        pair.channel.send(payload)
        await pair.board.wait_until(
            lambda: pair.board.traffic("alice", "bob")[0].dropped_bytes > before.dropped_bytes
        )
        during, _ = pair.board.traffic("alice", "bob")
        assert during.bytes == before.bytes
        assert pair.received.empty()
        conditions.heal()
        assert await pair.received.get() == payload


async def test_link_that_is_cut_from_the_start_prevents_a_connection() -> None:
    async with AiortcPair() as pair, asyncio.timeout(PATIENCE):
        pair.board.conditions("alice", "bob").cut()
        connecting = asyncio.ensure_future(pair.connect())
        await pair.board.wait_until(
            lambda: all(each.dropped_datagrams for each in pair.board.traffic("alice", "bob"))
        )
        assert not connecting.done()
        connecting.cancel()
        there, back = pair.board.traffic("alice", "bob")
        assert there.datagrams == back.datagrams == 0


async def test_under_loss_and_reordering_reliable_messages_arrive_in_order() -> None:
    weather = combined(lost(0.1, seed=3), reordered(0.1, by=0.005, seed=4), duplicated(0.1, seed=5, by=0.001))
    async with AiortcPair() as pair, asyncio.timeout(6 * PATIENCE):
        await pair.connect()
        pair.board.conditions("alice", "bob").impair(weather)
        sent = [bytes([number]) * 100 for number in range(40)]
        for message in sent:
            pair.channel.send(message)
        assert [await pair.received.get() for _ in sent] == sent
        pair.board.conditions("alice", "bob").heal()
