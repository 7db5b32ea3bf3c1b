"""A WebSocket proxy in front of any router, which changes what passes.

It makes mutants and variants of routers where a script over the core of the embedded router cannot: of what
clients send, of time, of the WebSocket itself, and of routers that are not ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from clasp_e2e import wire
from clasp_e2e.drivers.interface import Driver, Router
from clasp_e2e.drivers.reference import ReferenceDriver

CLASP = Subprotocol("clasp")
_CLOSE_TIMEOUT = 1.0
_FAIR_SHARE = 16
"""Messages of one connection that are handled in a row before others get their turn."""


class FrontSession:
    """One client's connection through the front. Without overrides, all frames pass unchanged."""

    server_options: ClassVar[Mapping[str, Any]] = {}
    """Options of `websockets.serve` that differ from the front's own."""

    @staticmethod
    def behind() -> Driver:
        """Return a driver of the router behind the front."""
        return ReferenceDriver()

    def __init__(self, front: RouterFront, client: ServerConnection, router: ClientConnection) -> None:
        self.front = front
        self.client = client
        self.router = router
        self.session_id = ""

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        """Handle a frame of the client."""
        del message
        await self.to_router(frame)

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        """Handle a frame of the router."""
        del message
        await self.to_client(frame)

    async def to_router(self, frame: bytes | str) -> None:
        """Send `frame` to the router."""
        with suppress(ConnectionClosed):
            await self.router.send(frame)

    async def to_client(self, frame: bytes | str | list[bytes]) -> None:
        """Send the client `frame`, or its fragments, in one WebSocket message."""
        with suppress(ConnectionClosed):
            await self.client.send(frame)

    async def tell(self, *messages: wire.Message) -> None:
        """Send `messages` to the client, each in a frame of its own."""
        for message in messages:
            await self.to_client(wire.encode(message))

    async def end(self, code: int, reason: str) -> None:
        """Close the client's connection."""
        await self.client.close(code, reason)

    async def left(self) -> None:
        """Handle the end of the client's connection: end that to the router."""
        await self.router.close()

    async def run(self) -> None:
        """Pass frames on until either side has closed."""
        pumps = [
            asyncio.create_task(self._pump(self.client, self.to_router, self.from_client)),
            asyncio.create_task(self._pump(self.router, self.to_client, self._from_router)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _from_router(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Welcome):
            self.session_id = message.session
            self.front.sessions[message.session] = self
        await self.from_router(message, frame)

    async def _pump(
        self,
        source: ServerConnection | ClientConnection,
        pass_on: Callable[[bytes | str], Awaitable[None]],
        handle: Callable[[wire.Message, bytes], Awaitable[None]],
    ) -> None:
        count = 0
        with suppress(ConnectionClosed):
            async for data in source:
                count += 1
                if count % _FAIR_SHARE == 0:  # Reading and writing alone do not let other tasks run.
                    await asyncio.sleep(0)
                for frame in wire.split_frames(data) if isinstance(data, bytes) else [data]:
                    message = _decoded(frame)
                    if message is None or isinstance(frame, str):
                        await pass_on(frame)
                    else:
                        await handle(message, frame)


class RouterFront(Router):
    """A router behind a front; `sessions` are the client connections by session id."""

    def __init__(self, router: Router, kind: type[FrontSession]) -> None:
        self.sessions: dict[str, FrontSession] = {}
        self.gone: list[FrontSession] = []
        """The sessions that have ended, in order."""
        self.closing = asyncio.Event()
        """Set when the front is being closed."""
        self.lock = asyncio.Lock()
        """For scripts that let the clients wait for each other."""
        self._router = router
        self._kind = kind
        self._server: Server

    async def listen(self, host: str, port: int) -> None:
        """Start, and publish the address of the front as the router's URL."""
        options: dict[str, Any] = {
            "subprotocols": [CLASP],
            "select_subprotocol": _agreed,
            "compression": None,
            "close_timeout": _CLOSE_TIMEOUT,
            "ping_interval": None,
            "max_size": None,
            **self._kind.server_options,
        }
        self._server = await serve(self._serve, host, port, **options)
        self.url = f"ws://{host}:{self._server.sockets[0].getsockname()[1]}"

    @property
    def fault(self) -> str | None:
        """The fault of the router behind the front."""
        return self._router.fault

    async def close(self) -> None:
        """Close the front and the router."""
        self.closing.set()
        self._server.close()
        await self._server.wait_closed()
        await self._router.close()

    async def _serve(self, client: ServerConnection) -> None:
        upstream = connect(
            self._router.url,
            subprotocols=[CLASP],
            compression=None,
            proxy=None,
            close_timeout=_CLOSE_TIMEOUT,
            ping_interval=None,
            max_size=None,
        )
        async with upstream as router:
            session = self._kind(self, client, router)
            try:
                await session.run()
            finally:
                if self.sessions.get(session.session_id) is session:
                    del self.sessions[session.session_id]
                self.gone.append(session)
                await session.left()


def _agreed(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return CLASP if CLASP in offered else None


def _decoded(frame: bytes | str) -> wire.Message | None:
    with suppress(wire.WireError):
        return None if isinstance(frame, str) else wire.decode(frame)[0]
    return None
