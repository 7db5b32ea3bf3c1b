"""The servers for an examined driver, which record the requests that they receive."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Self, cast

from clasp_e2e import wire
from clasp_e2e.network import StunServer
from clasp_e2e.notifier import Notifier
from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.peer import Clasp
from clasp_e2e.router import Effect, RouterCore, RouterServer

HOST = "127.0.0.1"


class RecordingRouter(RouterCore):
    """A router that records sessions and published messages."""

    def __init__(self) -> None:
        super().__init__()
        self.changes = Notifier()
        self.hellos: dict[str, wire.Hello] = {}
        """By session id."""
        self.ended_sessions: set[str] = set()
        self.published: list[tuple[str, wire.Publish]] = []
        """The sender's session id, and the message."""

    def handle(
        self,
        connection: int,
        message: wire.Message,
        qos: wire.QoS = wire.QoS.FIRE,
        timestamp: int | None = None,
    ) -> list[Effect]:
        """Handle a message, and record it."""
        effects = super().handle(connection, message, qos, timestamp)
        session = self.session_of(connection)
        if session is not None and isinstance(message, wire.Hello):
            self.hellos.setdefault(session, message)
        if session is not None and isinstance(message, wire.Publish):
            self.published.append((session, message))
        self.changes.notify()
        return effects

    def disconnected(self, connection: int) -> None:
        """Handle the end of a connection, and record that its session ended."""
        if (session := self.session_of(connection)) is not None:
            self.ended_sessions.add(session)
        super().disconnected(connection)
        self.changes.notify()

    def text_published_by(self, session: str) -> str:
        """Return all text that the session published."""
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


class ProbeServers:
    """A recording router, a recording STUN server, and two TCP servers without sessions.

    The server at `silent_url` accepts connections and never answers; the one at `closing_url` closes them.
    """

    def __init__(self) -> None:
        self.router = RecordingRouter()
        self.stun: StunServer
        self.url = self.silent_url = self.closing_url = ""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(RouterServer.open(HOST, 0, core=self.router))
            self.url = server.url
            self.stun = await StunServer.open()
            stack.push_async_callback(self.stun.close)
            # The system completes connections to a listening socket, whether they are accepted or not.
            silent = stack.enter_context(socket.create_server((HOST, 0)))
            self.silent_url = _url_of(silent)
            closing = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0)
            self.closing_url = _url_of(closing.sockets[0])
            await stack.enter_async_context(closing)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def client(self, name: str, *, p2p: bool = True) -> Clasp:
        """Return a reference client with a session at the router; it is killed with these servers."""
        builder = Clasp.builder(self.url).name(name).loopback()
        client = await builder.p2p_config(P2PConfig() if p2p else None).connect()
        self._stack.push_async_callback(client.kill)
        return client


def _url_of(listening: socket.socket) -> str:
    return f"ws://{HOST}:{listening.getsockname()[1]}"
