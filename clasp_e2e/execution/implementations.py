"""The implementations that take part, each started once, whoever has a use for it."""

import asyncio

from clasp_e2e.drivers.interface import Description, Driver, DriverFault, NotOffered, Refused
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.calls import call_driver, initialize_driver
from clasp_e2e.testbed.expectations import Blocked
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.testbed import RouterSource, start_router
from clasp_e2e.testbed.waiting import Patience


class Implementations:
    """What the drivers said of themselves, and the routers that run: of one run, or of a whole matrix.

    Nothing is asked or started before somebody needs it; all of it ends with `close`. `attack_router`
    allows attacks on a router that runs already, and is somebody's.
    """

    def __init__(self, patience: Patience, *, attack_router: bool = False) -> None:
        self._patience = patience
        self._attack_router = attack_router
        self._starting = asyncio.Lock()
        self._drivers: dict[int, Driver] = {}
        self._described: dict[int, Description] = {}
        self._routers: dict[int, RouterSource] = {}

    async def describe(self, who: str, driver: Driver) -> Description:
        """Initialize `driver`, if nobody has yet, and return what it says; `who` is its name in a fault.

        Raises `DriverFault`.
        """
        async with self._starting:
            if id(driver) not in self._described:
                self._described[id(driver)] = await self._initialize(who, driver)
            return self._described[id(driver)]

    async def routers_of(self, driver: Driver) -> RouterSource:
        """Return where the routers of `driver`, which is initialized, come from.

        One for each scenario, where that is cheap; otherwise one that runs for all, and is started
        now if it does not run. Raises `DriverFault`, with what to do.
        """
        if driver.router_per_scenario:
            return RouterSource(driver, None)
        async with self._starting:
            if id(driver) not in self._routers:
                self._routers[id(driver)] = await self._start_router(driver)
            return self._routers[id(driver)]

    async def close(self) -> None:
        """Give everything back that was started; raises `DriverFault` for what did not end."""
        routers = [source.running for source in self._routers.values() if source.running is not None]
        endings = [("router.close", router.close) for router in routers]
        endings += [("aclose", driver.aclose) for driver in self._drivers.values()]
        self._drivers, self._described, self._routers = {}, {}, {}
        complaints: list[str] = []
        for what, end in endings:
            try:
                await call_driver(
                    "at the end of the run", what, end(), self._patience.cleanup + self._patience.call
                )
            except (DriverFault, Refused, NotOffered) as error:
                complaints.append(str(error))
        if complaints:
            raise DriverFault("; ".join(complaints))

    async def _initialize(self, who: str, driver: Driver) -> Description:
        self._drivers[id(driver)] = driver
        return await initialize_driver(who, driver, self._limit)

    async def _start_router(self, driver: Driver) -> RouterSource:
        running = await start_router(driver, self._limit)
        routers = RouterSource(driver, running, may_be_attacked=self._attack_router)
        self._routers[id(driver)] = routers  # To be closed, whatever the visit finds.
        try:
            visitor = await SignalingClient.open(running.url, "clasp-e2e", Timeline(), self._patience)
        except Blocked as error:
            raise DriverFault(
                f"{error.reason}. Start the router, or give the address at which it listens:"
                " --router ws://host:port"
            ) from error
        await visitor.close()
        return routers

    @property
    def _limit(self) -> float:
        # The drivers over stdio have their own deadline, whose message tells more: it comes first.
        return self._patience.open + self._patience.call
