"""Adapters that the user starts: accepted on a socket, and controlled as those on standard input."""

from __future__ import annotations

import asyncio
import json
import math
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from clasp_e2e.drivers import DriverFault, NotOffered
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.drivers.stdio.attached import AttachPoint, AttachPointError, parse_address
from clasp_e2e.drivers.stdio.driver import StdioPeer

DESCRIPTION = {
    "protocol": 1,
    "implementation": {"name": "attached", "version": "1", "language": "Python"},
    "roles": ["peer"],
    "capabilities": [],
    "processes": "per_peer",
}


class Attached:
    """An adapter that connects by itself, and answers when the test says so."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, point: AttachPoint) -> Attached:
        return cls(*await asyncio.open_connection(*parse_address(point.address)))

    async def asked(self) -> dict[str, Any]:
        """The next request; an empty one where the harness has hung up."""
        return json.loads(await self._reader.readline() or b"{}")

    async def answer(self, method: str, result: object) -> None:
        request = await self.asked()
        assert request["method"] == method
        self.say(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}) + "\n")

    def say(self, text: str) -> None:
        self._writer.write(text.encode())

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


class Place:
    """A point with a driver whose adapters come there."""

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.awaited = asyncio.Event()
        self.point = AttachPoint("127.0.0.1:0", self.announce)
        self.driver = StdioDriver(["my-adapter", "it's mine"])
        self.adapters: list[Attached] = []

    def announce(self, line: str) -> None:
        self.announced.append(line)
        self.awaited.set()

    def patient(self, scale: float) -> None:
        self.driver = StdioDriver(["my-adapter"], deadline_scale=scale)

    async def attached(self) -> Attached:
        adapter = await Attached.connect(self.point)
        self.adapters.append(adapter)
        return adapter

    async def peer(self) -> tuple[StdioPeer, Attached]:
        """Alice, whose adapter is the first to attach."""
        self.driver.attach(self.point)
        initializing = asyncio.create_task(self.driver.initialize())
        adapter = await self.attached()
        await adapter.answer("initialize", DESCRIPTION)
        await initializing
        opening = asyncio.create_task(
            self.driver.open_peer(url="ws://x", name="alice", p2p=None, on_event=lambda _: None)
        )
        await adapter.answer("peer.open", {"session_id": "alice"})
        return await opening, adapter


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    yield place
    for adapter in place.adapters:
        await adapter.close()
    await place.driver.aclose()
    place.point.close()


async def test_each_is_awaited_when_it_is_needed_and_none_before(place: Place) -> None:
    await place.peer()
    await_first = (
        f"Waiting for adapter 1 at {place.point.address}: clasp-e2e connect {place.point.address} -- "
    )
    assert place.announced == [await_first + "my-adapter 'it'\"'\"'s mine'", "Adapter 1 is attached"]
    opening = asyncio.create_task(
        place.driver.open_peer(url="ws://x", name="bob", p2p=None, on_event=lambda _: None)
    )
    second = await place.attached()
    await second.answer("initialize", DESCRIPTION)
    await second.answer("peer.open", {"session_id": "bob"})
    bob = await opening
    assert bob.session_id == "bob"
    assert bob.process_group is None
    assert [line.partition(":")[0] for line in place.announced[2:]] == [
        "Waiting for adapter 2 at 127.0.0.1",
        "Adapter 2 is attached",
    ]


@pytest.mark.parametrize(
    ("last", "seen"),
    [
        ("", "its connection ended\n→ See in the terminal or debugger"),
        ('{"jsonrpc"', "its connection ended, in the middle of a line: "),
    ],
)
async def test_connection_that_ends_midway_is_a_fault(place: Place, last: str, seen: str) -> None:
    peer, adapter = await place.peer()
    calling = asyncio.create_task(peer.p2p_routing_mode())
    assert (await adapter.asked())["method"] == "peer.p2p_routing_mode"
    adapter.say(last)
    await adapter.close()
    with pytest.raises(DriverFault, match=seen):
        await calling
    assert peer.fault is not None
    await peer.end()


async def test_line_that_is_no_message_is_a_fault_and_ends_the_connection(place: Place) -> None:
    peer, adapter = await place.peer()
    calling = asyncio.create_task(peer.p2p_routing_mode())
    await adapter.asked()
    adapter.say("hello\n{}\n")
    with pytest.raises(DriverFault, match="not JSON: 'hello'"):
        await calling
    assert await adapter.asked() == {}


async def test_line_without_an_end_is_a_fault(place: Place) -> None:
    peer, adapter = await place.peer()
    calling = asyncio.create_task(peer.p2p_routing_mode())
    await adapter.asked()
    adapter.say(" " * (1 << 20) + "  ")
    with pytest.raises(DriverFault, match="a line over 1 MiB, its end not in sight"):
        await calling


@pytest.mark.parametrize("scale", [1.0, math.inf])
async def test_no_deadline_runs_while_a_debugger_holds_the_adapter(
    place: Place, monkeypatch: pytest.MonkeyPatch, scale: float
) -> None:
    """A year passes between a request and its answer; with an end to patience the call fails."""
    place.patient(scale)
    peer, adapter = await place.peer()
    calling = asyncio.create_task(peer.p2p_routing_mode())
    request = await adapter.asked()
    loop = asyncio.get_running_loop()
    real, passed = loop.time, loop.create_future()
    monkeypatch.setattr(loop, "time", lambda: real() + 365 * 86400.0)
    loop.call_later(0, passed.set_result, None)
    await passed
    monkeypatch.undo()
    adapter.say(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"mode": "p2p_only"}}) + "\n")
    if scale == 1.0:
        with pytest.raises(DriverFault, match=r"no answer to peer\.p2p_routing_mode within 5 s"):
            await calling
    else:
        assert (await calling).value == "p2p_only"
        await peer.end()


async def test_end_sends_a_shutdown_request_and_disconnects(place: Place) -> None:
    peer, adapter = await place.peer()
    ending = asyncio.create_task(peer.end())
    assert (await adapter.asked())["method"] == "shutdown"
    assert await adapter.asked() == {}
    await adapter.close()
    await ending
    assert peer.fault is None


async def test_attached_adapter_is_not_killed(place: Place) -> None:
    peer, adapter = await place.peer()
    with pytest.raises(NotOffered, match="was attached"):
        await peer.kill()
    calling = asyncio.create_task(peer.p2p_routing_mode())
    await adapter.answer("peer.p2p_routing_mode", {"mode": "prefer_p2p"})
    assert (await calling).value == "prefer_p2p"
    ending = asyncio.create_task(peer.end())
    await adapter.close()
    await ending


async def test_waiting_for_an_adapter_can_be_cancelled(place: Place) -> None:
    place.driver.attach(place.point)
    initializing = asyncio.create_task(place.driver.initialize())
    await place.awaited.wait()
    initializing.cancel()
    await asyncio.wait([initializing])
    await place.driver.aclose()
    place.point.close()
    with pytest.raises(ConnectionError):
        await Attached.connect(place.point)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("192.0.2.1:7331", "not on the loopback interface"),
        ("0.0.0.0:7331", "give 127.0.0.1:7331"),
        ("7331", "not HOST:PORT"),
        ("localhost:http", "not HOST:PORT"),
        ("127.0.0.1:65536", "not HOST:PORT"),
        ("example.org:1", "not HOST:PORT"),
    ],
)
def test_address_that_is_no_loopback_port_is_refused(address: str, message: str) -> None:
    with pytest.raises(AttachPointError, match=message):
        parse_address(address)


def test_names_and_ipv6_are_understood() -> None:
    assert parse_address("localhost:0") == ("127.0.0.1", 0)
    assert parse_address("[::1]:7331") == ("::1", 7331)


def test_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AttachPointError, match=r"Address already in use; give another port, or 0"):
            AttachPoint(address, print)
