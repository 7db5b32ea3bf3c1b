"""Routers that deliver signals in another way than the reference does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.router import Deliver, DeliveryRule, ErrorCode
from clasp_e2e.scripted.forwarding import SubscribersOnly
from clasp_e2e.scripted.mutant import RouterOuts, RouterScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.variants.router_base import LateSession, router_variant

_PLAIN_PREFIX = "/plain/signal/"


@router_variant(
    OpenPoint.ROUTER_DELIVERY,
    "It delivers a signal only to a target that has subscribed to its address.",
    deviations=["RTR-9"],
)
class DeliversToSubscribers(SubscribersOnly):
    pass


@router_variant(
    OpenPoint.ROUTER_DELIVERY,
    "It treats signals like any other PUBLISH: all subscribers but the sender get them, without ERROR.",
    deviations=["RTR-4", "RTR-9"],
)
class PublishesSignals(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        match message:
            case wire.Publish(address=text) if text.startswith(wire.SIGNAL_PREFIX):
                plain = replace(message, address=_PLAIN_PREFIX + text.removeprefix(wire.SIGNAL_PREFIX))
                await self.to_router(wire.encode(plain))
            case wire.Subscribe(pattern=text) if text.startswith(wire.SIGNAL_PREFIX):
                pattern = _PLAIN_PREFIX + text.removeprefix(wire.SIGNAL_PREFIX)
                await self.to_router(wire.encode(replace(message, pattern=pattern)))
            case _:
                await self.to_router(frame)

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Publish) and message.address.startswith(_PLAIN_PREFIX):
            address = wire.SIGNAL_PREFIX + message.address.removeprefix(_PLAIN_PREFIX)
            await self.tell(replace(message, address=address))
        else:
            await self.to_client(frame)


@router_variant(OpenPoint.ROUTER_DELIVERY, "It wraps each signal and announcement in a BUNDLE.")
class WrapsDeliveries(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        if effect.rule is DeliveryRule.REPLY:
            return (effect,)
        return (replace(effect, message=wire.Bundle((effect.message,)), qos=None),)


@router_variant(OpenPoint.ROUTER_DELIVERY, "It wraps every message in a BUNDLE in a BUNDLE.")
class WrapsAll(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        return (replace(effect, message=wire.Bundle((wire.Bundle((effect.message,)),)), qos=None),)


@router_variant(
    OpenPoint.ROUTER_DELIVERY,
    "It keeps signals to unknown sessions for later, and sends no ERROR.",
    deviations=["RTR-4"],
)
class KeepsSignals(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        match effect.message:
            case wire.Error(code=ErrorCode.SESSION_NOT_FOUND):
                return ()
            case _:
                return (effect,)


@router_variant(
    OpenPoint.ROUTER_DELIVERY,
    "It delivers everything 2 s late.",
    "CON-1", "RTR-1", "RTR-2", "RTR-3", "RTR-4", "RTR-5", "CON-3", "CON-5", "CON-6", "EVT-1",
)  # fmt: skip
class DeliversTwoSecondsLate(LateSession):
    delay = 2.0


@router_variant(OpenPoint.ROUTER_DELIVERY, "It delivers everything 50 ms late.")
class DeliversALittleLate(LateSession):
    delay = 0.05


@router_variant(OpenPoint.ROUTER_DELIVERY, "It delivers what a client gets within 20 ms in one BUNDLE.")
class CollectsDeliveries(LateSession):
    delay = 0.02

    async def deliver(self, frames: list[bytes]) -> None:
        await self.tell(wire.Bundle(tuple(wire.decode(frame)[0] for frame in frames)))


@router_variant(OpenPoint.ROUTER_DELIVERY, "It handles the messages of a client 20 ms apart.")
class HandlesSlowly(FrontSession):
    delay = 0.02

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        await asyncio.sleep(self.delay)
        await super().from_client(message, frame)
