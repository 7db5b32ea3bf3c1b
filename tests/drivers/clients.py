"""Clients of several implementations at one router, their events, and raw conversations with adapters."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from clasp_e2e.drivers import Driver, Peer
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.notifier import Notifier
from clasp_e2e.p2p_types import Connected, P2PConfig, P2PEvent

Put = Callable[[str, str], None]
PATIENCE = 5.0
"""The scale of deadlines for browsers: on a busy machine, Firefox takes more than 15 s to start."""


class Events(list[P2PEvent]):
    """The events of a peer, in order."""

    def __init__(self) -> None:
        super().__init__()
        self._notifier = Notifier()

    def __call__(self, event: P2PEvent) -> None:
        self.append(event)
        self._notifier.notify()

    def of(self, kind: type) -> list[Any]:
        return [event for event in self if isinstance(event, kind)]

    async def until(self, wanted: P2PEvent | type, times: int = 1) -> Any:
        """Wait for an event, or `times` events of a type; return the last of them."""

        def found() -> list[P2PEvent]:
            matching = [event for event in self if wanted in (event, type(event))]
            return matching if len(matching) >= times else []

        return (await self._notifier.wait_until(found, 20))[-1]


class Clients:
    """Clients at the router at `url`, opened by the named drivers."""

    def __init__(self, url: str, drivers: Mapping[str, Driver]) -> None:
        self.url = url
        self.drivers = drivers
        self.peers: list[Peer] = []

    async def open(
        self,
        driver: str,
        p2p: P2PConfig | None = P2PConfig(),  # noqa: B008 - frozen
        *,
        killable: bool = False,
    ) -> tuple[Peer, Events]:
        events, chosen = Events(), self.drivers[driver]
        opening = chosen.open_killable_peer if killable else chosen.open_peer
        peer = await opening(url=self.url, name=driver, p2p=p2p, on_event=events)
        self.peers.append(peer)
        return peer, events

    async def open_connected(
        self, one: str, other: str, *, killable: bool = False
    ) -> tuple[Peer, Events, Peer, Events]:
        """Open two peers, of which the first, which may be `killable`, connects to the second."""
        alice, alice_events = await self.open(one, killable=killable)
        bob, bob_events = await self.open(other)
        await alice.connect_to_peer(bob.session_id)
        await alice_events.until(Connected(bob.session_id))
        await bob_events.until(Connected(alice.session_id))
        return alice, alice_events, bob, bob_events


@asynccontextmanager
async def clients_at(router: Driver, **drivers: Driver) -> AsyncIterator[Clients]:
    """Yield clients of `drivers` and of the reference at a new router."""
    opened = await router.open_router(host="127.0.0.1", port=0)
    clients = Clients(opened.url, {"reference": ReferenceDriver(), **drivers})
    try:
        yield clients
    finally:
        for peer in clients.peers:
            await peer.end()
        await opened.close()


async def converse(command: list[str], *lines: str) -> tuple[list[dict[str, Any]], int | None, bytes]:
    """Send `lines` and a shutdown request to an adapter.

    Returns the answers, the exit status, and what it wrote to standard error.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(20):
        process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        answers = [json.loads(await process.stdout.readline()) for _ in lines]
        output, errors = await process.communicate(call(99, "shutdown") + b"\n")
    assert [json.loads(line) for line in output.splitlines()] == [{"jsonrpc": "2.0", "id": 99, "result": {}}]
    return answers, process.returncode, errors


def call(number: int, method: str, **params: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()


def programs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Set an empty PATH and cache; return a function that puts a shell script on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put
