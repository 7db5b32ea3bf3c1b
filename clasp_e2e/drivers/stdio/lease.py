"""An adapter process held for one peer or router, with the first fault that concerns it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from clasp_e2e.drivers.interface import DriverFault, FaultSink, NotOffered
from clasp_e2e.drivers.stdio.connection import Connection
from clasp_e2e.drivers.stdio.pool import AdapterPool

T = TypeVar("T")

CALL_DEADLINE = 5.0


class Lease:
    """A process held from the opening of a peer or router until its end.

    A fault of one call (a wrong result, an error of the adapter's own) concerns its holder only;
    a fault of the process concerns all who hold it.
    """

    def __init__(self, pool: AdapterPool, connection: Connection, patience: float) -> None:
        self.connection = connection
        self.patience = patience
        self.fault: DriverFault | None = None
        self._pool = pool
        self._sinks: list[FaultSink] = []
        self._given_back = False
        connection.on_fault(self._note)

    def on_fault(self, sink: FaultSink) -> None:
        """Have `sink` called with the first fault: at once if there was one."""
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
        """Ask, as `Connection.call` does, within the usual deadline if no other is given."""
        if deadline is None:
            deadline = CALL_DEADLINE * self.patience
        try:
            return await self.connection.call(method, params, decode, deadline=deadline)
        except DriverFault as fault:
            self._note(fault)
            raise

    @property
    def fault_text(self) -> str | None:
        """The first fault in words, the adapter's last lines included."""
        return None if self.fault is None else str(self.fault)

    @property
    def is_shared(self) -> bool:
        """Whether others hold the process too."""
        return self.connection.leases > 1

    @property
    def process_goes_on(self) -> bool:
        """Whether the process stays when this is given back: for its other holders, or for the next one."""
        return self.is_shared or self._pool.keeps(self.connection)

    async def give_back(self, *, spent: bool = False) -> None:
        """Give the process back, to be ended if nobody needs it; the second time does nothing.

        `spent` says that something of the holder is left in it, so that it should not serve for ever.
        """
        if not self._given_back:
            self._given_back = True
            self.connection.spent |= spent
            await self._pool.give_back(self.connection)

    async def kill(self) -> None:
        """Kill the process; if it is given back already, nothing.

        Raises `NotOffered` if it is shared, or is not the harness's own.
        """
        if self._given_back:
            return
        if not self.connection.process.is_ours:
            raise NotOffered("kill: the adapter was attached, so that its process is not the harness's")
        if self.is_shared:
            raise NotOffered(
                "kill: the adapter's peers share one process, and another one lives in it;"
                " open what is to be killed by open_killable_peer"
            )
        self._given_back = True
        await self._pool.kill(self.connection)

    def _note(self, fault: DriverFault) -> None:
        # What the harness ends itself is no fault.
        if self.fault is None and not self._given_back:
            self.fault = fault
            sinks, self._sinks = self._sinks, []
            for sink in sinks:
                sink(fault)
