"""Routers that lose, repeat or reorder what has several receivers, and signals in less common forms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection

from clasp_e2e import wire
from clasp_e2e.router import Deliver, DeliveryRule
from clasp_e2e.scripted.mutant import RouterOuts, RouterScript, mutant
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.router_life_cycle import is_signal
from clasp_e2e.scripted.routers import Altering, Forwarding

TOGETHER = 0.05
"""Seconds within which announcements are taken for one."""


def is_announcement(message: wire.Message) -> bool:
    """Return whether `message` publishes an announcement."""
    return isinstance(message, wire.Publish) and message.address == wire.ANNOUNCE_ADDRESS


def is_other(message: wire.Message) -> bool:
    """Return whether `message` publishes at an address without a rule of its own."""
    return isinstance(message, wire.Publish) and not is_signal(message) and not is_announcement(message)


# Several receivers


class CountingSubscribers(FrontSession):
    """A client that knows whether it has subscribed to announcements."""

    most: ClassVar[int] = 10
    is_subscribed = False

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Subscribe) and message.pattern == wire.ANNOUNCE_ADDRESS:
            self.is_subscribed = True
        await self.to_router(frame)

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        subscribers = [
            each
            for each in self.front.sessions.values()
            if isinstance(each, CountingSubscribers) and each.is_subscribed
        ]
        if not is_announcement(message) or self in subscribers[: self.most]:
            await self.to_client(frame)


@mutant("RTR-5", "It gives an announcement to the first ten subscribers.")
class AnnouncesToTen(CountingSubscribers):
    pass


@mutant("RTR-5", "Of announcements that follow each other closely, it gives a subscriber only the last.")
class ConflatesAnnouncements(FrontSession):
    latest: bytes | None = None

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if not is_announcement(message):
            await self.to_client(frame)
        elif self.latest is not None:
            self.latest = frame
        else:
            self.latest = frame
            self.timer = asyncio.get_running_loop().call_later(TOGETHER, self._announce)

    def _announce(self) -> None:
        latest, self.latest = self.latest, None
        if latest is not None:
            self.sending = asyncio.ensure_future(self.to_client(latest))

    async def left(self) -> None:
        if self.latest is not None:
            self.timer.cancel()
        await super().left()


@mutant("RTR-5", "It gives a subscriber the first sixteen announcements.")
class AnnouncesSixteen(FrontSession):
    count = 0

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        self.count += is_announcement(message)
        if not is_announcement(message) or self.count <= 16:
            await self.to_client(frame)


@mutant("RTR-3", "With more than ten sessions, it delivers announcements in pairs, the second first.")
class SwapsAnnouncements(FrontSession):
    held: bytes | None = None

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if not is_announcement(message) or len(self.front.sessions) <= 10:
            await self.to_router(frame)
        elif self.held is None:
            self.held = frame
        else:
            held, self.held = self.held, None
            await self.to_router(frame)
            await self.to_router(held)


@mutant("RTR-10", "It delivers each announcement twice.")
class AnnouncesTwice(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        return (effect,) * (2 if effect.rule is DeliveryRule.ANNOUNCEMENT else 1)


@mutant("RTR-1", "It knows the latest sixteen sessions: signals to earlier ones are lost.")
class KnowsSixteenSessions(FrontSession):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if not is_signal(message) or self in list(self.front.sessions.values())[-16:]:
            await self.to_client(frame)


# Relayed messages


class Relaying(RouterScript):
    """A script that changes the delivery of what is published at other addresses."""

    def deliver(self, effect: Deliver) -> RouterOuts:
        return self.relay(effect) if is_other(effect.message) else (effect,)

    def relay(self, effect: Deliver) -> RouterOuts:
        """Return the effects that are executed instead of a delivery of a relayed message."""
        return (effect,)


@mutant("RTR-13", "It forwards signals and announcements, and nothing else.")
class RelaysNothingElse(Relaying):
    def relay(self, effect: Deliver) -> RouterOuts:  # noqa: ARG002
        return ()


@mutant("RTR-13", "It drops, without an ERROR, relayed messages of more than 32,000 bytes.")
class DropsLongRelays(Relaying):
    def relay(self, effect: Deliver) -> RouterOuts:
        return (effect,) if len(wire.encode(effect.message)) <= 32_000 else ()


@mutant("RTR-13", "It delivers relayed messages twice.")
class RelaysTwice(Relaying):
    def relay(self, effect: Deliver) -> RouterOuts:
        return (effect, effect)


@mutant("RTR-13", "It gives relayed messages to all sessions.")
class RelaysToAll(Relaying):
    def relay(self, effect: Deliver) -> RouterOuts:
        return tuple(replace(effect, connection=each) for each in self.welcomed)


@mutant("RTR-13", "It gives a subscriber the first 256 relayed messages.")
class RelaysTheFirst256(FrontSession):
    count = 0

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        self.count += is_other(message)
        if not is_other(message) or self.count <= 256:
            await self.to_client(frame)


@mutant("RTR-13", "It relays the first hundred messages of a session.")
class RelaysAHundred(FrontSession):
    count = 0

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        self.count += is_other(message)
        if not is_other(message) or self.count <= 100:
            await self.to_router(frame)


@mutant("RTR-13", "It removes NUL bytes from the ends of relayed bytes.")
class RelaysWithoutNuls(Relaying):
    def relay(self, effect: Deliver) -> RouterOuts:
        message = effect.message
        if not isinstance(message, wire.Publish) or not isinstance(message.value, dict):
            return (effect,)
        value = {
            key: item.rstrip(b"\0") if isinstance(item, bytes) else item
            for key, item in message.value.items()
        }
        return (replace(effect, message=replace(message, value=value)),)


@mutant("RTR-13", "With more than ten subscribers, it delivers messages in pairs, the second first.")
class ReordersForMany(FrontSession):
    held: bytes | None = None

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if not is_other(message) or len(self.front.sessions) <= 11:
            await self.to_client(frame)
        elif self.held is None:
            self.held = frame
        else:
            held, self.held = self.held, None
            await self.to_client(frame)
            await self.to_client(held)


@mutant("RTR-13", "It ignores UNSUBSCRIBE.")
class IgnoresUnsubscribe(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if not isinstance(message, wire.Unsubscribe):
            await self.to_router(frame)


class SharingSubscriptions(FrontSession):
    """A client whose UNSUBSCRIBE ends the subscriptions of all clients to the same pattern."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ids: dict[str, int] = {}

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        match message:
            case wire.Subscribe():
                self.ids[message.pattern] = message.id
                await self.to_router(frame)
            case wire.Unsubscribe():
                ended = [pattern for pattern, each in self.ids.items() if each == message.id]
                for session in self.front.sessions.values():
                    assert isinstance(session, SharingSubscriptions)
                    for pattern in set(ended).intersection(session.ids):
                        await session.to_router(wire.encode(wire.Unsubscribe(session.ids[pattern])))
            case _:
                await self.to_router(frame)


@mutant("RTR-13", "When one client unsubscribes, it ends all subscriptions with the same pattern.")
class UnsubscribesAll(SharingSubscriptions):
    pass


class KnowingSubscriptions(FrontSession):
    """A client whose subscriptions are known by id."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.patterns: dict[int, str] = {}

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        match message:
            case wire.Subscribe():
                await self.subscribe(message, frame)
            case wire.Unsubscribe():
                await self.unsubscribe(message, frame)
            case _:
                await self.to_router(frame)

    async def subscribe(self, message: wire.Subscribe, frame: bytes) -> None:
        """Handle a SUBSCRIBE."""
        self.patterns[message.id] = message.pattern
        await self.to_router(frame)

    async def unsubscribe(self, message: wire.Unsubscribe, frame: bytes) -> None:
        """Handle an UNSUBSCRIBE."""
        self.patterns.pop(message.id, None)
        await self.to_router(frame)


@mutant("RTR-13", "It delivers a message once for each subscription that matches.")
class DeliversForEachSubscription(KnowingSubscriptions):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        copies = 1
        if isinstance(message, wire.Publish) and is_other(message):
            copies = sum(wire.matches(pattern, message.address) for pattern in self.patterns.values())
        for _ in range(copies):
            await self.to_client(frame)


@mutant("RTR-13", "UNSUBSCRIBE ends all subscriptions of the client that overlap.")
class EndsOverlappingSubscriptions(KnowingSubscriptions):
    async def unsubscribe(self, message: wire.Unsubscribe, frame: bytes) -> None:
        ended = self.patterns.get(message.id, "")
        for number, pattern in list(self.patterns.items()):
            if wire.matches(pattern, ended) or wire.matches(ended, pattern):
                await self.to_router(wire.encode(wire.Unsubscribe(number)))
        await super().unsubscribe(message, frame)


@mutant("RTR-13", "It does not know the wildcard for one segment.")
class KnowsOneWildcard(KnowingSubscriptions):
    async def subscribe(self, message: wire.Subscribe, frame: bytes) -> None:
        if not message.pattern.endswith("/*"):
            await super().subscribe(message, frame)


# Signals in less common forms


@mutant("RTR-1", "It drops, without an ERROR, signals that are no maps.")
class DropsOtherThanMaps(Forwarding):
    def forward(self, effect: Deliver, message: wire.Publish) -> RouterOuts:
        return (effect,) if isinstance(message.value, dict) else ()


@mutant("RTR-1", "It drops signals in frames with a timestamp.")
class DropsTimestamps(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if not is_signal(message) or wire.decode_frame(frame).timestamp is None:
            await self.to_router(frame)


@mutant("RTR-1", "Of the signals in a BUNDLE, it delivers the first.")
class ReadsTheFirstOfABundle(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Bundle):
            frame = wire.encode(replace(message, messages=message.messages[:1]))
        await self.to_router(frame)


@mutant("RTR-13", "Of a BUNDLE, it handles signals only.")
class ReadsTheSignalsOfABundle(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Bundle):
            frame = wire.encode(replace(message, messages=tuple(filter(is_signal, message.messages))))
        await self.to_router(frame)


@mutant("RTR-1", "It forwards the first 1200 signals of a session.")
class Forwards1200(FrontSession):
    count = 0

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        self.count += is_signal(message)
        if not is_signal(message) or self.count <= 1200:
            await self.to_router(frame)


@mutant("RTR-2", "It forwards empty texts as null.")
class ForwardsEmptyTextAsNull(Altering):
    def alter_value(self, value: dict[str, wire.Value]) -> dict[str, wire.Value]:
        return {key: None if item == "" else item for key, item in value.items()}


# WebSocket


class Pinged(FrontSession):
    """A client that counts the WebSocket PING frames that it has sent."""

    def __init__(self, front: Any, client: ServerConnection, router: ClientConnection) -> None:
        super().__init__(front, client, router)
        self.pings = 0
        protocol: Any = client.protocol
        receive: Callable[[Any], None] = protocol.recv_frame

        def receive_frame(frame: Any) -> None:
            if frame.opcode.name == "PING":
                self.pings += 1
                if not self.answers():
                    return
            receive(frame)

        protocol.recv_frame = receive_frame

    def answers(self) -> bool:
        """Return whether the router answers the PING frame that has just arrived."""
        return False


@mutant("RTR-14", "It answers no WebSocket PING frames.")
class AnswersNoPings(Pinged):
    pass


@mutant("RTR-14", "It answers the first WebSocket PING frame of a client only.")
class AnswersOnePing(Pinged):
    def answers(self) -> bool:
        return self.pings == 1
