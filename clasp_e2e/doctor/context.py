"""What the checks of one examination share: the driver, its open peers, and the servers around it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from clasp_e2e.doctor.check_results import Check, CheckFailed, CheckResults
from clasp_e2e.doctor.probe_servers import ProbeServers
from clasp_e2e.drivers.interface import Description, Driver, DriverFault, NotOffered, Peer
from clasp_e2e.notifier import Notifier
from clasp_e2e.p2p_types import P2PConfig, P2PEvent

T = TypeVar("T")

CALL = 5.0
"""Seconds for a call or an event that needs no connection."""
CONNECT = 10.0
"""Seconds for two peers on one machine to connect."""
NAME = "clasp-e2e doctor"


class ReceivedEvents(list[P2PEvent]):
    """The events of one peer, in order; also the sink that receives them."""

    def __init__(self) -> None:
        super().__init__()
        self.changes = Notifier()

    def __call__(self, event: P2PEvent) -> None:
        """Take an event."""
        self.append(event)
        self.changes.notify()


@dataclass(slots=True)
class ExaminationContext:
    """One driver under examination.

    `patience` scales all deadlines. `is_stub`: no implementation is behind the adapter, and it returns
    what is sent.
    """

    driver: Driver
    description: Description
    results: CheckResults
    servers: ProbeServers
    patience: float
    is_stub: bool
    peers: list[Peer] = field(default_factory=list[Peer])

    async def run(self, name: str, check: Check) -> bool:
        """Perform a check; return whether it succeeded."""
        return await self.results.run(name, check)

    async def open_peer(
        self, p2p: P2PConfig | None, events: ReceivedEvents, token: str | None = None
    ) -> Peer:
        """Open a peer at the recording router."""
        opening = self.driver.open_peer(
            url=self.servers.url, name=NAME, p2p=p2p, on_event=events, token=token
        )
        peer = await self.call("peer.open", opening, 3 * CALL)
        self.peers.append(peer)
        return peer

    async def end_peer(self, peer: Peer) -> None:
        """End a peer."""
        self.peers.remove(peer)
        await peer.end()

    async def end_all_peers(self) -> None:
        """End every peer that is still open."""
        for peer in list(self.peers):
            with suppress(DriverFault, NotOffered):
                await self.end_peer(peer)

    async def call(self, name: str, call: Awaitable[T], within: float = CALL) -> T:
        """Await a call of the driver. Raises `CheckFailed` if it takes more than `within` seconds."""
        if self.driver.keeps_deadlines:
            return await call
        try:
            async with asyncio.timeout(within * self.patience):
                return await call
        except TimeoutError:
            raise CheckFailed(f"no answer to {name} within {within * self.patience:g} s") from None

    async def receives(
        self, events: ReceivedEvents, peer: Peer, condition: Callable[[], object], within: float = CALL
    ) -> bool:
        """Return whether the events of `peer` meet `condition` in time.

        Raises `CheckFailed` if they meet it only after another request.
        """
        if await events.changes.holds_within(condition, within * self.patience):
            return True
        await self.call("p2p_routing_mode", peer.p2p_routing_mode())
        if await events.changes.holds_within(condition, 0.5 * self.patience):
            raise CheckFailed(
                "an event arrived only with the answer to the next request",
                "Send each event as soon as the implementation raises it, and flush standard output.",
            )
        return False
