"""Implementations without a network: what they do wrong is what a test says, and all else is right.

Named as drivers on a command line too (`fakes:Honest`), so that a run of its own can judge them.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import cycle
from typing import Any

from clasp_e2e.drivers import (
    CAPABILITIES,
    Description,
    Driver,
    DriverFault,
    EventSink,
    FaultSink,
    Implementation,
    Peer,
    Refused,
    Router,
)
from clasp_e2e.p2p_types import Connected, Data, P2PConfig, RoutingMode, SendResult

Act = Callable[..., Awaitable[Any]]


class FakePeer(Peer):
    """A peer that knows the others of its driver and talks to them by calling them."""

    def __init__(self, driver: FakeDriver, number: int, on_event: EventSink) -> None:
        self.session_id = f"session-{number}"
        self.tell = on_event
        self.broken: DriverFault | None = None
        self.ended = False
        self._driver = driver
        self._mode = RoutingMode.PREFER_P2P
        self._fault_sinks: list[FaultSink] = []

    @property
    def fault(self) -> str | None:
        return None if self.broken is None else str(self.broken)

    def on_fault(self, sink: FaultSink) -> None:
        self._fault_sinks.append(sink)

    def break_down(self, message: str) -> None:
        self.broken = DriverFault(message)
        for sink in self._fault_sinks:
            sink(self.broken)

    async def _do(self, name: str, *arguments: Any) -> Any:
        act = self._driver.acts.get(name)
        return await (act(self, *arguments) if act else getattr(self, f"_{name}")(*arguments))

    async def connect_to_peer(self, target: str) -> None:
        await self._do("connect_to_peer", target)

    async def _connect_to_peer(self, target: str) -> None:
        other = self._driver.peers.get(target)
        if other is None:
            raise Refused(f"no session {target}")
        self.tell(Connected(target))
        other.tell(Connected(self.session_id))

    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> SendResult:
        return await self._do("send_p2p", target, data, reliable)

    async def _send_p2p(self, target: str, data: bytes, reliable: bool) -> SendResult:
        self._driver.peers[target].tell(Data(self.session_id, data, reliable))
        return SendResult.RELAY if self._mode is RoutingMode.SERVER_ONLY else SendResult.P2P

    async def set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        await self._do("set_p2p_routing_mode", mode)

    async def _set_p2p_routing_mode(self, mode: RoutingMode) -> None:
        self._mode = mode

    async def p2p_routing_mode(self) -> RoutingMode:
        return await self._do("p2p_routing_mode")

    async def _p2p_routing_mode(self) -> RoutingMode:
        return self._mode

    async def close(self) -> None:
        await self._do("close")

    async def _close(self) -> None:
        await self.kill()

    async def kill(self) -> None:
        await self._do("kill")

    async def _kill(self) -> None:
        self.ended = True


class FakeRouter(Router):
    """An address without a listener: peers that call each other need no router."""

    url = "ws://127.0.0.1:1/"

    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class FakeDriver(Driver):
    """A driver whose peers do as `acts` say: a coroutine function for each call that is to go wrong."""

    router_per_scenario = True

    def __init__(
        self,
        *,
        roles: frozenset[str] = frozenset({"peer", "router"}),
        capabilities: frozenset[str] = CAPABILITIES,
        stub: bool = False,
        **acts: Act,
    ) -> None:
        self.acts = acts
        self.peers: dict[str, FakePeer] = {}
        self.routers: list[FakeRouter] = []
        self._description = Description(Implementation("fake", "1", "Python", stub=stub), roles, capabilities)

    async def initialize(self) -> Description:
        if "initialize" in self.acts:
            await self.acts["initialize"]()
        return self._description

    async def open_peer(
        self, *, url: str, name: str, p2p: P2PConfig | None, on_event: EventSink, token: str | None = None
    ) -> FakePeer:
        if "open_peer" in self.acts:
            await self.acts["open_peer"](name)
        peer = FakePeer(self, len(self.peers), on_event)
        self.peers[peer.session_id] = peer
        return peer

    async def open_router(self, *, host: str, port: int) -> FakeRouter:
        if "open_router" in self.acts:
            await self.acts["open_router"]()
        self.routers.append(FakeRouter())
        return self.routers[-1]

    async def aclose(self) -> None:
        if "aclose" in self.acts:
            await self.acts["aclose"]()


async def never(*_: object) -> None:
    """Hang."""
    await asyncio.get_running_loop().create_future()


async def raises(*_: object) -> None:
    """Fail in a way that no driver may."""
    raise RuntimeError("out of cheese")


async def refuses(*_: object) -> None:
    """Fail in the way that the interface has for it."""
    raise Refused("the address is in use")


async def exits(*_: object) -> None:
    """Do what ends a process of one's own."""
    sys.exit(7)


async def blocks(*_: object) -> None:
    """Hold up the event loop, and with it all that would notice."""
    time.sleep(60)  # noqa: ASYNC251 - the fault that it is here for


async def is_wrong(*_: object) -> RoutingMode:
    """Return a mode that was not set."""
    return RoutingMode.SERVER_ONLY


LEFT: list[Any] = []


async def leaks_a_socket(*_: object) -> RoutingMode:
    """Do the right thing and leave a socket behind."""
    LEFT.append(socket.socket())
    return RoutingMode.PREFER_P2P


async def leaks_a_task(*_: object) -> RoutingMode:
    """Do the right thing and leave a task behind."""
    LEFT.append(asyncio.create_task(never(), name="forgotten"))
    return RoutingMode.PREFER_P2P


async def breaks_down(peer: FakePeer) -> RoutingMode:
    """Answer, while the adapter dies."""
    peer.break_down("the adapter ended with status 3")
    return RoutingMode.PREFER_P2P


def clear_away() -> None:
    """Take away what was left behind on purpose."""
    while LEFT:
        left = LEFT.pop()
        left.cancel() if isinstance(left, asyncio.Task) else left.close()


class Honest(FakeDriver):
    pass


class Acting(FakeDriver):
    """Does wrong what `FAKE_CALL` names, in the ways that `FAKE_ACT` names, one after the other."""

    def __init__(self) -> None:
        acts = cycle([globals()[name] for name in os.environ["FAKE_ACT"].split()])

        async def act(*arguments: object) -> Any:
            return await next(acts)(*arguments)

        super().__init__(**{os.environ["FAKE_CALL"]: act})
