"""What the variants of routers have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar, Unpack

from clasp_e2e import wire
from clasp_e2e.scripted.mutant import AnyScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.variant import Variant, VariantOptions, variant

OF_ROUTERS = (
    "CON-1", "CON-2", "RTR-1", "RTR-2", "RTR-3", "RTR-4", "RTR-5", "RTR-8", "RTR-9", "RTR-10", "RTR-13",
    "RTR-14",
)  # fmt: skip
"""What is judged of a router in less than a second."""

OF_PAIRS = ("CON-3", "CON-4", "CON-5", "CON-6", "EVT-1", "SND-3")
"""What two sound peers over a router must meet."""


def router_variant(
    open_point: OpenPoint, difference: str, *touches: str, **options: Unpack[VariantOptions]
) -> Callable[[AnyScript], Variant]:
    """Make a legal variant of a router; without `touches`, all quick checks of routers and of pairs."""
    options["is_router"] = True
    return variant(open_point, difference, *(touches or (*OF_ROUTERS, *OF_PAIRS)), **options)


class LateSession(FrontSession):
    """A client that gets everything `delay` seconds late, in order."""

    delay: ClassVar[float]

    async def run(self) -> None:
        self.due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        clock = asyncio.create_task(self._deliver_when_due())
        try:
            await super().run()
        finally:
            clock.cancel()
            await asyncio.gather(clock, return_exceptions=True)

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        del message
        self.due.put_nowait((asyncio.get_running_loop().time() + self.delay, frame))

    async def deliver(self, frames: list[bytes]) -> None:
        """Deliver the frames that became due together."""
        for frame in frames:
            await self.to_client(frame)

    async def _deliver_when_due(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            when, frame = await self.due.get()
            await asyncio.sleep(when - now())
            frames = [frame]
            while not self.due.empty() and self.due._queue[0][0] <= now():  # pyright: ignore
                frames.append(self.due.get_nowait()[1])
            await self.deliver(frames)
