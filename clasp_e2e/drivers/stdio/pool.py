"""A pool of the adapter processes of one driver."""

import asyncio
import os
from collections import deque
from collections.abc import Coroutine, Sequence
from contextvars import Context
from functools import partial
from typing import Any

import clasp_e2e
from clasp_e2e.drivers.interface import Description
from clasp_e2e.drivers.stdio import shapes
from clasp_e2e.drivers.stdio.attached import AttachedAdapter, AttachPoint
from clasp_e2e.drivers.stdio.connection import AdapterMaker, Connection
from clasp_e2e.drivers.stdio.process import AdapterProcess
from clasp_e2e.drivers.stdio.start_cost import (
    StartCost,
    available_memory,
    measure,
    ready_at_most,
    starts_at_once,
)
from clasp_e2e.drivers.stdio.watchdog import Watchdog

OPEN_DEADLINE = 15.0
BUSY_START_DEADLINE = 60.0
"""Seconds for a start during a run, in which others start, too: a browser takes long then."""


class AdapterPool:
    """A pool of adapter processes, some of which are started in advance.

    The number of unused processes is that of the processes taken within the duration of a start, plus
    one; or the number given to `expect`, if greater. If the adapter's peers share a process, `take`
    returns the shared one unless `alone` is set. With `point` the pool starts no processes: it waits there
    for each process when it is needed.
    """

    def __init__(
        self, command: Sequence[str], *, catalogue: str, patience: float, point: AttachPoint | None = None
    ) -> None:
        self._watchdog = Watchdog(patience)
        self._make: AdapterMaker
        if point is None:
            self._make = partial(AdapterProcess, command, watchdog=self._watchdog, patience=patience)
        else:
            self._make = partial(AttachedAdapter, command, point)
        self._starts_ahead = point is None
        self._catalogue = catalogue
        self._patience = patience
        self._cost: StartCost | None = None
        self._starting = asyncio.Semaphore(1)  # Until the first start is measured.
        self._ready: deque[asyncio.Task[Connection]] = deque()
        self._common: asyncio.Task[Connection] | None = None
        self._expected = 0
        self._takes: deque[float] = deque()
        self._connections: set[Connection] = set()
        self._description: Description | None = None
        self._shared = False

    async def describe(self) -> Description:
        """Start the first process and return its description. Raises `DriverFault`."""
        if self._description is None:
            self._ready.append(self._launching())
            await asyncio.shield(self._ready[0])
        if self._description is None:
            raise RuntimeError("an adapter was launched without its description")
        return self._description

    async def take(self, *, alone: bool = False) -> Connection:
        """Return a process for a peer; with `alone`, an unshared one. Raises `DriverFault`."""
        if self._shared and not alone:
            if self._common is None or not _serves(self._common):
                self._common = self._next()
            connection = await asyncio.shield(self._common)
        else:
            task = self._next()
            self._takes.append(asyncio.get_running_loop().time())
            self._start_ahead()
            connection = await task
        connection.leases += 1
        return connection

    def expect(self, count: int) -> None:
        """Start processes in advance for `count` peers that will be opened soon."""
        if self._description is not None and not self._shared:
            self._expected = count
            self._start_ahead()

    async def give_back(self, connection: Connection) -> None:
        """Release a process; end it if it has no other lease, unless it is the shared one."""
        connection.leases -= 1
        if connection.leases == 0 and not self.keeps(connection):
            await connection.end()
            self._connections.discard(connection)

    async def kill(self, connection: Connection) -> None:
        """Kill a process."""
        connection.leases -= 1
        await connection.kill()
        self._connections.discard(connection)

    async def aclose(self) -> None:
        """End all processes in parallel, those that are initialized with a shutdown request."""
        self._starts_ahead = False
        tasks = [*self._ready, *([self._common] if self._common else [])]
        self._ready.clear()
        self._common = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # Marks it as retrieved.
        connections, self._connections = self._connections, set()
        await asyncio.gather(*(connection.end() for connection in connections))
        await self._watchdog.aclose()

    def keeps(self, connection: Connection) -> bool:
        """Return whether `connection` is the shared one and can serve more peers."""
        common = self._common
        return common is not None and common.done() and _serves(common) and common.result() is connection

    def _next(self) -> asyncio.Task[Connection]:
        """Return the oldest unused process, or start a new one."""
        self._expected = max(0, self._expected - 1)
        return self._ready.popleft() if self._ready else self._launching()

    def _start_ahead(self) -> None:
        if not self._starts_ahead:
            return
        since = asyncio.get_running_loop().time() - (self._cost.duration if self._cost else 0.0)
        while self._takes and self._takes[0] < since:
            self._takes.popleft()
        wanted = max(self._expected, len(self._takes) + 1)
        wanted = min(wanted, ready_at_most(self._cost, available_memory()))
        while len(self._ready) < wanted:
            self._ready.append(self._launching())

    def _launching(self) -> asyncio.Task[Connection]:
        # A process outlives the scenario that requested it, so it must not inherit the scenario's context.
        launch: Coroutine[Any, Any, Connection] = self._launch()
        return asyncio.get_running_loop().create_task(launch, context=Context())

    async def _launch(self) -> Connection:
        async with self._starting:
            connection = Connection(self._make)
            self._connections.add(connection)
            began = asyncio.get_running_loop().time()
            within = OPEN_DEADLINE if self._description is None else BUSY_START_DEADLINE
            try:
                await connection.process.start()
                description, shared = await connection.call(
                    "initialize",
                    {
                        "protocol": shapes.PROTOCOL,
                        "harness": {"name": "clasp-e2e", "version": clasp_e2e.__version__},
                        "spec": self._catalogue,
                    },
                    shapes.description,
                    deadline=within * self._patience,
                )
            except BaseException:
                await connection.kill()
                self._connections.discard(connection)
                raise
            if self._description is None:
                self._description, self._shared = description, shared
                self._cost = measure(connection.process.pid, asyncio.get_running_loop().time() - began)
                for _ in range(starts_at_once(self._cost, os.cpu_count() or 1) - 1):
                    self._starting.release()
        return connection


def _serves(task: asyncio.Task[Connection]) -> bool:
    """Return whether the process that `task` starts or has started can serve another peer."""
    if not task.done():
        return True
    if task.cancelled() or task.exception() is not None:
        return False
    connection = task.result()
    return not connection.is_over and not connection.spent
