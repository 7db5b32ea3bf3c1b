"""Clients of the reference peer over a real router, with a check for leaks."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from clasp_e2e.p2p_types import Connected, P2PConfig, P2PEvent
from clasp_e2e.peer import Clasp, Script
from clasp_e2e.peer.transport import TransportKind
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.router import RouterServer

PATIENCE = 10.0


class Recorder:
    """The events of one client, and a way to wait for them."""

    def __init__(self) -> None:
        self.events: list[P2PEvent] = []
        self._news = asyncio.Event()

    def __call__(self, event: P2PEvent) -> None:
        self.events.append(event)
        self._news.set()

    def of(self, *kinds: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    async def until(self, kind: type[Any], count: int = 1) -> list[Any]:
        """The events of this kind, once there are `count` of them."""
        try:
            async with asyncio.timeout(PATIENCE):
                while len(self.of(kind)) < count:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {count} {kind.__name__}, but {self.events}") from None
        return self.of(kind)


Open = Callable[..., Awaitable[tuple[Clasp, Recorder]]]


@pytest.fixture
async def nothing_left(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Fails if a task, a socket or a complaint of asyncio outlives the router and its clients."""
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    yield
    assert asyncio.all_tasks() - tasks - {asyncio.current_task()} == set()
    gc.collect()
    complaints = [record for record in caplog.records if record.name == "asyncio"]
    assert [record for record in complaints if record.levelno > logging.INFO] == []
    assert open_sockets() == sockets


def open_sockets() -> int:
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue
    return count


@pytest.fixture
async def router(nothing_left: None) -> AsyncIterator[RouterServer]:
    async with RouterServer.open() as router:
        yield router


@pytest.fixture
async def attach(router: RouterServer) -> AsyncIterator[Open]:
    """Opens clients that are closed at the end."""
    clients: list[Clasp] = []

    async def open_client(
        name: str = "peer",
        *,
        p2p: bool = True,
        script: Script | None = None,
        webrtc: TransportKind = AiortcTransport,
        **config: Any,
    ) -> tuple[Clasp, Recorder]:
        recorder = Recorder()
        builder = Clasp.builder(router.url).name(name).loopback().webrtc(webrtc).on_p2p_event(recorder)
        if p2p:
            builder.p2p_config(P2PConfig(**config))
        if script is not None:
            builder.script(script)
        client = await builder.connect()
        clients.append(client)
        return client, recorder

    yield open_client
    for client in clients:
        await client.close()


async def join(offerer: tuple[Clasp, Recorder], answerer: tuple[Clasp, Recorder]) -> None:
    """Connects two clients."""
    await offerer[0].connect_to_peer(answerer[0].session_id)
    await offerer[1].until(Connected)
    await answerer[1].until(Connected)
