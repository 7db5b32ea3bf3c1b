"""A path that drops everything, between two real transports."""

from __future__ import annotations

import asyncio

import aioice.ice
import pytest

from clasp_e2e.p2p_types import Data, Disconnected, SendResult

from .conftest import PATIENCE, Open, join


class Link:
    """Everything that aioice sends over a chosen pair, which can be swallowed for a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.black = False
        self.swallowed = asyncio.Event()
        original = aioice.ice.StunProtocol.send_data

        async def send_data(protocol: aioice.ice.StunProtocol, data: bytes, addr: tuple[str, int]) -> None:
            if self.black:
                self.swallowed.set()
            else:
                await original(protocol, data, addr)

        monkeypatch.setattr(aioice.ice.StunProtocol, "send_data", send_data)


async def test_reliable_data_survives_cut_and_unreliable_does_not(
    attach: Open, monkeypatch: pytest.MonkeyPatch
):
    link = Link(monkeypatch)
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    link.black = True
    for _ in range(20):
        assert await alice[0].send_p2p(bob[0].session_id, bytes(1000), reliable=False) is SendResult.P2P
    await alice[0].send_p2p(bob[0].session_id, b"reliable")
    async with asyncio.timeout(PATIENCE):
        await link.swallowed.wait()
    link.black = False
    (data,) = await bob[1].until(Data)
    assert data.data == b"reliable"
    await alice[0].send_p2p(bob[0].session_id, b"later", reliable=False)
    assert [event.data for event in await bob[1].until(Data, 2)] == [b"reliable", b"later"]


async def test_close_on_cut_link_is_bounded(attach: Open, monkeypatch: pytest.MonkeyPatch):
    link = Link(monkeypatch)
    alice, bob = await attach(), await attach()
    await join(alice, bob)
    link.black = True
    await alice[0].send_p2p(bob[0].session_id, b"never acknowledged")
    await alice[0].disconnect_peer(bob[0].session_id)
    (event,) = await bob[1].until(Disconnected)
    assert event.reason == "closed by the peer", "known from the signal, since the link is cut"
