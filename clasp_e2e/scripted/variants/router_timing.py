"""Routers that deliver at other times than the reference, or limit how fast clients are served."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any, ClassVar

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from clasp_e2e import wire
from clasp_e2e.router import ErrorCode
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.variants.router_base import LateSession, router_variant


@router_variant(OpenPoint.ROUTER_DELIVERY, "It delivers what some clients send up to 300 ms late.")
class DelaysSomeSenders(FrontSession):
    """What one sender sends keeps its order."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.delay = random.Random(id(self)).uniform(0, 0.3)
        self.held: list[bytes] = []
        self.comes = asyncio.Event()
        self.passing = asyncio.Lock()

    async def run(self) -> None:
        passing = asyncio.create_task(self._pass_on())
        try:
            await super().run()
        finally:
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)

    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        self.held.append(frame)
        if isinstance(message, wire.Hello | wire.Ping):
            await self._pass_all()
        else:
            self.comes.set()

    async def _pass_on(self) -> None:
        while True:
            await self.comes.wait()
            await asyncio.sleep(self.delay)
            self.comes.clear()
            await self._pass_all()

    async def _pass_all(self) -> None:
        async with self.passing:
            while self.held:
                await self.to_router(self.held.pop(0))


@router_variant(OpenPoint.ROUTER_DELIVERY, "It delivers at the ends of periods of 100 ms.")
class DeliversPeriodically(LateSession):
    delay = 0.1

    async def _deliver_when_due(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            _, frame = await self.due.get()
            await asyncio.sleep(self.delay - now() % self.delay)
            frames = [frame]
            while not self.due.empty():
                frames.append(self.due.get_nowait()[1])
            await self.deliver(frames)


@router_variant(OpenPoint.ROUTER_TRANSPORT, "Its WELCOME comes 1 s after the HELLO.", "CON-1", "CON-2",
                "RTR-1", "RTR-4", "CON-3", "CON-5", "SIG-8")  # fmt: skip
class WelcomesLate(FrontSession):
    delay = 1.0

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Welcome):
            await asyncio.sleep(self.delay)
        await super().from_router(message, frame)


ACCEPTING_S = 0.5
"""Seconds until a WebSocket is accepted."""


async def _accepts_late(connection: ServerConnection, request: Request) -> Response | None:
    del connection, request
    await asyncio.sleep(ACCEPTING_S)
    return None


@router_variant(OpenPoint.ROUTER_TRANSPORT, "It accepts a WebSocket after 0.5 s.", "CON-1", "CON-2", "RTR-1",
                "RTR-4", "RTR-7", "CON-3", "CON-5")  # fmt: skip
class AcceptsLate(FrontSession):
    server_options: ClassVar[Mapping[str, Any]] = {"process_request": _accepts_late}


def _only_clasp(connection: ServerConnection, request: Request) -> Response | None:
    offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol"))
    if "clasp" in [each.strip() for each in offered.split(",")]:
        return None
    return connection.respond(400, "the subprotocol clasp is required\n")


@router_variant(OpenPoint.ROUTER_RULES, "It refuses a WebSocket without the subprotocol `clasp`.")
class RequiresTheSubprotocol(FrontSession):
    server_options: ClassVar[Mapping[str, Any]] = {"process_request": _only_clasp}


@router_variant(OpenPoint.ROUTER_RULES, "It ends a connection without HELLO after 1 s.")
class RequiresHelloSoon(FrontSession):
    async def run(self) -> None:
        clock = asyncio.get_running_loop().call_later(1.0, self._expire)
        try:
            await super().run()
        finally:
            clock.cancel()

    def _expire(self) -> None:
        if not self.session_id:
            self.client.transport.abort()


@router_variant(OpenPoint.ROUTER_RULES, "It requires the version 1 and a name in HELLO.")
class ChecksHello(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Hello) and (message.version != 1 or not message.name):
            await self.tell(wire.Error(400, "HELLO lacks a name, or its version is not 1"))
            await self.end(1002, "HELLO")
            return
        await super().from_client(message, frame)


@router_variant(
    OpenPoint.ROUTER_RULES, "It ends a session that signals to an unknown one.",
    deviations=["RTR-4"], not_judged=["TMO-3", "TMO-7", "EVT-6", "SIG-6", "CON-10"],
)  # fmt: skip
class EndsSessionsThatSignalToUnknownOnes(FrontSession):
    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Error) and message.code == ErrorCode.SESSION_NOT_FOUND:
            await self.end(1008, "no such session")
            return
        await super().from_router(message, frame)


@router_variant(OpenPoint.ROUTER_RULES, "It refuses PUBLISH to other addresses than those of P2P.")
class RefusesOtherAddresses(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if isinstance(message, wire.Publish) and not message.address.startswith("/clasp/p2p/"):
            await self.tell(wire.Error(403, "this address is not open to you", message.address))
            return
        await super().from_client(message, frame)


@router_variant(OpenPoint.ROUTER_MESSAGES, "It answers no PING.")
class AnswersNoPing(FrontSession):
    async def from_client(self, message: wire.Message, frame: bytes) -> None:
        if not isinstance(message, wire.Ping):
            await super().from_client(message, frame)


@router_variant(OpenPoint.ROUTER_RULES, "It ends a session that sends more than one invalid frame.")
class EndsSessionsOfInvalidFrames(FrontSession):
    invalid = 0

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        await super().from_router(message, frame)
        if isinstance(message, wire.Error) and message.code in (
            ErrorCode.INVALID_FRAME,
            ErrorCode.INVALID_MESSAGE,
        ):
            self.invalid += 1
            if self.invalid > 1:
                await self.end(1002, "invalid frames")
