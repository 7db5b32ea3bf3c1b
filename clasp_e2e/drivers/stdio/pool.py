"""The adapter processes of one driver: started ahead, handed out, taken back, ended."""

from __future__ import annotations

import asyncio
import os
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
from clasp_e2e.drivers.stdio.watchdog import Watchdog

OPEN_DEADLINE = 15.0


class AdapterPool:
    """Where connections come from.

    Starting an adapter can cost a second of a processor's time: no more start at once than there
    are processors, and one that is ready waits for the next peer. If the adapter's peers share a
    process, the one that is ready serves all. With `point` nothing is started: each process is
    awaited there, one after the other, when it is needed.
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
        self._starting = asyncio.Semaphore(os.cpu_count() or 1)
        self._ready: asyncio.Task[Connection] | None = None
        self._connections: set[Connection] = set()
        self._description: Description | None = None
        self._shared = False

    async def describe(self) -> Description:
        """Who the adapter says it is; starts the first process. Raises `DriverFault`."""
        if self._description is None:
            self._ready = self._launching()
            await asyncio.shield(self._ready)
        if self._description is None:
            raise RuntimeError("an adapter was launched without its description")
        return self._description

    async def take(self, *, alone: bool = False) -> Connection:
        """A process for a peer, or with `alone` one that nobody else gets. Raises `DriverFault`."""
        if self._shared and alone:
            connection = await self._launching()
        elif self._shared:
            if self._ready is None or _is_over(self._ready):
                self._ready = self._launching()
            connection = await asyncio.shield(self._ready)
        else:
            task = self._ready or self._launching()
            self._ready = self._launching() if self._starts_ahead else None
            connection = await task
        connection.leases += 1
        return connection

    async def give_back(self, connection: Connection) -> None:
        """Take a process back from one of its holders: keep it if it serves all, otherwise end it."""
        connection.leases -= 1
        if connection.leases == 0 and (connection.spent or not self.keeps(connection)):
            await connection.end()
            self._connections.discard(connection)

    async def kill(self, connection: Connection) -> None:
        """Kill a process, whoever holds it."""
        connection.leases -= 1
        await connection.kill()
        self._connections.discard(connection)

    async def aclose(self) -> None:
        """End every process, in the protocol's orderly way, all at once."""
        ready, self._ready = self._ready, None
        if ready is not None:
            ready.cancel()
            await asyncio.wait([ready])
            if not ready.cancelled():
                ready.exception()  # It concerns nobody any more.
        connections, self._connections = self._connections, set()
        await asyncio.gather(*(connection.end() for connection in connections))
        await self._watchdog.aclose()

    def keeps(self, connection: Connection) -> bool:
        """Whether `connection` serves all peers, and still can."""
        ready = self._ready
        return ready is not None and not _is_over(ready) and ready.done() and ready.result() is connection

    def _launching(self) -> asyncio.Task[Connection]:
        # A process outlives the scenario that asked for it, so it must not inherit that scenario's context.
        launch: Coroutine[Any, Any, Connection] = self._launch()
        return asyncio.get_running_loop().create_task(launch, context=Context())

    async def _launch(self) -> Connection:
        async with self._starting:
            connection = Connection(self._make)
            self._connections.add(connection)
            try:
                await connection.process.start()
                self._description, self._shared = await connection.call(
                    "initialize",
                    {
                        "protocol": shapes.PROTOCOL,
                        "harness": {"name": "clasp-e2e", "version": clasp_e2e.__version__},
                        "spec": self._catalogue,
                    },
                    shapes.description,
                    deadline=OPEN_DEADLINE * self._patience,
                )
            except BaseException:
                await connection.kill()
                self._connections.discard(connection)
                raise
        return connection


def _is_over(task: asyncio.Task[Connection]) -> bool:
    """Whether what `task` started, or failed to start, serves no more."""
    if not task.done():
        return False
    return task.cancelled() or task.exception() is not None or task.result().is_over
