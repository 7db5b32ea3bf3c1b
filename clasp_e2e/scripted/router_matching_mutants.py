"""Routers that match addresses, values and subscriptions wrongly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clasp_e2e import wire
from clasp_e2e.scripted.mutant import mutant
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.router_publishing_mutants import is_other


@mutant("RTR-13", "After UNSUBSCRIBE, it ignores a SUBSCRIBE to the same pattern.")
class SubscribesOnce(FrontSession):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.patterns: dict[int, str] = {}
        """The pattern of each subscription."""
        self.ended: set[str] = set()

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        match message:
            case wire.Subscribe(pattern=pattern) if pattern in self.ended:
                return
            case wire.Subscribe():
                self.patterns[message.id] = message.pattern
            case wire.Unsubscribe():
                self.ended.add(self.patterns.get(message.id, ""))
            case _:
                pass
        await self.to_router(frame)


@mutant("RTR-13", "It ignores subscriptions with a wildcard that is not at the end.")
class KnowsWildcardsAtTheEnd(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if not isinstance(message, wire.Subscribe) or "*" not in message.pattern.rpartition("/")[0]:
            await self.to_router(frame)


@mutant("RTR-13", "Its wildcard for one segment matches several.")
class MatchesSeveralSegments(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Subscribe) and message.pattern.endswith("/*"):
            frame = wire.encode(replace(message, pattern=message.pattern + "*"))
        await self.to_router(frame)


class WithAddresses(FrontSession):
    """The session of a client, with the addresses that it has subscribed to."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.addresses: set[str] = set()


@mutant("RTR-13", "A subscription to an address also gets what is published at those that begin like it.")
class MatchesBeginnings(WithAddresses):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Subscribe) and "*" not in message.pattern:
            self.addresses.add(message.pattern)
        await self.to_router(frame)
        if not isinstance(message, wire.Publish) or not is_other(message):
            return
        for session in self.front.sessions.values():
            assert isinstance(session, WithAddresses)
            begins = (message.address.startswith(each) for each in session.addresses - {message.address})
            if session is not self and any(begins):
                await session.to_client(frame)


@mutant("RTR-13", "It takes a message that equals the one before for a repetition.")
class DropsEqualPublications(FrontSession):
    last = b""

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if is_other(message):
            if frame == self.last:
                return
            self.last = frame
        await self.to_router(frame)


@mutant("RTR-13", "It relays only values that are maps.")
class RelaysMapsOnly(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        is_map = isinstance(message, wire.Publish) and isinstance(message.value, dict)
        if is_map or not is_other(message):
            await self.to_router(frame)
