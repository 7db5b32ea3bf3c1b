"""A client of the harness's own that speaks signaling and nothing else.

It is the partner of a router that is judged, and of a peer that is to find nobody answering:
it attaches, gets a session id, can send any value to any session, and keeps all it receives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from clasp_e2e import wire
from clasp_e2e.notifier import Notifier
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.expectations import Blocked, Unmet, Unobserved, show
from clasp_e2e.testbed.trace import note_frame
from clasp_e2e.testbed.waiting import Patience

T = TypeVar("T")


class SignalingClient:
    """One session at the router, without WebRTC. `received` holds every message, in order.

    `judges_router` says whether the router is judged: then it has to keep the session open.
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
        self.undecodable: list[bytes] = []
        self._socket = socket
        self._timeline = timeline
        self._patience = patience
        self._changes = Notifier()
        self._barriers = 0
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
    ) -> SignalingClient:
        """Attach to the router at `url`; blocked by CON-1 if it gives no session.

        It has as long as a client has, or `within` seconds, for the WebSocket.
        """
        limit = patience.open if within is None else within
        try:
            async with asyncio.timeout(limit):
                socket = await connect(
                    url,
                    subprotocols=[Subprotocol("clasp")],
                    compression=None,
                    ping_interval=None,
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
        return client

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for data in self._socket:
                self._take(data if isinstance(data, bytes) else data.encode())
        self._changes.notify()

    def _take(self, data: bytes) -> None:
        try:
            message, _ = wire.decode(data)
        except wire.WireError:
            self.undecodable.append(data)
            note_frame(self._timeline, "router", self.name, None, data)
            return
        self.received.append(message)
        note_frame(self._timeline, "router", self.name, message, data)
        self._changes.notify()

    async def send(self, message: wire.Message) -> None:
        """Send `message` to the router.

        Where the router has ended the session: unmet if it is judged, and otherwise unobserved, for
        a router may cut off a client that breaks a rule of its own.
        """
        data = wire.encode(message)
        note_frame(self._timeline, self.name, "router", message, data)
        try:
            await self._socket.send(data)
        except ConnectionClosed as closed:
            how = f"it ended it: {closed}"
            if self._judges_router:
                raise Unmet(f"the router to keep the session of {self.name} open", how) from None
            raise Unobserved(
                f"the router was to keep the session of {self.name} open, and {how}; what depends on this"
                " session could not be observed"
            ) from None

    async def signal(self, target: str, value: wire.Value) -> None:
        """Publish `value` to the signal address of the session `target`."""
        await self.send(wire.Publish(address=wire.signal_address(target), value=value))

    async def subscribe(self, pattern: str) -> None:
        """Subscribe to `pattern`, and return when the router has surely taken it."""
        self._barriers += 1
        await self.send(wire.Subscribe(id=self._barriers, pattern=pattern))
        await self.barrier()

    async def barrier(self) -> None:
        """Return when all that was sent before has passed the router, and all it led to here has come.

        A signal to one's own session comes back behind it: a router handles one session in order
        (RTR-1 and RTR-3; where those fail, this is blocked by RTR-1).
        """
        self._barriers += 1
        token = f"barrier-{self._barriers}"
        await self.signal(self.session_id, {"type": "barrier", "token": token})

        def arrived() -> bool | None:
            return True if any(token == _token(message) for message in self.received) else None

        try:
            await self._changes.wait_until(arrived, self._patience.event)
        except TimeoutError:
            raise Blocked("RTR-1", "a signal to the sender's own session did not come back") from None

    def signals(self) -> list[wire.Publish]:
        """Return the signals that reached this session, but for its own barriers."""
        return [
            message
            for message in self.received
            if isinstance(message, wire.Publish)
            and message.address.startswith(wire.SIGNAL_PREFIX)
            and _token(message) is None
        ]

    async def gets(
        self, kind: type[T], where: Callable[[T], bool] = lambda _: True, *, within: float | None = None
    ) -> T:
        """Return the first message of `kind` for which `where` holds; unmet if none comes in time."""

        def found() -> T | None:
            return next((m for m in self.received if isinstance(m, kind) and where(m)), None)

        limit = self._patience.event if within is None else within
        try:
            return await self._changes.wait_until(found, limit)
        except TimeoutError:
            kinds = [type(message).__name__ for message in self.received[-6:]]
            raise Unmet(
                f"{self.name} to receive {kind.__name__} within {limit:.3g} s", f"it received {show(kinds)}"
            ) from None

    async def gets_signal(
        self, *, kind: str | None = None, within: float | None = None
    ) -> dict[str, wire.Value]:
        """Return the value of the first signal (of `type` `kind`) that reaches this session."""

        def matches(message: wire.Publish) -> bool:
            value = message.value
            return message in self.signals() and isinstance(value, dict) and kind in (None, value.get("type"))

        message = await self.gets(wire.Publish, matches, within=within)
        if not isinstance(message.value, dict):
            raise Unmet("a signal that is a map", show(message.value))
        return message.value

    async def close(self) -> None:
        """Close the WebSocket and wait until nothing is left of the client."""
        await self._socket.close()
        await self._reader


def _token(message: wire.Message) -> wire.Value:
    if isinstance(message, wire.Publish) and isinstance(message.value, dict):
        return message.value.get("token") if message.value.get("type") == "barrier" else None
    return None
