"""The use of an adapter process by one peer or router, with the first fault that concerns it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from clasp_e2e.drivers.interface import DriverFault, FaultSink, NotOffered
from clasp_e2e.drivers.stdio.connection import Connection
from clasp_e2e.drivers.stdio.pool import AdapterPool

T = TypeVar("T")

CALL_DEADLINE = 5.0


class Lease:
    """The use of a process from the opening of a peer or router until its end.

    A fault of one call (a wrong result, an error of the adapter) concerns only its lease; a fault of the
    process concerns all its leases.
    """

    def __init__(self, pool: AdapterPool, connection: Connection, patience: float) -> None:
        self.connection = connection
        self.patience = patience
        self.fault: DriverFault | None = None
        self._pool = pool
        self._sinks: list[FaultSink] = []
        self._given_back = False
        connection.on_fault(self._record)

    def on_fault(self, sink: FaultSink) -> None:
        """Have `sink` called with the first fault: immediately if there is one, otherwise when it occurs."""
        if self.fault is not None:
            sink(self.fault)
        else:
            self._sinks.append(sink)

    async def call(
        self,
        method: str,
        params: Mapping[str, object],
        decode: Callable[[Any], T],
        deadline: float | None = None,
    ) -> T:
        """Send a request as `Connection.call` does; by default within `CALL_DEADLINE`."""
        if deadline is None:
            deadline = CALL_DEADLINE * self.patience
        try:
            return await self.connection.call(method, params, decode, deadline=deadline)
        except DriverFault as fault:
            self._record(fault)
            raise

    @property
    def fault_text(self) -> str | None:
        """The message of the first fault, with the adapter's last lines on standard error."""
        return None if self.fault is None else str(self.fault)

    @property
    def is_shared(self) -> bool:
        """Whether the process has other leases."""
        return self.connection.leases > 1

    @property
    def outlives_the_peer(self) -> bool:
        """Whether the process keeps running after `give_back`, for other or later leases."""
        return self.is_shared or self._pool.keeps(self.connection)

    async def give_back(self, *, spent: bool = False) -> None:
        """Return the process to the pool, which ends it if it is unused. A second call does nothing.

        `spent` is whether resources of this lease remain in the process, so that it gets no new ones.
        """
        if not self._given_back:
            self._end()
            self.connection.spent |= spent
            await self._pool.give_back(self.connection)

    async def kill(self) -> None:
        """Kill the process, unless it was given back.

        Raises `NotOffered` if it is shared, or if the harness did not start it.
        """
        if self._given_back:
            return
        if not self.connection.process.is_ours:
            raise NotOffered("kill: the adapter was attached, so the harness cannot kill its process")
        if self.is_shared:
            raise NotOffered(
                "kill: the adapter's process has other peers;"
                " open a peer that is to be killed with open_killable_peer"
            )
        self._end()
        await self._pool.kill(self.connection)

    def _end(self) -> None:
        # A shared process outlives its leases, and would keep all that refers to them.
        self._given_back = True
        self.connection.remove_fault_sink(self._record)
        self._sinks.clear()

    def _record(self, fault: DriverFault) -> None:
        if self.fault is None and not self._given_back:
            self.fault = fault
            sinks, self._sinks = self._sinks, []
            for sink in sinks:
                sink(fault)
