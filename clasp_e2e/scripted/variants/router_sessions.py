"""Routers whose session ids, URLs or first messages differ from those of the reference."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from clasp_e2e import wire
from clasp_e2e.drivers.reference import ReferenceRouter
from clasp_e2e.router import Deliver, DeliveryRule
from clasp_e2e.scripted.mutant import FrontedDriver, RouterOuts, RouterScript, ScriptedDriver
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.router_front import FrontSession, RouterFront
from clasp_e2e.scripted.variants.router_base import OF_PAIRS, OF_ROUTERS, router_variant
from clasp_e2e.scripted.variants.router_messages import NamingDriver


@router_variant(OpenPoint.ROUTER_SESSION_IDS, "Its session ids are UUIDs in upper case.")
class GivesUpperCaseSessionIds(NamingDriver):
    def session_id(self, number: int) -> str:
        return str(uuid.UUID(int=number << 64 | 0xABCDEF)).upper()


@router_variant(OpenPoint.ROUTER_SESSION_IDS, "Its session ids differ in the case of letters alone.")
class GivesSessionIdsByCase(NamingDriver):
    def session_id(self, number: int) -> str:
        return "session-" + f"{number:012b}".replace("0", "b").replace("1", "B")


@router_variant(
    OpenPoint.ROUTER_SESSION_IDS, "Its session ids look like JSON with quotes and escapes.", *OF_ROUTERS,
    *OF_PAIRS, "SIG-8", "SEC-4",
)  # fmt: skip
class GivesSessionIdsLikeJson(NamingDriver):
    form = '{{"id": "\\u00e9\\n{}"}}'


@router_variant(OpenPoint.ROUTER_SESSION_IDS, "Its session ids contain line ends, and spaces at both ends.")
class GivesSessionIdsWithLineEnds(NamingDriver):
    form = " a\r\nb\t{} "


@router_variant(OpenPoint.ROUTER_SESSION_IDS, "Each session id is the beginning of the next one.")
class GivesNestedSessionIds(NamingDriver):
    def session_id(self, number: int) -> str:
        return "s" * number


@router_variant(OpenPoint.ROUTER_TRANSPORT, "It listens on the IPv6 loopback address.")
class ListensOnIPv6(ScriptedDriver):
    async def open_router(self, *, host: str, port: int) -> ReferenceRouter:
        del host
        return await super().open_router(host="::1", port=port)


def _only_its_path(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == "/clasp/v1?room=7":
        return None
    return connection.respond(404, "the router is at another path\n")


class WithAPath(FrontedDriver):
    """A driver of routers that are at a path with a query."""

    async def open_router(self, *, host: str, port: int) -> RouterFront:
        front = await super().open_router(host=host, port=port)
        front.url += "/clasp/v1?room=7"
        return front


class _PathSession(FrontSession):
    server_options: ClassVar[Mapping[str, Any]] = {"process_request": _only_its_path}


@router_variant(OpenPoint.ROUTER_TRANSPORT, "Its URL has a path and a query, and others get HTTP 404.")
class HasAPath(WithAPath):
    def __init__(self) -> None:
        super().__init__(_PathSession)


@router_variant(OpenPoint.ROUTER_MESSAGES, "It sends PING, ACK and ANNOUNCE before the WELCOME.")
class SpeaksBeforeItsWelcome(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        if not isinstance(effect.message, wire.Welcome):
            return (effect,)
        before = (wire.Ping(), wire.Ack(), wire.Announce("/router"))
        early = (Deliver(effect.connection, each, DeliveryRule.REPLY, effect.origin) for each in before)
        return (*early, effect)


@router_variant(OpenPoint.ROUTER_MESSAGES, "It sends text messages before the WELCOME and after each signal.")
class SendsTextMessages(FrontSession):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Welcome):
            await self.to_client('{"notice": "welcome"}')
        await self.to_client(frame)
        if isinstance(message, wire.Publish):
            await self.to_client("delivered")


UNKNOWN = wire.encode_frame(wire.Frame(b"\x7f\x01\x02\x03"))
"""A frame with a message of a type that does not exist."""


@router_variant(OpenPoint.ROUTER_MESSAGES, "It sends frames of unknown types between its messages.")
class SendsUnknownTypes(FrontSession):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        await super().from_router(message, frame)
        await self.to_client(UNKNOWN)


@router_variant(OpenPoint.ROUTER_MESSAGES, "Its SNAPSHOT has 300 parameters.")
class SendsALongSnapshot(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        if not isinstance(effect.message, wire.Snapshot):
            return (effect,)
        params = tuple(
            wire.Param(f"/lights/{number}/level", {"level": number / 300, "name": "x" * 100}, number)
            for number in range(300)
        )
        more = wire.Snapshot(params)
        return (Deliver(effect.connection, more, DeliveryRule.REPLY, effect.origin), effect)


@router_variant(OpenPoint.ROUTER_DELIVERY, "It sends new subscribers the announcements of attached sessions.")
class RepeatsAnnouncements(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Publish) and message.address == wire.ANNOUNCE_ADDRESS:
            self.announcement = frame
        await super().from_client(message, frame)
        if isinstance(message, wire.Subscribe) and message.pattern == wire.ANNOUNCE_ADDRESS:
            for other in list(self.front.sessions.values()):
                known = getattr(other, "announcement", None)
                if other is not self and known is not None:
                    await self.to_client(known)


@router_variant(OpenPoint.ROUTER_DELIVERY, "An announcement reaches its sender, too.", deviations=["RTR-5"])
class ReturnsAnnouncements(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Publish) and message.address == wire.ANNOUNCE_ADDRESS:
            await self.to_client(frame)
        await super().from_client(message, frame)


@router_variant(OpenPoint.ROUTER_MESSAGES, "It turns integers in signals into floating-point numbers.")
class TurnsIntegersIntoFloats(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Publish) and message.address.startswith(wire.SIGNAL_PREFIX):
            frame = wire.encode(replace(message, value=_as_floats(message.value)))
        await super().from_client(message, frame)


def _as_floats(value: wire.Value) -> wire.Value:
    match value:
        case bool():
            return value
        case int() if float(value) == value and int(float(value)) == value:
            return float(value)
        case dict():
            return {key: _as_floats(item) for key, item in value.items()}
        case list():
            return [_as_floats(item) for item in value]
        case _:
            return value
