"""The WebSocket session of the reference peer with a router.

Source: the wire protocol page of the CLASP documentation, "Connection Establishment".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from clasp_e2e import wire
from clasp_e2e.peer.errors import NotConnected, PayloadTooLarge, PeerError, RouterUnreachable

logger = logging.getLogger(__name__)

WELCOME_LIMIT = 10.0
"""Seconds to connect and receive WELCOME: the time that the Rust router gives a client for its HELLO."""

PONG_LIMIT = 1.0
"""Seconds to wait for the PONG that confirms the subscriptions."""

CLOSE_LIMIT = 1.0
"""Seconds to wait for the router's closing handshake."""

FRAME_LIMIT = 2**20
"""Bytes. The largest CLASP frame is smaller: a router that sends more is faulty."""

FEATURES = frozenset({"param", "event", "stream"})

Written = Callable[[PeerError | None], None]
"""Called with None when a message has been written, or with the error."""


CLOSED_ORDERLY = "it closed the connection"
"""Why a session has ended, if the router has closed the WebSocket with the code 1000 or 1001."""


class Handler(Protocol):
    """The receiver of what the router sends."""

    def welcomed(self, session: RouterSession) -> None:
        """Handle the WELCOME. Called first."""

    def published(self, message: wire.Publish | wire.Set) -> None:
        """Handle a PUBLISH or a SET."""

    def refused(self, error: wire.Error) -> None:
        """Handle an ERROR."""

    def lost(self, reason: str) -> None:
        """Handle the end of the session, unless `close` or `kill` ended it."""


class RouterSession:
    """A session with a router: it publishes messages in order, and passes received ones to the handler."""

    connect_options: ClassVar[Mapping[str, Any]] = {}
    """Options of `websockets.connect` that differ from those of `open`. Only variants have any."""

    def __init__(self, ws: ClientConnection, welcome: wire.Welcome, handler: Handler) -> None:
        self.id = welcome.session
        self._ws = ws
        self._handler = handler
        self._outgoing: asyncio.Queue[tuple[bytes, Written | None] | None] = asyncio.Queue()
        self._pong = asyncio.Event()
        self._ended = False
        self._subscriptions = 0
        self._reader = asyncio.create_task(self._read())
        self._writer = asyncio.create_task(self._write())

    @classmethod
    async def open(cls, url: str, *, name: str, token: str | None, handler: Handler) -> RouterSession:
        """Connect to `url` and send HELLO. Raises `RouterUnreachable` with the cause."""
        try:
            async with asyncio.timeout(WELCOME_LIMIT):
                options: dict[str, Any] = {
                    "subprotocols": [Subprotocol("clasp")],
                    "compression": None,
                    # A system-wide proxy must not be used for a loopback router.
                    "proxy": None,
                    "open_timeout": None,
                    "ping_interval": None,
                    "close_timeout": CLOSE_LIMIT,
                    "max_size": FRAME_LIMIT,
                    **cls.connect_options,
                }
                ws = await connect(url, **options)
                try:
                    welcome = await _greet(ws, cls.hello(name, token))
                except BaseException:
                    await _abort(ws)
                    raise
        except TimeoutError:
            raise RouterUnreachable(
                f"no WELCOME from {url} within {WELCOME_LIMIT:g} s: does a CLASP router listen there?"
            ) from None
        except (OSError, WebSocketException, wire.WireError, ValueError) as error:
            raise RouterUnreachable(
                f"no session at {url}: {error}. Start a CLASP router there, or correct the URL"
            ) from error
        session = cls(ws, welcome, handler)
        handler.welcomed(session)
        return session

    @staticmethod
    def hello(name: str, token: str | None) -> bytes:
        """Return the frame of the HELLO."""
        return wire.encode(wire.Hello(name, FEATURES, token))

    def subscribe(self, pattern: str) -> None:
        """Subscribe to `pattern`."""
        self._subscriptions += 1
        self._put(wire.Subscribe(self._subscriptions, pattern))

    def publish(self, address: str, value: wire.Value, written: Written | None = None) -> None:
        """Publish an event; `written` is called when it has been written."""
        try:
            self._put(wire.Publish(address, value), written)
        except wire.WireError as error:
            if written is None:
                logger.warning("not published: %s", error)
            else:
                written(PayloadTooLarge(f"no frame holds it: {error}"))

    def send(self, message: wire.Message | bytes) -> None:
        """Send a message, or a whole frame."""
        self._put(message)

    async def drained(self) -> None:
        """Return when the router has processed what was sent so far.

        A router handles the messages of a session in order, so its PONG confirms it. If no PONG arrives
        within `PONG_LIMIT` seconds, the router is assumed to have processed it.
        """
        self._put(wire.Ping())
        try:
            async with asyncio.timeout(PONG_LIMIT):
                await self._pong.wait()
        except TimeoutError:
            logger.debug("no PONG from the router")

    async def close(self) -> None:
        """Send pending messages, then leave the router."""
        self._ended = True
        self._outgoing.put_nowait(None)
        await asyncio.wait([self._writer], timeout=CLOSE_LIMIT)
        await self._ws.close()
        await self._release()

    async def kill(self) -> None:
        """Drop the connection to the router without a closing handshake."""
        self._ended = True
        await _abort(self._ws)
        await self._release()

    async def _release(self) -> None:
        for task in (self._reader, self._writer):
            task.cancel()
        await asyncio.wait([self._reader, self._writer])

    def _put(self, message: wire.Message | bytes, written: Written | None = None) -> None:
        data = message if isinstance(message, bytes) else wire.encode(message)
        if self._writer.done():
            if written is not None:
                written(NotConnected("the session with the router has ended: connect a new client"))
        else:
            self._outgoing.put_nowait((data, written))

    async def _transmit(self, frame: bytes) -> None:
        await self._ws.send(frame)

    async def _write(self) -> None:
        written: Written | None = None
        try:
            while (item := await self._outgoing.get()) is not None:
                data, written = item
                await self._transmit(data)
                if written is not None:
                    written(None)
                written = None
        except ConnectionClosed:
            lost = NotConnected("the session with the router ended before the message had left")
            if written is not None:
                written(lost)
            while not self._outgoing.empty():
                item = self._outgoing.get_nowait()
                if item is not None and item[1] is not None:
                    item[1](lost)

    async def _read(self) -> None:
        reason = CLOSED_ORDERLY
        try:
            async for frame in self._ws:
                if isinstance(frame, bytes):
                    self._receive(frame)
        except ConnectionClosed as error:
            reason = str(error)
        if not self._ended:
            self._ended = True
            self._handler.lost(reason)
            # Wakes the writer, whose next message would otherwise be the first to fail.
            self._outgoing.put_nowait(None)

    def _receive(self, data: bytes) -> None:
        for frame in wire.split_frames(data):
            try:
                message, _ = wire.decode(frame)
            except wire.WireError as error:
                logger.debug("frame ignored: %s", error)
            else:
                self._handle(message)

    def _handle(self, message: wire.Message) -> None:
        match message:
            case wire.Publish() | wire.Set():
                self._handler.published(message)
            case wire.Bundle():
                for part in message.messages:
                    self._handle(part)
            case wire.Error():
                self._handler.refused(message)
            case wire.Ping():
                self._put(wire.Pong())
            case wire.Pong():
                self._pong.set()
            case _:
                pass


async def _greet(ws: ClientConnection, hello: bytes) -> wire.Welcome:
    await ws.send(hello)
    while True:
        data = await ws.recv()
        frames = wire.split_frames(data) if isinstance(data, bytes) else []
        for message in (each for frame in frames for each in wire.unbundled(wire.decode(frame)[0])):
            if isinstance(message, wire.Welcome):
                return message
            if isinstance(message, wire.Error):
                raise RouterUnreachable(f"the router refused the session: {message.message} ({message.code})")


async def _abort(ws: ClientConnection) -> None:
    ws.transport.abort()
    await ws.wait_closed()
