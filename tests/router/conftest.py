"""A router, and clients that speak CLASP frames to it over real WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from clasp_e2e import wire
from clasp_e2e.router import RouterServer

PATIENCE = 10.0


class Client:
    """One session, as the router's tests need it: what it sends and what it gets."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.session = ""

    async def send(
        self, message: wire.Message, *, qos: wire.QoS | None = None, timestamp: int | None = None
    ) -> None:
        await self.socket.send(wire.encode(message, qos=qos, timestamp=timestamp))

    async def receive(self) -> wire.Message:
        return (await self.receive_frame())[0]

    async def receive_frame(self) -> tuple[wire.Message, wire.Frame]:
        async with asyncio.timeout(PATIENCE):
            data = await self.socket.recv()
        assert isinstance(data, bytes)
        return wire.decode(data)

    async def hello(self) -> None:
        await self.send(wire.Hello("test"))
        welcome = await self.receive()
        assert isinstance(welcome, wire.Welcome)
        self.session = welcome.session

    async def before_pong(self) -> list[wire.Message]:
        """All that had been delivered when a PING was answered."""
        await self.send(wire.Ping())
        got: list[wire.Message] = []
        while not isinstance(message := await self.receive(), wire.Pong):
            got.append(message)
        return got

    async def closed(self) -> int | None:
        """The code that the router closes with; `None` without a closing handshake."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.wait_closed()
        return self.socket.protocol.close_rcvd and self.socket.protocol.close_rcvd.code

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()


Dial = Callable[..., Awaitable[Client]]


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Connects to a router's URL, without a HELLO."""
    async with AsyncExitStack() as stack:

        async def dialled(url: str, **options: Any) -> Client:
            chosen: dict[str, Any] = {"proxy": None, "compression": None, **options}
            return await stack.enter_async_context(Client(await connect(url, **chosen)))

        yield dialled


@pytest.fixture
async def router() -> AsyncIterator[RouterServer]:
    async with RouterServer.open() as opened:
        yield opened


@pytest.fixture
def join(router: RouterServer, dial: Dial) -> Callable[[], Awaitable[Client]]:
    """A new session of `router`, past WELCOME and the SNAPSHOT that follows it."""

    async def joined() -> Client:
        client = await dial(router.url)
        await client.hello()
        assert isinstance(await client.receive(), wire.Snapshot)
        return client

    return joined
