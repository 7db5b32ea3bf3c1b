"""What the steps of an examination have in common: the driver, its peers, and what is around them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from clasp_e2e.doctor.findings import Findings, Wrong
from clasp_e2e.doctor.surroundings import News, Surroundings
from clasp_e2e.drivers.interface import Description, Driver, DriverFault, NotOffered, Peer
from clasp_e2e.model import P2PConfig, P2PEvent

T = TypeVar("T")

CALL = 5.0
"""Seconds for a call or an event that needs no connecting."""
CONNECT = 10.0
"""Seconds for two peers on one machine to connect."""
NAME = "clasp-e2e doctor"


class Told(list[P2PEvent]):
    """The events of one peer."""

    def __init__(self) -> None:
        super().__init__()
        self.news = News()

    def __call__(self, event: P2PEvent) -> None:
        """Take an event."""
        self.append(event)
        self.news.tell()


@dataclass(slots=True)
class Bench:
    """One driver under examination. `stub`: nothing stands behind it, and what is sent comes back."""

    driver: Driver
    description: Description
    findings: Findings
    around: Surroundings
    patience: float
    stub: bool
    open: list[Peer] = field(default_factory=list[Peer])

    async def step(self, name: str, doing: Callable[[], Awaitable[str]]) -> bool:
        """Do one step; return whether all was well."""
        return await self.findings.step(name, doing)

    async def attach(self, p2p: P2PConfig | None, told: Told, token: str | None = None) -> Peer:
        """Open a peer at the watched router."""
        opening = self.driver.open_peer(url=self.around.url, name=NAME, p2p=p2p, on_event=told, token=token)
        peer = await self.call("peer.open", opening, 3 * CALL)
        self.open.append(peer)
        return peer

    async def end(self, peer: Peer) -> None:
        """End a peer."""
        self.open.remove(peer)
        await peer.end()

    async def call(self, name: str, call: Awaitable[T], within: float = CALL) -> T:
        """Await a call. Raises `Wrong` if it takes more than so many seconds."""
        if self.driver.keeps_deadlines:
            return await call
        try:
            async with asyncio.timeout(within * self.patience):
                return await call
        except TimeoutError:
            raise Wrong(f"no answer to {name} within {within * self.patience:g} s") from None

    async def end_all(self) -> None:
        """End every peer that is left."""
        for peer in list(self.open):
            with suppress(DriverFault, NotOffered):
                await self.end(peer)

    async def arrives(
        self, told: Told, peer: Peer, happened: Callable[[], object], within: float = CALL
    ) -> bool:
        """Whether `peer` tells it in time. Raises `Wrong` if it does so only with the next request."""
        if await told.news.until(happened, within * self.patience):
            return True
        await self.call("p2p_routing_mode", peer.p2p_routing_mode())
        if await told.news.until(happened, 0.5 * self.patience):
            raise Wrong(
                "an event came only when the next request was made",
                "Send events at once, from wherever the implementation raises them, and flush each.",
            )
        return False
