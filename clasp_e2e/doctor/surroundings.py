"""What an examined driver finds around it: a router that is watched, and servers that only listen."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Self, cast

from aioice import stun

from clasp_e2e import wire
from clasp_e2e.model import P2PConfig
from clasp_e2e.peer import Clasp
from clasp_e2e.router import Effect, RouterCore, RouterServer

HOST = "127.0.0.1"


class News:
    """Something that happens now and then, and can be waited for."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def tell(self) -> None:
        """Say that something happened."""
        self._news.set()

    async def until(self, happened: Callable[[], object], within: float) -> bool:
        """Wait until `happened` is true, `within` seconds at most; return whether it is."""
        try:
            async with asyncio.timeout(within):
                while not happened():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return bool(happened())
        return True


class WatchedRouter(RouterCore):
    """A router's core that remembers who came, and what was published."""

    def __init__(self) -> None:
        super().__init__()
        self.news = News()
        self.hellos: dict[str, wire.Hello] = {}
        """By session id."""
        self.left: set[str] = set()
        self.published: list[tuple[str, wire.Publish]] = []
        """By whom, and what."""

    def handle(
        self,
        connection: int,
        message: wire.Message,
        qos: wire.QoS = wire.QoS.FIRE,
        timestamp: int | None = None,
    ) -> list[Effect]:
        """Handle the message, and remember it."""
        effects = super().handle(connection, message, qos, timestamp)
        session = self.session_of(connection)
        if session is not None and isinstance(message, wire.Hello):
            self.hellos.setdefault(session, message)
        if session is not None and isinstance(message, wire.Publish):
            self.published.append((session, message))
        self.news.tell()
        return effects

    def disconnected(self, connection: int) -> None:
        """Remember who left."""
        if (session := self.session_of(connection)) is not None:
            self.left.add(session)
        super().disconnected(connection)
        self.news.tell()

    def said_by(self, session: str) -> str:
        """All text that the session published, so that it can be searched."""
        return "\n".join(
            f"{message.address}\n" + "\n".join(_texts(message.value))
            for sender, message in self.published
            if sender == session
        )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in cast("dict[str, object]", value).values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("list[object]", value):
            yield from _texts(inner)


class IceEar(asyncio.DatagramProtocol):
    """A STUN server that has no TURN, and remembers what it was asked (RFC 8489, RFC 8656)."""

    def __init__(self) -> None:
        self.news = News()
        self.asked: set[str] = set()
        """`BINDING`, `ALLOCATE`."""
        self.address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer by."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Remember a request, and answer it: with the asker's address, or a refusal."""
        try:
            request = stun.parse_message(data)
        except (ValueError, IndexError):
            return
        if request.message_class is not stun.Class.REQUEST:
            return
        self.asked.add(request.message_method.name)
        self.news.tell()
        binding = request.message_method is stun.Method.BINDING
        answer = stun.Message(
            message_method=request.message_method,
            message_class=stun.Class.RESPONSE if binding else stun.Class.ERROR,
            transaction_id=request.transaction_id,
            attributes={"XOR-MAPPED-ADDRESS": addr} if binding else {"ERROR-CODE": (403, "Forbidden")},
        )
        answer.add_fingerprint()
        self._transport.sendto(bytes(answer), addr)


class DeafServer(asyncio.Protocol):
    """A TCP server that takes a connection, and then says nothing, or hangs up."""

    def __init__(self, *, hangs_up: bool) -> None:
        self._hangs_up = hangs_up
        self._transports: set[asyncio.Transport] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection, or end it."""
        transport = cast("asyncio.Transport", transport)
        if self._hangs_up:
            transport.close()
        else:
            self._transports.add(transport)

    def hang_up(self) -> None:
        """End what was kept."""
        for transport in self._transports:
            transport.abort()


class Surroundings:
    """A watched router, and beside it servers to be silent, to hang up, and to be asked for a way."""

    def __init__(self) -> None:
        self.router = WatchedRouter()
        self.ear = IceEar()
        self.url = self.silent_url = self.closing_url = ""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(RouterServer.open(HOST, 0, core=self.router))
            self.url = server.url
            transport, _ = await loop.create_datagram_endpoint(lambda: self.ear, local_addr=(HOST, 0))
            stack.callback(transport.close)
            self.silent_url = await self._deaf(stack, hangs_up=False)
            self.closing_url = await self._deaf(stack, hangs_up=True)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def client(self, name: str, *, p2p: bool = True) -> Clasp:
        """A reference client at the router, to be opposite; it ends with these surroundings."""
        builder = Clasp.builder(self.url).name(name).loopback()
        client = await builder.p2p_config(P2PConfig() if p2p else None).connect()
        self._stack.push_async_callback(client.kill)
        return client

    @staticmethod
    async def _deaf(stack: AsyncExitStack, *, hangs_up: bool) -> str:
        protocol = DeafServer(hangs_up=hangs_up)
        listener = socket.create_server((HOST, 0))
        server = await asyncio.get_running_loop().create_server(lambda: protocol, sock=listener)

        async def close() -> None:
            protocol.hang_up()
            server.close()
            await server.wait_closed()

        stack.push_async_callback(close)
        return f"ws://{HOST}:{listener.getsockname()[1]}"
