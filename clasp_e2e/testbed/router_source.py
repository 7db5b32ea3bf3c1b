"""The routers of a run: one that its scenarios share, or a new one for each."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from clasp_e2e.drivers.interface import Driver, DriverFault, NotOffered, Refused, Router
from clasp_e2e.testbed.calls import call_driver
from clasp_e2e.testbed.expectations import LeftOut


@dataclass(slots=True)
class RouterSource:
    """The source of routers for scenarios: one shared router, or a driver that starts one for each."""

    driver: Driver
    running: Router | None
    """The shared router; None if each scenario has its own."""
    may_be_attacked: bool = False
    """Whether the user allows attacks on a router that the harness did not start."""
    _replaced: list[Router] = field(default_factory=list[Router], repr=False)
    _replacing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def open(self, limit: float, *, to_attack: bool = False, own: bool = False) -> Router:
        """Return the router for a scenario. Raises `DriverFault` if it does not start within `limit` seconds.

        With `to_attack` or `own`, the router is not shared with other scenarios. A router that the harness
        did not start is attacked only if the user allowed it; otherwise the scenario is skipped (`LeftOut`).
        A shared router that has failed is replaced for the scenarios that follow.
        """
        if self.running is None or ((to_attack or own) and self.running.is_ours):
            return await start_router(self.driver, limit)
        if to_attack and not self.may_be_attacked:
            raise LeftOut(
                f"the harness does not attack the router at {self.running.url}, which it did not start;"
                " pass --attack-router to allow it"
            )
        async with self._replacing:
            if self.running.fault is not None:
                broken, self.running = self.running, await start_router(self.driver, limit)
                self._replaced.append(broken)
                with suppress(DriverFault, Refused, NotOffered):  # Its fault is already known.
                    await call_driver("the router", "router.close", broken.close(), limit)
            return self.running

    async def release(self, router: Router) -> None:
        """Close a router that was started for one scenario."""
        if router is not self.running and router not in self._replaced:
            await router.close()


async def start_router(driver: Driver, limit: float) -> Router:
    """Return a new router of `driver`. Raises `DriverFault` if it does not start within `limit` seconds."""
    try:
        return await call_driver(
            "the router", "router.open", driver.open_router(host="127.0.0.1", port=0), limit
        )
    except (Refused, NotOffered) as error:
        raise DriverFault(f"the router could not be started: {error}") from error
