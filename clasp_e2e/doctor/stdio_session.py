"""One process of an examined adapter, and a connection to it that tolerates violations of the protocol."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

import clasp_e2e
from clasp_e2e.drivers.stdio import shapes
from clasp_e2e.drivers.stdio.connection import Connection
from clasp_e2e.drivers.stdio.jsonrpc import Response
from clasp_e2e.drivers.stdio.lease import CALL_DEADLINE
from clasp_e2e.drivers.stdio.pool import OPEN_DEADLINE
from clasp_e2e.drivers.stdio.process import AdapterProcess
from clasp_e2e.drivers.stdio.watchdog import Watchdog

T = TypeVar("T")

Request = tuple[str, Mapping[str, object]]
"""A method and its params."""


class StdioSession:
    """A process of the adapter, which `start` starts. `patience` scales all deadlines."""

    def __init__(
        self, command: Sequence[str], watchdog: Watchdog, *, patience: float, catalogue: str
    ) -> None:
        self.patience = patience
        self.violations: list[str] = []
        """The violations since the list was last cleared, each once."""
        self.watchdog = watchdog
        make = partial(AdapterProcess, command, watchdog=self.watchdog, patience=patience)
        self.connection = Connection(make, on_violation=self._note_violation)
        self.process = cast("AdapterProcess", self.connection.process)
        harness = {"name": "clasp-e2e", "version": clasp_e2e.__version__}
        self.initialize: Request = (
            "initialize",
            {"protocol": shapes.PROTOCOL, "harness": harness, "spec": catalogue},
        )

    async def start(self) -> None:
        """Start the process and initialize it. Raises `DriverFault`."""
        await self.process.start()
        await self.call(self.initialize, shapes.description, within=OPEN_DEADLINE)

    async def call(self, request: Request, decode: Callable[[Any], T], within: float = CALL_DEADLINE) -> T:
        """Return the decoded result of a request. Raises as `Connection.call` does."""
        return await self.connection.call(*request, decode, deadline=within * self.patience)

    async def answer(self, request: Request, within: float = CALL_DEADLINE) -> Response:
        """Return the answer to a request, also an error. Raises `DriverFault` if there is none."""
        [answer] = self.connection.send([request])
        return await self.awaited(request[0], answer, within)

    def awaited(
        self, method: str, answer: asyncio.Future[Response], within: float = CALL_DEADLINE
    ) -> Awaitable[Response]:
        """Return the answer to `method`, which is due in `within` seconds."""
        return self.connection.answer(method, answer, deadline=within * self.patience)

    def opening(self, peer: str, url: str) -> Request:
        """Return the request that opens the peer `peer` at the router at `url`."""
        self.connection.ignore(peer)
        return "peer.open", {"peer": peer, "url": url, "name": "clasp-e2e doctor", "p2p": {"ice_servers": []}}

    async def close(self) -> None:
        """Kill the process and its process group."""
        await self.connection.kill()

    def _note_violation(self, how: str) -> None:
        if how not in self.violations:
            self.violations.append(how)
