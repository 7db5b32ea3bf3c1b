"""The implementations that take part in a run or a matrix, each started once."""

import asyncio

from clasp_e2e.drivers.interface import Description, Driver, DriverFault, NotOffered, Refused
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.calls import call_driver, initialize_driver
from clasp_e2e.testbed.expectations import Blocked
from clasp_e2e.testbed.router_source import RouterSource, start_router
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.waiting import Patience


class Implementations:
    """The initialized drivers, their descriptions, and the shared routers of one run or of a whole matrix.

    Each is started on first use; `close` ends them. `attack_router` allows attacks on a router that the
    harness did not start.
    """

    def __init__(self, patience: Patience, *, attack_router: bool = False) -> None:
        self._patience = patience
        self._attack_router = attack_router
        self._starting = asyncio.Lock()
        self._drivers: dict[int, Driver] = {}
        self._described: dict[int, Description] = {}
        self._routers: dict[int, RouterSource] = {}

    async def describe(self, who: str, driver: Driver) -> Description:
        """Initialize `driver` on the first call, and return its description.

        `who` names the driver in a `DriverFault`.
        """
        async with self._starting:
            if id(driver) not in self._described:
                self._described[id(driver)] = await self._initialize(who, driver)
            return self._described[id(driver)]

    async def routers_of(self, driver: Driver) -> RouterSource:
        """Return the source of the routers of `driver`, which must be initialized.

        Each scenario has its own router if that is cheap. Otherwise all share one, which is started now.
        Raises `DriverFault`.
        """
        if driver.router_per_scenario:
            return RouterSource(driver, None)
        async with self._starting:
            if id(driver) not in self._routers:
                self._routers[id(driver)] = await self._start_router(driver)
            return self._routers[id(driver)]

    async def close(self) -> None:
        """Close all routers and drivers; raise `DriverFault` for those that do not close."""
        routers = [source.running for source in self._routers.values() if source.running is not None]
        endings = [("router.close", router.close) for router in routers]
        endings += [("aclose", driver.aclose) for driver in self._drivers.values()]
        self._drivers, self._described, self._routers = {}, {}, {}
        errors: list[str] = []
        for what, end in endings:
            try:
                await call_driver(
                    "at the end of the run", what, end(), self._patience.cleanup + self._patience.call
                )
            except (DriverFault, Refused, NotOffered) as error:
                errors.append(str(error))
        if errors:
            raise DriverFault("; ".join(errors))

    async def _initialize(self, who: str, driver: Driver) -> Description:
        self._drivers[id(driver)] = driver
        return await initialize_driver(who, driver, self._limit)

    async def _start_router(self, driver: Driver) -> RouterSource:
        running = await start_router(driver, self._limit)
        routers = RouterSource(driver, running, may_be_attacked=self._attack_router)
        self._routers[id(driver)] = routers  # So that it is closed even if the next step fails.
        if running.is_ours:  # The scenarios judge whether it welcomes clients.
            return routers
        try:
            client = await SignalingClient.open(running.url, "clasp-e2e", Timeline(), self._patience)
        except Blocked as error:
            raise DriverFault(
                f"{error.reason}. Start the router, or pass the address at which it listens:"
                " --router ws://host:port"
            ) from error
        await client.close()
        return routers

    @property
    def _limit(self) -> float:
        # Drivers over stdio have their own, shorter deadline, whose message has more detail.
        return self._patience.open + self._patience.call
