"""A client of the harness that supports only signaling.

It is used to judge a router, and as a partner that does not answer a peer. It attaches, gets a session
id, can send any value to any session, and records all received messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from clasp_e2e import wire
from clasp_e2e.notifier import Notifier
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.expectations import Absent, Blocked, NoVerdict, Unmet, Unobserved, show
from clasp_e2e.testbed.raw_connection import reset_on_close
from clasp_e2e.testbed.trace import note_frame
from clasp_e2e.testbed.waiting import Patience

T = TypeVar("T")

CANDIDATE = '{"candidate":"candidate:1 1 udp 2130706431 127.0.0.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}'
"""A well-formed candidate at which nobody answers, as the public clients send it."""

_CLOSE_TIMEOUT = 1.0
"""Seconds for the closing handshake: a router may have stopped to read from the client."""
_FAIR_SHARE = 32
"""Messages that are read in a row before other tasks get their turn."""

BARRIER = "barrier-"
"""The prefix of the correlation ids of barriers."""


class SignalingClient:
    """A session at the router, without WebRTC. `received` holds every message, in order.

    With `judges_router`, the router must keep the session open; otherwise closing it is unobserved.
    """

    def __init__(
        self,
        name: str,
        socket: ClientConnection,
        timeline: Timeline,
        patience: Patience,
        *,
        judges_router: bool = False,
    ) -> None:
        self.name = name
        self._judges_router = judges_router
        self.session_id = ""
        self.received: list[wire.Message] = []
        """Every message, those in a BUNDLE one by one."""
        self.undecodable: list[bytes] = []
        self._socket = socket
        self._timeline = timeline
        self._patience = patience
        self._changes = Notifier()
        self._barriers = 0
        self._subscriptions: dict[str, int] = {}
        """The ids of the subscriptions, by pattern."""
        self.has_ended = False
        """Whether the connection has ended, on either side."""
        self._reader = asyncio.create_task(self._read(), name=f"signaling client {name}")

    @classmethod
    async def open(
        cls,
        url: str,
        name: str,
        timeline: Timeline,
        patience: Patience,
        *,
        within: float | None = None,
        judges_router: bool = False,
        subscribes: bool = True,
    ) -> SignalingClient:
        """Attach to the router at `url`; blocked by CON-1 if the router assigns no session.

        The time limit for the WebSocket is `within` seconds, or that of `Patience.open`. The client then
        subscribes to its own signal address, as the public clients do, unless `subscribes` is false.
        """
        limit = patience.open if within is None else within
        try:
            async with asyncio.timeout(limit):
                socket = await connect(
                    url,
                    subprotocols=[Subprotocol("clasp")],
                    ping_interval=None,
                    close_timeout=_CLOSE_TIMEOUT,
                    max_size=None,
                )
        except (OSError, TimeoutError, WebSocketException) as error:
            why = str(error) or f"it did not answer within {limit:g} s"
            raise Blocked("CON-1", f"the router at {url} did not take a WebSocket: {why}") from error
        client = cls(name, socket, timeline, patience, judges_router=judges_router)
        try:
            await client.send(wire.Hello(name=name, features=frozenset({"event"})))
            welcome = await client.gets(wire.Welcome)
        except (Unmet, Unobserved) as error:
            await client.close()
            raise Blocked("CON-1", f"the router at {url} did not answer HELLO with WELCOME") from error
        client.session_id = welcome.session
        if subscribes and client.session_id:
            # A router that does not deliver, or ends the session, is judged by the scenario.
            with suppress(NoVerdict, Unmet):
                await client.subscribe(wire.signal_address(client.session_id))
        return client

    async def _read(self) -> None:
        count = 0
        with suppress(ConnectionClosed):
            async for data in self._socket:
                count += 1
                if count % _FAIR_SHARE == 0:  # Reading alone does not let other tasks run.
                    await asyncio.sleep(0)
                for frame in wire.split_frames(data if isinstance(data, bytes) else data.encode()):
                    await self._take(frame)
        self.has_ended = True
        self._changes.notify()

    async def _take(self, data: bytes) -> None:
        try:
            message, _ = wire.decode(data)
        except wire.WireError:
            self.undecodable.append(data)
            note_frame(self._timeline, "router", self.name, None, data)
            return
        note_frame(self._timeline, "router", self.name, message, data)
        for inner in wire.unbundled(message):
            self.received.append(inner)
            if isinstance(inner, wire.Ping):
                await self._socket.send(wire.encode(wire.Pong()))
        self._changes.notify()

    async def send(
        self, message: wire.Message, *, qos: wire.QoS | None = None, timestamp: int | None = None
    ) -> None:
        """Send `message` to the router, by default in a frame as the public clients send it.

        If the router has closed the session: unmet if the router is judged; otherwise unobserved, because
        a router may disconnect a client that violates its own rules.
        """
        await self._send(message, wire.encode(message, qos=qos, timestamp=timestamp))

    async def send_in_one(self, *messages: wire.Message) -> None:
        """Send `messages`, each in a frame of its own, in one WebSocket message; see `send`."""
        await self._send(messages[0], b"".join(map(wire.encode, messages)))

    async def _send(self, message: wire.Message, data: bytes) -> None:
        note_frame(self._timeline, self.name, "router", message, data)
        try:
            await self._socket.send(data)
        except ConnectionClosed as closed:
            if self._judges_router:
                expected = f"the router to keep the session of {self.name} open"
                raise Unmet(expected, f"the router closed it: {closed}") from None
            raise Unobserved(
                f"the router closed the session of {self.name} ({closed}), so what depends on it cannot be"
                " observed"
            ) from None

    async def signal(self, target: str, value: wire.Value) -> None:
        """Publish `value` to the signal address of session `target`."""
        await self.send(wire.Publish(address=wire.signal_address(target), value=value))

    async def candidate(self, target: str, correlation_id: str) -> None:
        """Send `target` a well-formed signal with a candidate; the id tells it from others."""
        await self.signal(
            target, wire.encode_signal(wire.IceCandidate(self.session_id, CANDIDATE, correlation_id))
        )

    async def mark(self, target: str, correlation_id: str) -> None:
        """Send `target` the shortest well-formed signal, `connected`; the id tells it from others."""
        await self.signal(target, wire.encode_signal(wire.ConnectedSignal(self.session_id, correlation_id)))

    async def subscribe(self, pattern: str) -> None:
        """Subscribe to `pattern`, and return when the router has processed the subscription."""
        self._subscriptions[pattern] = len(self._subscriptions) + 1
        await self.send(wire.Subscribe(id=self._subscriptions[pattern], pattern=pattern))
        await self.barrier()

    async def unsubscribe(self, pattern: str) -> None:
        """End the subscription to `pattern`, and return when the router has processed that."""
        await self.send(wire.Unsubscribe(id=self._subscriptions[pattern]))
        await self.barrier()

    async def barrier(self) -> None:
        """Wait until the router has processed all earlier messages, and their results have arrived here.

        The answer to a PING arrives after them, because a router handles a session in order, and so does a
        signal to the own session. Either is enough: a router may answer no PING, or deliver nothing to its
        sender. Blocked by RTR-1 if neither arrives.
        """
        self._barriers += 1
        token = f"{BARRIER}{self._barriers}"
        pongs = self._pongs()
        await self.mark(self.session_id, token)
        await self.send(wire.Ping())

        def arrived() -> bool | None:
            passed = self._pongs() > pongs or any(token == _id(message) for message in self.received)
            return passed or None

        if await self._await(arrived, self._patience.event) is None:
            raise Blocked("RTR-1", "neither a signal to the sender's own session nor a PONG arrived")

    async def ping(self, content: bytes) -> None:
        """Require the router to answer a WebSocket PING frame with `content` (at most 125 bytes)."""
        try:
            async with asyncio.timeout(self._patience.event):
                await (await self._socket.ping(content))
        except TimeoutError:
            expected = f"a PONG frame for a WebSocket PING frame within {self._patience.event:.3g} s"
            raise Unmet(expected, "none with its content came") from None
        except ConnectionClosed as closed:
            raise Unmet("a PONG frame for a WebSocket PING frame", f"the router closed: {closed}") from None

    def _pongs(self) -> int:
        return sum(isinstance(message, wire.Pong) for message in self.received)

    def signals(self) -> list[wire.Publish]:
        """Return the signals that reached this session, except its own barriers."""
        return [
            message
            for message in self.received
            if isinstance(message, wire.Publish)
            and message.address.startswith(wire.SIGNAL_PREFIX)
            and not str(_id(message)).startswith(BARRIER)
        ]

    def ids(self) -> list[wire.Value]:
        """Return the correlation ids of the signals that reached this session, in order."""
        return [_id(message) for message in self.signals()]

    async def gets(
        self, kind: type[T], where: Callable[[T], bool] = lambda _: True, *, within: float | None = None
    ) -> T:
        """Return the first message of `kind` for which `where` holds; unmet after the time limit."""

        def found() -> T | None:
            return next((m for m in self.received if isinstance(m, kind) and where(m)), None)

        limit = self._patience.event if within is None else within
        message = await self._await(found, limit)
        if message is None:
            kinds = [type(message).__name__ for message in self.received[-6:]]
            ended = ", and the router closed its session" if self.has_ended else ""
            raise Absent(
                f"{self.name} to receive {kind.__name__} within {limit:.3g} s",
                f"it received {show(kinds)}{ended}",
            )
        return message

    async def gets_more(self, than: int) -> bool:
        """Wait until more `than` this number of messages have come; false after the limit of an event."""
        return await self._await(lambda: len(self.received) > than or None, self._patience.event) or False

    async def gets_signal(
        self,
        *,
        kind: str | None = None,
        correlation_id: str | None = None,
        within: float | None = None,
    ) -> dict[str, wire.Value]:
        """Return the value of the first signal (with `type` `kind`, and the id) that reaches this session."""

        def matches(message: wire.Publish) -> bool:
            value = message.value
            return (
                message.address.startswith(wire.SIGNAL_PREFIX)
                and isinstance(value, dict)
                and kind in (None, value.get("type"))
                and (
                    not str(_id(message)).startswith(BARRIER)
                    if correlation_id is None
                    else _id(message) == correlation_id
                )
            )

        message = await self.gets(wire.Publish, matches, within=within)
        assert isinstance(message.value, dict)
        return message.value

    async def gets_all(
        self, correlation_ids: Collection[str], *, unless: Callable[[], bool]
    ) -> list[wire.Value]:
        """Return the ids of those signals that have arrived, in order and with repetitions.

        Waits until all have arrived, `unless` holds, or nothing has arrived for the time limit of an event.
        Unobserved if signals still arrive after six times that limit for each thousand.
        """
        wanted = set(correlation_ids)
        now = asyncio.get_running_loop().time
        end = now() + 6 * self._patience.event * max(1, len(wanted) / 1000)
        while missing := len(wanted.difference(map(str, self.ids()))):
            before = len(self.received)

            def enough(goal: int = before + missing) -> bool | None:
                return len(self.received) >= goal or unless() or None

            await self._await(enough, self._patience.event)
            if unless() or len(self.received) == before:
                break
            if now() > end:
                raise Unobserved(f"{missing} of {len(wanted)} signals in a row had not arrived yet")
        await self.barrier()
        return [each for each in self.ids() if each in wanted]

    @property
    def is_refused(self) -> bool:
        """Whether the router has sent this client an ERROR, or ended its session."""
        return self.has_ended or any(isinstance(message, wire.Error) for message in self.received)

    async def _await(self, found: Callable[[], T | None], limit: float) -> T | None:
        """Return what `found` returns; None after `limit` seconds, or when the session has ended."""

        def found_or_ended() -> tuple[T | None] | None:
            result = found()
            return (result,) if result is not None or self.has_ended else None

        try:
            return (await self._changes.wait_until(found_or_ended, limit))[0]
        except TimeoutError:
            return None

    async def reset(self) -> None:
        """Reset the TCP connection, as if the client's process had died."""
        reset_on_close(self._socket.transport)
        self._socket.transport.abort()
        await self._reader

    async def close(self) -> None:
        """Close the WebSocket, and wait until the client has ended."""
        await self._socket.close()
        await self._reader


def _id(message: wire.Message) -> wire.Value:
    """Return the correlation id of a signal, or None."""
    if isinstance(message, wire.Publish) and isinstance(message.value, dict):
        return message.value.get("correlation_id")
    return None
