"""The router's WebSocket shell: it handles sockets and frames; the core makes all decisions."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Generator, Iterable, Sequence
from functools import partial
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError
from websockets.protocol import State
from websockets.typing import Subprotocol

from clasp_e2e import wire
from clasp_e2e.router.codes import ErrorCode
from clasp_e2e.router.core import RouterCore
from clasp_e2e.router.effects import CloseConnection, Deliver, Effect, Script
from clasp_e2e.router.listener import RouterError, listen, ws_url

logger = logging.getLogger(__name__)
# Refused handshakes and broken frames are client errors: log them, but not on stderr by default.
logger.addHandler(logging.NullHandler())

SUBPROTOCOL = Subprotocol("clasp")
MAX_FRAME = wire.MAX_PAYLOAD + 12
"""Bytes of the largest CLASP frame, header and timestamp included."""
HELLO_TIMEOUT = 10.0
"""Seconds within which a client must send HELLO, as in the reference router."""
CLOSE_TIMEOUT = 1.0
"""Seconds to wait for a client's closing handshake before its socket is closed."""
MAX_BACKLOG = 4 * 2**20
"""Bytes that may wait for a slow client, in addition to the kernel's buffers."""
FAIR_SHARE = 64
"""Messages of one client that are handled in a row before others get their turn."""


class _Connection(ServerConnection):
    """A connection that is registered during its opening handshake.

    Otherwise, `close` would have to wait until the time limit of the handshake.
    """

    def __init__(self, *args: Any, opening: set[ServerConnection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opening = opening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._opening.add(self)
        if not self.server.is_serving():
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._opening.discard(self)
        super().connection_lost(exc)


class RouterServer:
    """An in-process CLASP router that listens on a WebSocket.

    Open it with `async with RouterServer.open() as router`, or `await RouterServer.open()` and `await
    router.close()`. It accepts any path; the subprotocol `clasp` is supported, but not required.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        script: Script | None = None,
        *,
        core: RouterCore | None = None,
        hello_timeout: float = HELLO_TIMEOUT,
        max_backlog: int = MAX_BACKLOG,
    ) -> None:
        self._host = host
        self._port = port
        self._script = script
        self._core = core or RouterCore()
        self._hello_timeout = hello_timeout
        self._max_backlog = max_backlog
        self._numbers = itertools.count(1)
        self._connections: dict[int, ServerConnection] = {}
        self._opening: set[ServerConnection] = set()
        self._closing: dict[int, asyncio.Task[None]] = {}
        self._server: Server | None = None
        self._url: str | None = None

    @classmethod
    def open(
        cls,
        host: str = "127.0.0.1",
        port: int = 0,
        script: Script | None = None,
        **options: Any,
    ) -> RouterServer:
        """Return a router that listens when it is awaited or entered.

        `port` 0 selects a free port. `script` makes the router faulty (see `effects.Script`). `options`:
        `core`, `hello_timeout` (seconds) and `max_backlog` (bytes). Awaiting it raises `RouterError` if it
        cannot listen.
        """
        return cls(host, port, script, **options)

    @property
    def url(self) -> str:
        """The URL of the router, as in `ws://127.0.0.1:7330`."""
        if self._url is None:
            raise RouterError("the router is not listening yet: await it or enter it first")
        return self._url

    def __await__(self) -> Generator[Any, None, RouterServer]:
        return self._listen().__await__()

    async def __aenter__(self) -> RouterServer:
        return await self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all sessions and stop listening. Safe to call repeatedly, and before the router listens."""
        if self._server is None:
            return
        self._server.close(reason="the router closes")
        for connection in list(self._opening):
            if connection.state is State.CONNECTING:
                connection.transport.abort()
        await self._server.wait_closed()
        if self._closing:
            await asyncio.wait(self._closing.values())

    async def _listen(self) -> RouterServer:
        if self._server is None:
            listener = await listen(self._host, self._port)
            try:
                self._server = await serve(
                    self._serve,
                    sock=listener,
                    subprotocols=[SUBPROTOCOL],
                    select_subprotocol=_agreed,
                    # Frames are small and stay on this machine: compression would only cost time.
                    compression=None,
                    close_timeout=CLOSE_TIMEOUT,
                    max_size=MAX_FRAME,
                    logger=logger,
                    create_connection=partial(_Connection, opening=self._opening),  # pyright: ignore[reportArgumentType] (a factory will do)
                )
            except BaseException:
                listener.close()
                raise
            self._url = ws_url(listener)
        return self

    async def _serve(self, connection: ServerConnection) -> None:
        """Handle one connection from its opening handshake to its end."""
        number = next(self._numbers)
        self._connections[number] = connection
        self._core.connected(number)
        try:
            async with asyncio.timeout(self._hello_timeout) as limit:
                count = 0
                async for data in connection:
                    for frame in wire.split_frames(data) if isinstance(data, bytes) else (data,):
                        self._perform(self._received(number, frame))
                    if limit.when() is not None and self._core.session_of(number) is not None:
                        limit.reschedule(None)
                    count += 1
                    if count % FAIR_SHARE == 0:
                        # Reading data that has already arrived does not yield to other tasks.
                        await asyncio.sleep(0)
        except TimeoutError:
            self._perform(self._core.hello_overdue(number))
        except ConnectionClosedError as error:
            logger.info("connection %d ended: %s", number, error)
        finally:
            self._core.disconnected(number)
            self._connections.pop(number, None)
            if number in self._closing:
                # Otherwise `websockets` closes with its own code.
                await asyncio.wait([self._closing[number]])

    def _received(self, number: int, data: str | bytes) -> list[Effect]:
        if isinstance(data, str):
            return self._core.bad_frame(number, "a CLASP frame is a binary message, and this is text")
        code = ErrorCode.INVALID_FRAME
        try:
            frame = wire.decode_frame(data)
            code = ErrorCode.INVALID_MESSAGE
            message = wire.decode_message(frame.payload)
        except wire.WireError as error:
            return self._core.bad_frame(number, error, code)
        return self._core.handle(number, message, frame.qos, frame.timestamp)

    def _perform(self, effects: Iterable[Effect]) -> None:
        if self._script is not None:
            effects = [actual for effect in effects for actual in self._script(effect)]
        encoded: tuple[Deliver, bytes | None] | None = None
        for effect in effects:
            if isinstance(effect, CloseConnection):
                self._close_one(effect)
                continue
            # A message to several subscribers is a sequence of effects, and is encoded only once.
            if encoded is None or not _alike(encoded[0], effect):
                encoded = effect, self._encoded(effect)
            if encoded[1] is not None:
                self._send(effect.connection, encoded[1])

    def _encoded(self, effect: Deliver) -> bytes | None:
        try:
            return wire.encode(effect.message, qos=effect.qos, timestamp=effect.timestamp)
        except wire.WireError as error:
            self._perform(self._core.undeliverable(effect, error))
            return None

    def _send(self, number: int, data: bytes) -> None:
        connection = self._connections.get(number)
        if connection is None:
            return
        # Unlike `send`, `broadcast` does not wait: a slow client delays no other client, and messages
        # are sent in the order of their delivery.
        broadcast([connection], data)
        backlog = connection.transport.get_write_buffer_size()
        if backlog > self._max_backlog:
            logger.warning("connection %d reads too slowly, %d bytes are waiting: closed", number, backlog)
            connection.transport.abort()
            # From now on, the senders of signals to it get an ERROR.
            self._core.disconnected(number)
            del self._connections[number]

    def _close_one(self, effect: CloseConnection) -> None:
        connection = self._connections.get(effect.connection)
        if connection is None or effect.connection in self._closing:
            return
        task = asyncio.create_task(connection.close(effect.code, effect.reason))
        self._closing[effect.connection] = task
        task.add_done_callback(lambda _: self._closing.pop(effect.connection, None))


def _alike(one: Deliver, other: Deliver) -> bool:
    return one.message is other.message and (one.qos, one.timestamp) == (other.qos, other.timestamp)


def _agreed(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return SUBPROTOCOL if SUBPROTOCOL in offered else None
