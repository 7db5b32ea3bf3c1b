"""Routers with other session ids, more or fewer messages, or another encoding than the reference."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]  # published without types

from clasp_e2e import wire
from clasp_e2e.drivers.reference import ReferenceRouter
from clasp_e2e.router import Deliver, DeliveryRule, RouterCore, RouterServer
from clasp_e2e.scripted.mutant import RouterOuts, RouterScript, ScriptedDriver
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.variants.router_base import OF_PAIRS, OF_ROUTERS, router_variant


class NamingDriver(ScriptedDriver):
    """A driver of routers whose session ids are made of a number, by default as `form` says."""

    form: ClassVar[str]

    def session_id(self, number: int) -> str:
        """Return the id of session `number`, which counts from 1."""
        return self.form.format(number)

    async def open_router(self, *, host: str, port: int) -> ReferenceRouter:
        numbers = itertools.count(1)
        core = RouterCore(lambda: self.session_id(next(numbers)))
        return ReferenceRouter(await RouterServer.open(host, port, core=core))


@router_variant(
    OpenPoint.ROUTER_SESSION_IDS, "Its session ids are numbers.", *OF_ROUTERS, *OF_PAIRS, "SIG-8", "SEC-4"
)
class NumbersSessions(NamingDriver):
    form = "{}"


@router_variant(OpenPoint.ROUTER_SESSION_IDS, "Its session ids have 200 characters.")
class GivesLongSessionIds(NamingDriver):
    form = "{:0200}"


@router_variant(OpenPoint.ROUTER_SESSION_IDS, "Its session ids contain slashes.")
class GivesSessionIdsWithSlashes(NamingDriver):
    form = "room/7/{}"


@router_variant(
    OpenPoint.ROUTER_SESSION_IDS, "Its session ids contain spaces, signs and letters beyond ASCII."
)
class GivesUnusualSessionIds(NamingDriver):
    form = "Zoë & Ω #{}: +==?%2F\N{WAVING HAND SIGN}"


@router_variant(OpenPoint.ROUTER_MESSAGES, "It acknowledges each PUBLISH and SUBSCRIBE.")
class AcknowledgesAll(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Publish | wire.Subscribe):
            await self.tell(wire.Ack(message.address if isinstance(message, wire.Publish) else None))
        await self.to_router(frame)


@router_variant(
    OpenPoint.ROUTER_MESSAGES, "It sends PING after each message, and ends a session that does not answer."
)
class PingsItsClients(FrontSession):
    pings = 0

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Pong):
            self.pings -= 1
            return
        await self.to_router(frame)
        if self.session_id:
            if self.pings > 100:
                await self.end(1008, "no PONG")
            self.pings += 1
            await self.tell(wire.Ping())


@router_variant(OpenPoint.ROUTER_MESSAGES, "It sends no SNAPSHOT.")
class SendsNoSnapshot(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        return () if isinstance(effect.message, wire.Snapshot) else (effect,)


@router_variant(OpenPoint.ROUTER_MESSAGES, "It sends each client more messages than it asked for.")
class SendsMore(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        more: tuple[wire.Message, ...] = (
            wire.Snapshot((wire.Param("/router/load", 0.5, 1, "router", 7),)),
            wire.Publish("/router/notice", {"type": "offer", "text": "hello"}),
            wire.Publish(wire.ANNOUNCE_ADDRESS, {"session_id": "elsewhere", "p2p_capable": True}),
            wire.Ack(),
        )
        return (
            effect,
            *(Deliver(effect.connection, each, DeliveryRule.REPLY, effect.origin) for each in more),
        )


@router_variant(OpenPoint.ROUTER_MESSAGES, "It orders the keys of the signals that it forwards.")
class OrdersKeys(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        match effect.message:
            case wire.Publish(value=dict(value)):
                return (replace(effect, message=replace(effect.message, value=dict(sorted(value.items())))),)
            case _:
                return (effect,)


@router_variant(OpenPoint.ROUTER_MESSAGES, "It sends a timestamp and the QoS COMMIT in each frame.")
class StampsItsFrames(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        return (replace(effect, qos=wire.QoS.COMMIT, timestamp=1_700_000_000_000_000),)


@router_variant(OpenPoint.ROUTER_MESSAGES, "Its ERROR messages have other codes and texts, and no address.")
class WordsErrorsOtherwise(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        is_error = isinstance(effect.message, wire.Error)
        return (replace(effect, message=wire.Error(1404, "")) if is_error else effect,)


@router_variant(OpenPoint.ROUTER_MESSAGES, "It describes itself at length in its WELCOME.")
class WelcomesAtLength(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        if not isinstance(effect.message, wire.Welcome):
            return (effect,)
        features = frozenset({"param"})
        welcome = replace(effect.message, name="r" * 300, features=features, token="t" * 300, version=2)
        return (replace(effect, message=welcome),)


def _as_map(message: wire.Message) -> dict[str, Any] | None:
    match message:
        case wire.Welcome():
            features = sorted(message.features)
            return {
                "type": "WELCOME", "version": message.version, "session": message.session,
                "name": message.name, "features": features, "time": message.time,
            }  # fmt: skip
        case wire.Publish(null_value=False, value=value) if value is not None:
            return {"type": "PUBLISH", "signal": "event", "address": message.address, "value": value}
        case wire.Error():
            return {"type": "ERROR", "code": message.code, "message": message.message}
        case wire.Pong():
            return {"type": "PONG"}
        case _:
            return None


@router_variant(OpenPoint.ROUTER_MESSAGES, "It encodes its messages as MessagePack.")
class EncodesAsMessagePack(FrontSession):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        packb = cast("Callable[[object], bytes]", msgpack.packb)  # pyright: ignore[reportUnknownMemberType]
        fields = _as_map(message)
        await self.to_client(frame if fields is None else wire.encode_frame(wire.Frame(packb(fields))))


@router_variant(OpenPoint.ROUTER_MESSAGES, "It greets each client with a signal-like PUBLISH of its own.")
class GreetsWithASignal(FrontSession):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        await self.to_client(frame)
        if isinstance(message, wire.Welcome):
            await asyncio.sleep(0)
            address = wire.SIGNAL_PREFIX + message.session
            await self.tell(wire.Publish(address, {"type": "hello", "from": "router"}))


@router_variant(OpenPoint.ROUTER_MESSAGES, "It publishes signals as streams with a timestamp and an id.",
                *OF_ROUTERS, *OF_PAIRS, "CON-8", "SND-13")  # fmt: skip
class PublishesStreams(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        match effect.message:
            case wire.Publish(address=address) as signal if address.startswith(wire.SIGNAL_PREFIX):
                stream = replace(signal, signal=wire.SignalType.STREAM, timestamp=3, id=9)
                return (replace(effect, message=stream),)
            case _:
                return (effect,)
