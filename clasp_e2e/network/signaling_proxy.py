"""The path of one peer to the router: a WebSocket proxy that can observe, hold, change and drop frames.

Frames keep their order in each direction. The proxy uses no compression and adds no keepalive pings: it
forwards only what the peer and the router sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeAlias, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from clasp_e2e import wire
from clasp_e2e.lab import reachable_host
from clasp_e2e.network.peer_connection import PeerConnection
from clasp_e2e.notifier import Notifier

Direction: TypeAlias = Literal["up", "down"]
"""`up` is from the peer to the router, `down` from the router to the peer."""

_OPEN_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 1.0
"""Seconds that each side has for the closing handshake; then its connection is dropped."""

_HOP_HEADERS = ("host", "connection", "upgrade", "content-length")


@dataclass(slots=True)
class FrameCounter:
    """The frames of a leg in one direction; bytes are those of the messages, without WebSocket headers."""

    frames: int = 0
    bytes: int = 0
    last_at: float = field(default=0.0, compare=False)
    """When the last frame crossed, in seconds of the event loop's clock."""


def _ignore(_leg: SignalingProxy, _way: Direction, _data: bytes | str, _message: wire.Message | None) -> None:
    return


def _untouched(_leg: SignalingProxy, _message: wire.Message, data: bytes) -> Sequence[bytes]:
    return (data,)


@dataclass(frozen=True, slots=True)
class Hooks:
    """The callbacks for the frames of a leg, called in the order of the frames."""

    on_frame: Callable[[SignalingProxy, Direction, bytes | str, wire.Message | None], None] = _ignore
    """Called with each frame as it was sent, before it is forwarded. The message is `None` if the frame is
    text or cannot be decoded."""
    rewrite_down: Callable[[SignalingProxy, wire.Message, bytes], Sequence[bytes]] = _untouched
    """Returns the frames that the peer gets instead of a decodable one, in order."""
    on_condition: Callable[[str], None] = lambda _: None
    """Called with a description when the leg is cut or heals."""


@dataclass(slots=True, eq=False)
class _Session:
    """One connection of the peer and its counterpart to the router."""

    peer: PeerConnection
    router: ClientConnection
    handled: int = 0
    """Number of the peer's messages that have been forwarded to the router."""


class SignalingProxy:
    """The leg of one peer: a WebSocket server that connects each of its connections to the router.

    Create it with `open`.
    """

    def __init__(self, upstream_url: str, name: str, hooks: Hooks) -> None:
        self.name = name
        self.up = FrameCounter()
        self.down = FrameCounter()
        self.session_ids: list[str] = []
        """The sessions that the router has given the peer, in order: it may have several at a time."""
        self.refusals: list[str] = []
        """What the router refused, other than signals, and whether it ended the session."""
        self.peer_address: str | None = None
        """The IP address from which the peer connected last."""
        self.faults: list[str] = []
        """Errors of the harness itself, caused neither by the peer nor by the router."""
        self._upstream = urlsplit(upstream_url)
        self._hooks = hooks
        self._sessions: list[_Session] = []
        self._progress = Notifier()
        self._is_cut = False
        self.idle_closings = 0
        """The number of connections that were closed because nothing came from the peer."""
        self._idle_limit: float | None = None
        self._flowing = {"up": asyncio.Event(), "down": asyncio.Event()}
        for event in self._flowing.values():
            event.set()
        self._server: Server

    @classmethod
    async def open(cls, upstream_url: str, *, name: str, hooks: Hooks | None = None) -> SignalingProxy:
        """Start a proxy to the router at `upstream_url` (`ws:` or `wss:`).

        The router need not run until a peer connects.
        """
        proxy = cls(upstream_url, name, hooks or Hooks())
        proxy._server = await serve(
            proxy._pump_both,
            reachable_host(),
            0,
            process_request=proxy._open_upstream,
            select_subprotocol=_chosen_upstream,
            create_connection=cast("type[ServerConnection]", partial(PeerConnection, name)),
            compression=None,
            open_timeout=2 * _OPEN_TIMEOUT,
            close_timeout=_CLOSE_TIMEOUT,
            ping_interval=None,
            max_size=None,
            server_header=None,
        )
        return proxy

    @property
    def url(self) -> str:
        """The router's URL for this peer, with the same user, path and query."""
        host, port = self._server.sockets[0].getsockname()[:2]
        user, at, _ = self._upstream.netloc.rpartition("@")
        host = f"[{host}]" if ":" in host else host
        return self._upstream._replace(scheme="ws", netloc=f"{user}{at}{host}:{port}").geturl()

    @property
    def session_id(self) -> str | None:
        """The session that the router has given the peer last."""
        return self.session_ids[-1] if self.session_ids else None

    @property
    def is_connected(self) -> bool:
        """Whether a connection of the peer to the router is open."""
        return bool(self._sessions)

    async def ping_barrier(self) -> None:
        """Wait until all that the peer wrote has been seen, and all that was sent to it has arrived.

        It sends a WebSocket ping, and returns when each message that preceded the pong has been forwarded to
        the router. The caller sets the time limit. Raises `ConnectionError` if there is no connection or it
        ends first.
        """
        if not self._sessions:
            raise ConnectionError(f"{self.name} is not connected to the router: there is nothing to wait for")
        session = self._sessions[-1]
        try:
            await (await session.peer.ping())
        except ConnectionClosed as error:
            raise ConnectionError(f"{self.name} left the router before it answered a ping") from error
        target = session.peer.arrived

        def handled_all() -> bool:
            if session.handled < target and session not in self._sessions:
                raise ConnectionError(f"{self.name} left the router before its messages were forwarded")
            return session.handled >= target

        await self._progress.wait_until(handled_all)

    async def peer_has_left(self) -> None:
        """Wait until the peer has no connection to the router. The caller sets the time limit."""
        await self._progress.wait_until(lambda: not self._sessions)

    async def peer_is_back(self, sessions: int) -> None:
        """Wait until the router has given more than that number of sessions; the caller sets the limit."""
        await self._progress.wait_until(lambda: len(self.session_ids) > sessions)

    async def send_down(self, frame: bytes | str) -> None:
        """Send the peer a frame of the harness, after those sent before.

        Raises `ConnectionError` if there is no connection.
        """
        if not self._sessions:
            raise ConnectionError(f"{self.name} is not connected to the router: nothing can be sent to it")
        with contextlib.suppress(ConnectionClosed):
            await self._sessions[-1].peer.send(frame)

    def pause(self, direction: Direction) -> None:
        """Hold all frames of `direction`, in order; they are observed but not forwarded."""
        self._flowing[direction].clear()

    def resume(self, direction: Direction) -> None:
        """Forward the held frames, and those that follow."""
        self._flowing[direction].set()

    def cut(self) -> None:
        """Drop all connections without a closing handshake, and every new one until `heal`."""
        self._is_cut = True
        self._hooks.on_condition(f"cuts {self.name} off from the router")
        for session in self._sessions:
            session.peer.transport.abort()
            session.router.transport.abort()

    def heal(self) -> None:
        """Let the peer connect again."""
        self._is_cut = False
        self._hooks.on_condition(f"lets {self.name} reach the router again")

    def close_idle(self, after: float) -> None:
        """From now on, close each connection on which no frame of the peer has come for `after` seconds.

        The peer may connect again at once. The code is 1001, which gateways use (RFC 6455 section 7.4.1).
        """
        self._idle_limit = after
        for session in self._sessions:
            self._watch(session.peer, after)

    def _watch(self, peer: PeerConnection, after: float) -> None:
        def note() -> None:
            self.idle_closings += 1
            self._hooks.on_condition(f"closes the WebSocket of {self.name}, which was idle for {after:g} s")

        peer.close_when_idle(after, note)

    async def close(self) -> None:
        """Close all connections and stop listening. Safe to call repeatedly."""
        for direction in self._flowing:
            self._flowing[direction].set()
        self._server.close()
        await self._server.wait_closed()

    async def _open_upstream(self, peer: ServerConnection, request: Request) -> Response | None:
        assert isinstance(peer, PeerConnection)
        if self._is_cut:
            peer.transport.abort()
            return None
        offered = [
            Subprotocol(each.strip())
            for line in request.headers.get_all("Sec-WebSocket-Protocol")
            for each in line.split(",")
        ]
        headers = [
            (key, value)
            for key, value in request.headers.raw_items()
            if key.lower() not in _HOP_HEADERS and not key.lower().startswith("sec-websocket-")
        ]
        target = f"{self._upstream.scheme}://{self._upstream.netloc.rpartition('@')[2]}{request.path}"
        try:
            peer.upstream = await connect(
                target,
                subprotocols=offered or None,
                additional_headers=headers,
                user_agent_header=None,
                compression=None,
                proxy=None,
                open_timeout=_OPEN_TIMEOUT,
                close_timeout=_CLOSE_TIMEOUT,
                ping_interval=None,
                max_size=None,
            )
        except InvalidStatus as error:
            # The router's own refusal is passed on to the peer.
            status = error.response.status_code
            return peer.respond(http.HTTPStatus(status), f"The router answered HTTP {status}.\n")
        except (OSError, TimeoutError, InvalidHandshake) as error:
            fault = f"{self.name} asked for the router at {target}, which cannot be reached: {error}"
            self.faults.append(fault)
            return peer.respond(http.HTTPStatus.BAD_GATEWAY, fault + "\n")
        if peer.transport.is_closing():
            peer.upstream.transport.abort()
        return None

    async def _pump_both(self, peer: ServerConnection) -> None:
        assert isinstance(peer, PeerConnection)
        if peer.upstream is None or self._is_cut:
            peer.transport.abort()
            return
        peer.adopted = True
        session = _Session(peer, peer.upstream)
        self.peer_address = peer.remote_address[0]
        self._sessions.append(session)
        if self._idle_limit is not None:
            self._watch(peer, self._idle_limit)
        try:
            await asyncio.gather(self._pump_up(session), self._pump_down(session))
        finally:
            self._sessions.remove(session)
            self._progress.notify()

    # A pump continues to read after its sink has closed: otherwise the source's close would wait behind
    # unread messages. It ends with its source.

    async def _pump_up(self, session: _Session) -> None:
        try:
            while True:
                data = await session.peer.recv()
                self._see("up", data)
                await self._flowing["up"].wait()
                with contextlib.suppress(ConnectionClosed):
                    await session.router.send(data)
                session.handled += 1
                self._progress.notify()
        except ConnectionClosed:
            await _pass_on_close(session.peer, session.router)
        except Exception as error:
            await self._fail(session, error)

    async def _pump_down(self, session: _Session) -> None:
        try:
            while True:
                data = await session.router.recv()
                seen = self._see("down", data)
                await self._flowing["down"].wait()
                frames: Sequence[bytes | str] = [
                    rewritten
                    for message, frame in seen
                    for rewritten in (
                        (frame,)
                        if message is None or isinstance(frame, str)
                        else self._hooks.rewrite_down(self, message, frame)
                    )
                ]
                if len(seen) > 1 and frames:  # Frames that came in one message leave in one.
                    frames = (b"".join(frame for frame in frames if isinstance(frame, bytes)),)
                with contextlib.suppress(ConnectionClosed):
                    for frame in frames:
                        await session.peer.send(frame)
        except ConnectionClosed:
            if session.peer.state is State.OPEN and not self._is_cut:
                self.refusals.append(f"it ended the session ({session.router.close_reason or 'no reason'})")
            await _pass_on_close(session.router, session.peer)
        except Exception as error:
            await self._fail(session, error)

    def _see(self, direction: Direction, data: bytes | str) -> list[tuple[wire.Message | None, bytes | str]]:
        """Count a WebSocket message and report its frames; return each with its message, if it has one."""
        counter = self.up if direction == "up" else self.down
        counter.frames += 1
        counter.last_at = asyncio.get_running_loop().time()
        counter.bytes += len(data) if isinstance(data, bytes) else len(data.encode())
        seen: list[tuple[wire.Message | None, bytes | str]] = []
        for frame in wire.split_frames(data) if isinstance(data, bytes) else (data,):
            message: wire.Message | None = None
            if isinstance(frame, bytes):
                with contextlib.suppress(wire.WireError):
                    message, _ = wire.decode(frame)
            if direction == "down" and message is not None:
                for each in wire.unbundled(message):
                    if isinstance(each, wire.Welcome):
                        self.session_ids.append(each.session)
                        self._progress.notify()
                    elif isinstance(each, wire.Error) and not wire.signal_target(each.address or ""):
                        self.refusals.append(f"ERROR {each.code}: {each.message}")
            self._hooks.on_frame(self, direction, frame, message)
            seen.append((message, frame))
        return seen

    async def _fail(self, session: _Session, error: Exception) -> None:
        self.faults.append(f"the leg of {self.name} failed, which is the harness's fault: {error!r}")
        await session.router.close(CloseCode.INTERNAL_ERROR, "signaling proxy failed")
        await session.peer.close(CloseCode.INTERNAL_ERROR, "signaling proxy failed")


def _chosen_upstream(peer: ServerConnection, _offered: object) -> Subprotocol | None:
    upstream = peer.upstream if isinstance(peer, PeerConnection) else None
    return None if upstream is None else upstream.subprotocol


async def _pass_on_close(source: Connection, sink: Connection) -> None:
    """Close `sink` as `source` was closed; without effect if `sink` was closed first."""
    code = source.close_code
    if code is None or code == CloseCode.ABNORMAL_CLOSURE:
        sink.transport.abort()
    elif code == CloseCode.NO_STATUS_RCVD:
        await sink.close()
    else:
        await sink.close(code, source.close_reason or "")
