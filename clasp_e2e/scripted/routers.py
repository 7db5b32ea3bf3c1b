"""Routers that lose, change, reorder or misdirect signals, or do more than they must."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import cast
from urllib.parse import urlsplit

from aioice import stun

from clasp_e2e import wire
from clasp_e2e.drivers.interface import Router
from clasp_e2e.drivers.reference import ReferenceRouter
from clasp_e2e.router import Deliver, DeliveryRule, ErrorCode
from clasp_e2e.scripted.mutant import RouterOuts, RouterScript, ScriptedDriver, mutant


class Forwarding(RouterScript):
    """A script that changes the forwarding of signals."""

    def deliver(self, effect: Deliver) -> RouterOuts:
        if isinstance(effect.message, wire.Publish) and effect.rule is DeliveryRule.SIGNAL:
            return self.forward(effect, effect.message)
        return (effect,)

    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:
        """Return the effects that are executed instead of forwarding `message`."""
        del message
        return (effect,)


@mutant("CON-1", "It sends no WELCOME.", "router")
class WelcomesNobody(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        return () if isinstance(effect.message, wire.Welcome) else (effect,)


class Naming(RouterScript):
    """A script that changes session ids."""

    session = ""
    """The session id of every session."""

    def deliver(self, effect: Deliver) -> RouterOuts:
        welcome = effect.message
        if not isinstance(welcome, wire.Welcome):
            return (effect,)
        return (replace(effect, message=replace(welcome, session=self.session)),)


@mutant("CON-1", "It welcomes sessions without an id.", "router")
class NamesNoSession(Naming):
    session = ""


@mutant("CON-2", "It gives every session the same id.", "router")
class NamesAllTheSame(Naming):
    session = "session"


@mutant("RTR-1", "It forwards no signal.")
class ForwardsNothing(Forwarding):
    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:  # noqa: ARG002
        return ()


@mutant("CON-2", "It gives the same id to two sessions that follow each other.", "router")
class NamesInPairs(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        welcome = effect.message
        if not isinstance(welcome, wire.Welcome):
            return (effect,)
        return (replace(effect, message=replace(welcome, session=f"pair-{len(self.welcomed) // 2}")),)


@mutant("RTR-1", "It forwards only the first signal to a session.")
class ForwardsTheFirst(Forwarding):
    def __init__(self) -> None:
        super().__init__()
        self.reached: set[int] = set()

    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:  # noqa: ARG002
        if effect.connection in self.reached:
            return ()
        self.reached.add(effect.connection)
        return (effect,)


class Altering(Forwarding):
    """A script that changes the maps of forwarded signals."""

    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:
        if not isinstance(message.value, dict):
            return (effect,)
        return (replace(effect, message=replace(message, value=self.alter_value(message.value))),)

    def alter_value(self, value: dict[str, wire.Value]) -> dict[str, wire.Value]:
        """Return the map that is forwarded instead of `value`."""
        return value


@mutant("RTR-2", "It normalizes the line endings of an SDP.")
class TidiesLineEnds(Altering):
    def alter_value(self, value: dict[str, wire.Value]) -> dict[str, wire.Value]:
        texts = {key: item.replace("\r\n", "\n") for key, item in value.items() if isinstance(item, str)}
        return value | texts


@mutant("RTR-2", "It omits null values.")
class LeavesOutNulls(Altering):
    def alter_value(self, value: dict[str, wire.Value]) -> dict[str, wire.Value]:
        return {key: item for key, item in value.items() if item is not None}


@mutant("RTR-2", "It adds a field to the signals that it forwards.")
class AddsAField(Altering):
    def alter_value(self, value: dict[str, wire.Value]) -> dict[str, wire.Value]:
        return {**value, "via": "router"}


@mutant("RTR-2", "It truncates texts of more than 16,384 characters.")
class TruncatesLongTexts(Altering):
    def alter_value(self, value: dict[str, wire.Value]) -> dict[str, wire.Value]:
        return {key: item[:16_384] if isinstance(item, str) else item for key, item in value.items()}


@mutant("RTR-2", "It reads integers as floating-point numbers, which rounds large ones.")
class RoundsLargeNumbers(Altering):
    def alter_value(self, value: dict[str, wire.Value]) -> dict[str, wire.Value]:
        return {key: int(float(item)) if type(item) is int else item for key, item in value.items()}


@mutant("RTR-3", "It forwards candidates in pairs, the second first.")
class SwapsCandidates(Forwarding):
    def __init__(self) -> None:
        super().__init__()
        self.held: Deliver | None = None

    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:
        if not isinstance(message.value, dict) or message.value.get("type") != "ice_candidate":
            return (effect,)
        if self.held is None:
            self.held = effect
            return ()
        held, self.held = self.held, None
        return (effect, held)


@mutant("RTR-4", "It sends no ERROR for signals to unknown sessions.")
class HidesUnknownSessions(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        match effect.message:
            case wire.Error(code=ErrorCode.SESSION_NOT_FOUND):
                return ()
            case _:
                return (effect,)


@mutant("RTR-4", "It delivers signals to unknown sessions to all sessions, in addition to the ERROR.")
class GivesStraysToAll(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        match effect.message:
            case wire.Error(code=ErrorCode.SESSION_NOT_FOUND, address=str(address)):
                stray = wire.Publish(address, {"type": "offer"})
                copies = (
                    Deliver(other, stray, DeliveryRule.SIGNAL, effect.origin) for other in self.welcomed
                )
                return (effect, *copies)
            case _:
                return (effect,)


@mutant("RTR-5", "It does not forward announcements.")
class KeepsAnnouncements(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        return () if effect.rule is DeliveryRule.ANNOUNCEMENT else (effect,)


@mutant(
    "RTR-5",
    "It sends announcements back to their senders.",
    also={"RTR-10": "a sender that subscribes gets its own twice"},
)
class EchoesAnnouncements(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        echo = (
            (replace(effect, connection=effect.origin),) if effect.rule is DeliveryRule.ANNOUNCEMENT else ()
        )
        return (effect, *echo)


@mutant("RTR-8", "It forwards each signal to all sessions.")
class ForwardsToAll(Forwarding):
    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:  # noqa: ARG002
        return tuple(replace(effect, connection=connection) for connection in self.welcomed)


def _answer(data: bytes) -> bytes | None:
    """Return a STUN server's response to a Binding request (RFC 8489 section 6.3.1)."""
    try:
        request = stun.parse_message(data)
    except (ValueError, IndexError):
        return None
    if request.message_class is not stun.Class.REQUEST:
        return None
    answer = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
    answer.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", 1)
    answer.add_fingerprint()
    return bytes(answer)


class StunOverUdp(asyncio.DatagramProtocol):
    """A STUN server on UDP, on an existing socket."""

    def __init__(self) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = _answer(data)
        if answer is not None:
            self.transport.sendto(answer, addr)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.closed.set_result(None)


@mutant("RTR-3", "It forwards every tenth candidate after the one that follows it.")
class HoldsEveryTenth(Forwarding):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.held: Deliver | None = None

    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:
        held, self.held = self.held, None
        if isinstance(message.value, dict) and message.value.get("type") == "ice_candidate":
            self.count += 1
            if self.count % 10 == 0:
                self.held = effect
                return ()
        return (effect,) if held is None else (effect, held)


@mutant("RTR-8", "It also forwards each signal to the session that attached last.")
class ForwardsToTheLast(Forwarding):
    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:  # noqa: ARG002
        last = self.welcomed[-1]
        return (effect,) if last == effect.connection else (effect, replace(effect, connection=last))


class RouterWithStun(Router):
    """The router, and a STUN server on the UDP port with the same number."""

    def __init__(self, router: Router, server: StunOverUdp) -> None:
        self.url = router.url
        self._router = router
        self._server = server

    async def close(self) -> None:
        self._server.transport.close()
        await self._server.closed
        await self._router.close()


@mutant("RTR-6", "It runs a STUN server on the UDP port with the same number.")
class AnswersStunOverUdp(ScriptedDriver):
    async def open_router(self, *, host: str, port: int) -> RouterWithStun:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start the router and the STUN server."""
        router = await super().open_router(host=host, port=port)
        loop = asyncio.get_running_loop()
        _, server = await loop.create_datagram_endpoint(
            StunOverUdp, local_addr=(host, urlsplit(router.url).port or 0)
        )
        return RouterWithStun(router, server)


class Front(Router):
    """A TCP port that answers STUN, if configured, and forwards everything else to the router behind it."""

    answers_stun = False

    def __init__(self, router: ReferenceRouter) -> None:
        self._router = router
        self._behind = urlsplit(router.url)
        self._handlers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    async def listen(self, host: str, port: int) -> None:
        """Start, and publish the address of the front as the router's URL."""
        self._server = await asyncio.start_server(self._serve, host, port)
        self.url = f"ws://{host}:{self._server.sockets[0].getsockname()[1]}"

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._handle(reader, writer))
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await self.first_bytes(reader)
        except ConnectionError:
            await _end(writer)
            return
        if self.answers_stun and (answer := _answer(first)) is not None:
            writer.write(answer)
            await _end(writer)
            return
        to_router, from_router = await asyncio.open_connection(self._behind.hostname, self._behind.port)
        from_router.write(first)
        await asyncio.gather(_pump(reader, from_router), _pump(to_router, writer))

    async def first_bytes(self, reader: asyncio.StreamReader) -> bytes:
        """Return the first bytes of a client."""
        return await reader.read(1500)

    async def close(self) -> None:
        self._server.close()
        await self._router.close()
        if self._handlers:
            await asyncio.wait(self._handlers)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    await _end(sink)


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@mutant("RTR-6", "It answers STUN requests on its own TCP port.")
class AnswersStunOverTcp(ScriptedDriver):
    async def open_router(self, *, host: str, port: int) -> Front:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start the router with the front."""
        front = Front(await super().open_router(host=host, port=0))
        front.answers_stun = True
        await front.listen(host, port)
        return front
