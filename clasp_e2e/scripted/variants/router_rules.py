"""Routers with rules of their own, whose breach they answer with an ERROR or the end of the session."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

from clasp_e2e import wire
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.variants.router_base import OF_PAIRS, OF_ROUTERS, router_variant

POLICY_VIOLATION = 1008
MAX_LENGTH = 16 * 1024
MAX_PER_SECOND = 50
MAX_SUBSCRIPTIONS = 5

_WITH_ATTACKS = (*OF_ROUTERS, *OF_PAIRS, "RTR-7")

_REFUSED = ("SND-1", "SND-9", "SND-11")
"""What is not judged of two peers that relay more, or larger payloads, than the router takes."""


class StrictSession(FrontSession):
    """A client whose messages are checked; each breach is answered with an ERROR or ends the session."""

    expels: ClassVar[bool] = False

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        breach = self.breach(message, frame)
        if breach is None:
            await self.to_router(frame)
        elif self.expels:
            await self.end(POLICY_VIOLATION, breach)
        else:
            address = message.address if isinstance(message, wire.Publish) else None
            await self.tell(wire.Error(403, breach, address))

    def breach(self, message: wire.Message, frame: bytes) -> str | None:
        """Return which rule `message` breaks, if any."""
        raise NotImplementedError


class _Signals(StrictSession):
    def breach(self, message: wire.Message, frame: bytes) -> str | None:
        del frame
        if isinstance(message, wire.Publish) and message.address.startswith(wire.SIGNAL_PREFIX):
            return self.breach_of_signal(message.value)
        return None

    def breach_of_signal(self, value: wire.Value) -> str | None:
        """Return which rule a signal breaks, if any."""
        raise NotImplementedError


class _ChecksSender(_Signals):
    def breach_of_signal(self, value: wire.Value) -> str | None:
        sender = value.get("from") if isinstance(value, dict) else None
        return None if sender == self.session_id else "`from` is not the sender's session"


@router_variant(
    OpenPoint.ROUTER_RULES, "It refuses signals in the name of another session.", not_judged=["SIG-3"]
)
class RefusesForgedSignals(_ChecksSender):
    pass


@router_variant(
    OpenPoint.ROUTER_RULES, "It ends a session that signals in the name of another.", not_judged=["SIG-3"]
)
class EndsForgingSessions(_ChecksSender):
    expels = True


class _ChecksSignals(_Signals):
    def breach_of_signal(self, value: wire.Value) -> str | None:
        try:
            wire.decode_signal(value)
        except wire.WireError as error:
            return str(error)
        return None


@router_variant(
    OpenPoint.ROUTER_RULES, "It refuses what is not one of the five kinds of signals.", not_judged=["SIG-6"]
)
class RefusesOtherThanSignals(_ChecksSignals):
    pass


@router_variant(
    OpenPoint.ROUTER_RULES, "It ends a session that sends a malformed signal.", not_judged=["SIG-6"]
)
class EndsSessionsOfMalformedSignals(_ChecksSignals):
    expels = True


@router_variant(OpenPoint.ROUTER_RULES, "It refuses signals with additional fields.", not_judged=["RTR-2"])
class RefusesAdditionalFields(_Signals):
    def breach_of_signal(self, value: wire.Value) -> str | None:
        known = {"type", "from", "correlation_id", "sdp", "candidate", "reason"}
        return None if isinstance(value, dict) and value.keys() <= known else "unknown fields"


class _LimitsRate(StrictSession):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.times: deque[float] = deque(maxlen=MAX_PER_SECOND)

    def breach(self, message: wire.Message, frame: bytes) -> str | None:
        del message, frame
        now = asyncio.get_running_loop().time()
        if len(self.times) == MAX_PER_SECOND and now - self.times[0] < 1:
            return f"more than {MAX_PER_SECOND} messages in a second"
        self.times.append(now)
        return None


@router_variant(OpenPoint.ROUTER_RULES, "It refuses more than 50 messages in a second.", *_WITH_ATTACKS,
                "SND-1", not_judged=_REFUSED)  # fmt: skip
class RefusesFloods(_LimitsRate):
    pass


@router_variant(
    OpenPoint.ROUTER_RULES, "It ends a session with more than 50 messages in a second.", *_WITH_ATTACKS,
    not_judged=_REFUSED,
)  # fmt: skip
class EndsFloods(_LimitsRate):
    expels = True


@router_variant(
    OpenPoint.ROUTER_RULES, "It lets a session wait that sends more than 50 messages in a second."
)
class PacesFloods(_LimitsRate):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if self.breach(message, frame) is not None:
            await asyncio.sleep(self.times[0] + 1 - asyncio.get_running_loop().time())
        await self.to_router(frame)


class _LimitsLength(StrictSession):
    def breach(self, message: wire.Message, frame: bytes) -> str | None:
        del message
        return None if len(frame) <= MAX_LENGTH else f"longer than {MAX_LENGTH} bytes"


@router_variant(OpenPoint.ROUTER_RULES, "It refuses frames of more than 16 KiB.", *OF_ROUTERS, *OF_PAIRS,
                "SND-11", not_judged=_REFUSED)  # fmt: skip
class RefusesLongFrames(_LimitsLength):
    pass


@router_variant(
    OpenPoint.ROUTER_RULES, "It ends a session with a message of more than 16 KiB.", *OF_ROUTERS, "RTR-7",
    not_judged=_REFUSED,
)  # fmt: skip
class EndsSessionsOfLongMessages(FrontSession):
    server_options: ClassVar[Mapping[str, Any]] = {"max_size": MAX_LENGTH}


class _ChecksSubscriptions(StrictSession):
    def breach(self, message: wire.Message, frame: bytes) -> str | None:
        del frame
        own = wire.SIGNAL_PREFIX + self.session_id
        match message:
            case wire.Subscribe(pattern=pattern) if pattern.startswith(wire.SIGNAL_PREFIX) and pattern != own:
                return "a subscription to the signals of others"
            case _:
                return None


@router_variant(OpenPoint.ROUTER_RULES, "It refuses subscriptions to the signals of others.")
class RefusesEavesdroppers(_ChecksSubscriptions):
    pass


@router_variant(OpenPoint.ROUTER_RULES, "It ends a session that subscribes to the signals of others.")
class EndsEavesdroppers(_ChecksSubscriptions):
    expels = True


@router_variant(OpenPoint.ROUTER_RULES, "It allows a session five subscriptions.")
class LimitsSubscriptions(StrictSession):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.subscriptions = 0

    def breach(self, message: wire.Message, frame: bytes) -> str | None:
        del frame
        self.subscriptions += isinstance(message, wire.Subscribe)
        return "too many subscriptions" if self.subscriptions > MAX_SUBSCRIPTIONS else None


@router_variant(OpenPoint.ROUTER_RULES, "It ends a session that says nothing for a second.", "RTR-12")
class EndsIdleSessions(FrontSession):
    idle = 1.0

    async def run(self) -> None:
        self.said = asyncio.Event()
        clock = asyncio.create_task(self._watch())
        try:
            await super().run()
        finally:
            clock.cancel()
            await asyncio.gather(clock, return_exceptions=True)

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        self.said.set()
        await super().from_client(message, frame)

    async def _watch(self) -> None:
        try:
            while True:
                async with asyncio.timeout(self.idle):
                    await self.said.wait()
                self.said.clear()
        except TimeoutError:
            await self.end(POLICY_VIOLATION, "idle")
