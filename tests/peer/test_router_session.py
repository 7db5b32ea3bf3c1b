"""The client's session with routers that misbehave or are absent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from clasp_e2e import wire
from clasp_e2e.p2p_types import P2PConfig, RoutingMode, SendResult
from clasp_e2e.peer import Clasp, ClaspBuilder, RouterUnreachable

pytestmark = pytest.mark.usefixtures("nothing_left")


@asynccontextmanager
async def fake_router(behave: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    async with serve(behave, "127.0.0.1", 0, subprotocols=[Subprotocol("clasp")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


async def welcome(ws: ServerConnection) -> None:
    hello, _ = wire.decode(await ws.recv())  # type: ignore[arg-type]
    assert isinstance(hello, wire.Hello)
    assert hello.name == "alice"
    assert hello.token == "secret"
    await ws.send(wire.encode(wire.Welcome("s-1", "fake", 0)))


def alice(url: str) -> ClaspBuilder:
    return Clasp.builder(url).name("alice").token("secret").p2p_config(P2PConfig()).loopback()


async def test_unreachable_router_is_reported():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(RouterUnreachable, match="Start a CLASP router"):
            await alice(f"ws://127.0.0.1:{bound.getsockname()[1]}").connect()


async def test_bad_url_is_named():
    with pytest.raises(RouterUnreachable, match="http://nowhere"):
        await alice("http://nowhere").connect()


async def test_refusal_has_message_of_router():
    async def behave(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.send(wire.encode(wire.Error(300, "bad token")))
        await ws.wait_closed()

    async with fake_router(behave) as url:
        with pytest.raises(RouterUnreachable, match=r"bad token \(300\)"):
            await alice(url).connect()


async def test_session_ignores_noise_answers_pings_and_sends_token():
    ponged = asyncio.Event()

    async def behave(ws: ServerConnection) -> None:
        await welcome(ws)
        await ws.send("text")
        await ws.send(b"\x00noise")
        await ws.send(wire.encode(wire.Ping()))
        async for frame in ws:
            message, _ = wire.decode(frame)
            if isinstance(message, wire.Pong):
                ponged.set()
            if isinstance(message, wire.Ping):
                await ws.send(wire.encode(wire.Pong()))

    async with fake_router(behave) as url, await alice(url).connect() as client:
        async with asyncio.timeout(5):
            await ponged.wait()
        assert client.session_id == "s-1"


async def test_router_without_answer_to_ping_is_tolerated():
    taken: list[wire.Message] = []

    async def behave(ws: ServerConnection) -> None:
        await welcome(ws)
        async for frame in ws:
            taken.append(wire.decode(frame)[0])  # noqa: PERF401 - the test looks at it meanwhile

    async with fake_router(behave) as url, await alice(url).connect() as client:
        assert client.p2p_routing_mode() is RoutingMode.PREFER_P2P
        assert [type(m) for m in taken[:4]] == [wire.Subscribe] * 3 + [wire.Publish]
        assert await client.send_p2p("s-2", b"x") is SendResult.RELAY


async def test_bundles_are_unpacked():
    value = wire.encode_announcement(wire.Announcement("s-9", True, ()))
    announced = asyncio.Event()

    async def behave(ws: ServerConnection) -> None:
        await welcome(ws)
        async for frame in ws:
            if isinstance(wire.decode(frame)[0], wire.Ping):
                publish = wire.Publish(wire.ANNOUNCE_ADDRESS, value)
                await ws.send(wire.encode(wire.Bundle((publish,))))
                await ws.send(wire.encode(wire.Pong()))

    async with fake_router(behave) as url:
        builder = alice(url).on_p2p_event(lambda _: announced.set())
        async with await builder.connect():
            async with asyncio.timeout(5):
                await announced.wait()
