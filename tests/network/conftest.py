from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import aioice.ice
import pytest

from clasp_e2e.network import Conditions, UdpLink

from .sockets import Peer


@pytest.fixture
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiortc gathers no loopback candidate by itself."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest.fixture
async def conditions() -> Conditions:
    return Conditions()


@pytest.fixture
async def link(conditions: Conditions, activity: asyncio.Event) -> AsyncIterator[UdpLink]:
    link = UdpLink(conditions, activity.set)
    yield link
    link.close()


@pytest.fixture
async def activity() -> asyncio.Event:
    """Is set after each datagram that the link has read."""
    return asyncio.Event()


@pytest.fixture
async def peers() -> AsyncIterator[tuple[Peer, Peer]]:
    pair = Peer(), Peer()
    yield pair
    for peer in pair:
        peer.close()
    # What a test left open shows as a ResourceWarning here, and not in some later test.
    gc.collect()
