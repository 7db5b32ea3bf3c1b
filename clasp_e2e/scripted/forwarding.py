"""Routers that deliver a signal twice, late or out of order, or to subscribers only."""

from __future__ import annotations

from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.router import Deliver, DeliveryRule
from clasp_e2e.scripted.mutant import RouterOuts, mutant
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.routers import Forwarding


class SubscribersOnly(FrontSession):
    """A router that delivers a signal only to a target that has subscribed to its address."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # pyright: ignore[reportArgumentType]
        self.patterns: dict[int, str] = {}

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        match message:
            case wire.Subscribe():
                self.patterns[message.id] = message.pattern
            case wire.Unsubscribe():
                self.patterns.pop(message.id, None)
            case _:
                pass
        await super().from_client(message, frame)

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Publish) and message.address.startswith(wire.SIGNAL_PREFIX):
            if any(wire.matches(pattern, message.address) for pattern in self.patterns.values()):
                await super().from_router(message, frame)
        else:
            await super().from_router(message, frame)


@mutant("RTR-9", "It delivers a signal only to a session that has subscribed to its address.")
class NeedsASubscription(SubscribersOnly):
    pass


@mutant("RTR-9", "It delivers signals to a session only after its first SUBSCRIBE.")
class WaitsForASubscription(SubscribersOnly):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if not self.patterns and isinstance(message, wire.Publish):
            return
        await self.to_client(frame)


@mutant("RTR-10", "It delivers each signal twice.")
class DeliversTwice(Forwarding):
    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:  # noqa: ARG002
        return (effect, effect)


@mutant("RTR-10", "It delivers an offer again with the fifth signal that follows it.")
class RepeatsOffers(Forwarding):
    def __init__(self) -> None:
        super().__init__()
        self.offers: dict[int, tuple[Deliver, int]] = {}

    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:
        if isinstance(message.value, dict) and message.value.get("type") == "offer":
            self.offers[effect.connection] = effect, 0
            return (effect,)
        offer, count = self.offers.pop(effect.connection, (effect, 5))
        if count < 5:
            self.offers[effect.connection] = offer, count + 1
        return (effect, replace(offer, rule=DeliveryRule.SIGNAL)) if count == 4 else (effect,)
