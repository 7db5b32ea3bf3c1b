"""Routers that fail with sessions that come and go, stop reading or share a name, or under load."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from websockets.frames import CloseCode

from clasp_e2e import wire
from clasp_e2e.scripted.mutant import mutant
from clasp_e2e.scripted.router_front import FrontSession


def is_signal(message: wire.Message) -> bool:
    """Return whether `message` publishes a signal."""
    return isinstance(message, wire.Publish) and message.address.startswith(wire.SIGNAL_PREFIX)


# Sessions that have gone


@mutant("RTR-4", "It never removes a session whose client has left.")
class KeepsSessions(FrontSession):
    async def left(self) -> None:
        await self.front.closing.wait()
        await super().left()


@mutant("RTR-4", "It removes a session only if its client closed the WebSocket in the orderly way.")
class KeepsResetSessions(FrontSession):
    async def left(self) -> None:
        if self.client.close_code == CloseCode.ABNORMAL_CLOSURE:
            await self.front.closing.wait()
        await super().left()


class FanOut(FrontSession):
    """A client whose announcements come in the order of the subscriptions, until one is found gone."""

    stops_after_close = True
    """Whether a subscriber that closed in the orderly way stops the fan-out too."""
    subscribed = False

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Subscribe) and message.pattern == wire.ANNOUNCE_ADDRESS:
            self.subscribed = True
            self.earlier = [each for each in self.front.sessions.values() if _has_subscribed(each)]
        await self.to_router(frame)

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        is_announcement = isinstance(message, wire.Publish) and message.address == wire.ANNOUNCE_ADDRESS
        if not is_announcement or not any(self.stops_at(each) for each in self.earlier):
            await self.to_client(frame)

    def stops_at(self, session: FrontSession) -> bool:
        """Return whether the fan-out stops at `session`."""
        was_reset = session.client.close_code == CloseCode.ABNORMAL_CLOSURE
        return session in self.front.gone and (self.stops_after_close or was_reset)


def _has_subscribed(session: FrontSession) -> bool:
    return isinstance(session, FanOut) and session.subscribed


@mutant("RTR-5", "It gives an announcement to no subscriber after one that has gone.")
class StopsAtTheDeparted(FanOut):
    pass


@mutant("RTR-5", "It gives an announcement to no subscriber after one that was reset.")
class StopsAtTheReset(FanOut):
    stops_after_close = False


@mutant("RTR-1", "When two clients have left, it delivers no signals to the client that came first.")
class LosesTheFirstClient(FrontSession):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        is_first = next(iter(self.front.sessions.values())) is self
        if not (is_signal(message) and is_first and len(self.front.gone) > 1):
            await self.to_client(frame)


# Clients of one name


class Namesakes(FrontSession):
    """A client that knows its name."""

    name = ""

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Hello):
            self.name = message.name
        await self.to_router(frame)

    def namesakes(self, *, gone: bool) -> list[FrontSession]:
        """Return the other clients of the same name, present or gone, in the order of their sessions."""
        sessions = self.front.gone if gone else self.front.sessions.values()
        return [
            each
            for each in sessions
            if isinstance(each, Namesakes) and each is not self and each.name == self.name
        ]


@mutant("RTR-1", "It delivers the signals of all clients of one name to the last of them.")
class KnowsClientsByName(Namesakes):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        others = self.namesakes(gone=False)
        sessions = list(self.front.sessions.values())
        is_last = not others or sessions.index(others[-1]) < sessions.index(self)
        await (self if is_last or not is_signal(message) else others[-1]).to_client(frame)


@mutant("RTR-1", "When a client has left, it delivers no signals to others of its name.")
class ForgetsNamesakes(Namesakes):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if not is_signal(message) or not self.namesakes(gone=True):
            await self.to_client(frame)


# Clients that only listen


class Forgetful(FrontSession):
    """A client that counts as gone after a second in which the router saw nothing of it."""

    seen_at = 0.0

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        now = asyncio.get_running_loop().time()
        self.note_client(now)
        name = wire.signal_target(message.address) if isinstance(message, wire.Publish) else None
        target = self.front.sessions.get(name or "")
        if isinstance(target, Forgetful) and now - target.seen_at > 1:
            await self.tell(wire.Error(404, "no session with that id is connected"))
        else:
            await self.to_router(frame)

    def note_client(self, now: float) -> None:
        """Note that the client has sent something."""
        self.seen_at = now


@mutant("RTR-12", "It forgets a session that has been silent for a second, and keeps its connection.")
class ForgetsSilentSessions(Forgetful):
    pass


@mutant("RTR-12", "It forgets a session that got nothing for a second, and keeps its connection.")
class ForgetsSessionsWithoutSignals(Forgetful):
    def note_client(self, now: float) -> None:
        pass

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if not isinstance(message, wire.Pong):
            self.seen_at = asyncio.get_running_loop().time()
        await self.to_client(frame)


# Clients that stop reading


@mutant("RTR-11", "It writes to one client at a time, and waits until that client has read.", slow=True)
class WritesOneByOne(FrontSession):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        del message
        async with self.front.lock:
            await self.to_client(frame)


@mutant("RTR-11", "It reads no more from a client until the target of its last signal has read.", slow=True)
class WaitsForTheTarget(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        target = wire.signal_target(message.address) if isinstance(message, wire.Publish) else None
        if target is not None and (session := self.front.sessions.get(target)) is not None:
            await session.to_client(frame)
        else:
            await self.to_router(frame)


class Broadcasting(FrontSession):
    """A client whose announcements go to the subscribers one after the other."""

    is_subscribed = False

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Publish) and message.address == wire.ANNOUNCE_ADDRESS:
            for each in list(self.front.sessions.values()):
                if isinstance(each, Broadcasting) and each.is_subscribed and each is not self:
                    await each.to_client(frame)
            return
        if isinstance(message, wire.Subscribe) and message.pattern == wire.ANNOUNCE_ADDRESS:
            self.is_subscribed = True
        await self.to_router(frame)


@mutant("RTR-11", "It gives an announcement to a subscriber when the one before has read it.", slow=True)
class WaitsForEachSubscriber(Broadcasting):
    pass


# Signals that are like others, or long


@mutant("RTR-1", "It takes a signal that equals the one before for a repetition, and drops it.")
class DropsEqualSignals(FrontSession):
    before = b""

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        is_equal = is_signal(message) and frame == self.before
        self.before = frame
        if not is_equal:
            await self.to_router(frame)


@mutant("RTR-1", "It drops, without an ERROR, signals of more than 32,000 bytes.")
class DropsLongSignals(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if not is_signal(message) or len(frame) <= 32_000:
            await self.to_router(frame)


@mutant("RTR-3", "It delivers signals of more than 10,000 bytes after the next one.")
class DelaysLongSignals(FrontSession):
    held: bytes | None = None

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if is_signal(message) and len(frame) > 10_000:
            self.held = frame
            return
        await self.to_client(frame)
        if is_signal(message) and self.held is not None:
            held, self.held = self.held, None
            await self.to_client(held)


@mutant("RTR-4", "It answers each signal with an ERROR, also if it delivers the signal.")
class ReportsDeliveredSignals(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        await self.to_router(frame)
        if isinstance(message, wire.Publish) and is_signal(message):
            await self.tell(wire.Error(404, "no session with that id is connected", message.address))


# Load


class UnderLoad(FrontSession):
    """A client that gets signals unchanged up to a number in a second."""

    most = 100

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.times: deque[float] = deque(maxlen=self.most)

    def is_busy(self) -> bool:
        """Count a signal, and return whether it exceeds the number."""
        now = asyncio.get_running_loop().time()
        is_busy = len(self.times) == self.most and now - self.times[0] < 1
        self.times.append(now)
        return is_busy


@mutant("RTR-1", "It drops, without an ERROR, what a client sends beyond 100 signals in a second.", slow=True)
class DropsOfABusySender(UnderLoad):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if not is_signal(message) or not self.is_busy():
            await self.to_router(frame)


@mutant("RTR-1", "It drops, without an ERROR, what a client gets beyond 200 signals in a second.", slow=True)
class DropsForABusyTarget(UnderLoad):
    most = 200

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if not is_signal(message) or not self.is_busy():
            await self.to_client(frame)


@mutant("RTR-3", "Beyond 100 signals in a second, it delivers them in pairs, the second first.", slow=True)
class ReordersUnderLoad(UnderLoad):
    held: bytes | None = None

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if self.held is not None:
            held, self.held = self.held, None
            await self.to_client(frame)
            await self.to_client(held)
        elif is_signal(message) and self.is_busy():
            self.held = frame
        else:
            await self.to_client(frame)


@mutant("RTR-10", "Beyond 100 signals in a second, it delivers each of them twice.", slow=True)
class RepeatsUnderLoad(UnderLoad):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        await self.to_client(frame)
        if is_signal(message) and self.is_busy():
            await self.to_client(frame)
