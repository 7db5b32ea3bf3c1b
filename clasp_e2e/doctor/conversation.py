"""Talking to an adapter line by line, as patiently as the harness does not: it goes on after a fault."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Mapping, Sequence

import clasp_e2e
from clasp_e2e.doctor.findings import Wrong
from clasp_e2e.drivers.stdio import shapes
from clasp_e2e.drivers.stdio.jsonrpc import BadLine, Error, Notification, Result, parse, request
from clasp_e2e.drivers.stdio.process import AdapterProcess
from clasp_e2e.drivers.stdio.shapes import WrongShape
from clasp_e2e.drivers.stdio.watchdog import Watchdog

Answer = Result | Error

CALL = 5.0
"""Seconds for an answer that needs no network."""


class Ended(Wrong):
    """The process is over, or speaks no more."""


class Conversation:
    """One adapter process, and all that was said.

    What breaks the protocol is kept in `problems`, to be blamed on the step in which it came; a line
    that cannot be understood may have been the answer that is awaited, so the awaiting ends.
    """

    def __init__(self, command: Sequence[str], *, watchdog: Watchdog, patience: float) -> None:
        self.process = AdapterProcess(
            command, on_line=self._line, on_broken=self._broken, watchdog=watchdog, patience=patience
        )
        self.patience = patience
        self.problems: list[str] = []
        self.answers = 0
        """How many came, late ones and wrong ones included."""
        self._silent = asyncio.Event()
        self._numbers = itertools.count(1)
        self._asked = 0
        self._pending: dict[int, asyncio.Future[Answer]] = {}
        self._given_up: set[int] = set()
        self._handles: set[str] = set()
        self._over: Ended | None = None

    def line(self, method: str, params: Mapping[str, object]) -> tuple[bytes, asyncio.Future[Answer]]:
        """The line of a request that is yet to be written, and what will be its answer."""
        number = self._asked = next(self._numbers)
        if method == "peer.open":
            self._handles.add(str(params["peer"]))
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self._over is not None:
            _fail(future, self._over)
        else:
            self._pending[number] = future
        return request(number, method, params), future

    def ask(self, method: str, params: Mapping[str, object]) -> asyncio.Future[Answer]:
        """Write a request."""
        line, future = self.line(method, params)
        self.process.write(line)
        return future

    async def answer(self, method: str, params: Mapping[str, object], within: float = CALL) -> Answer:
        """Ask and await the answer. Raises `Wrong` if there is none `within` seconds."""
        return await self.awaited(method, self.ask(method, params), within)

    async def awaited(self, method: str, future: asyncio.Future[Answer], within: float = CALL) -> Answer:
        """The answer to `method` that `future` is to bring. Raises `Wrong` as `answer` does."""
        within *= self.patience
        done, _ = await asyncio.wait([future], timeout=within)
        if not done:
            raise Wrong(f"no answer to {method} within {within:g} s", stderr=self.process.stderr())
        return future.result()

    async def initialize(self, within: float, catalogue: str) -> Answer:
        """Ask who it is."""
        harness = {"name": "clasp-e2e", "version": clasp_e2e.__version__}
        params = {"protocol": shapes.PROTOCOL, "harness": harness, "spec": catalogue}
        return await self.answer("initialize", params, within)

    async def falls_silent(self, within: float) -> bool:
        """Whether all that it will ever say is said, by `within` seconds from now."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._silent.wait()
        return self._silent.is_set()

    async def kill(self) -> None:
        """End it, whatever it does."""
        for future in self._pending.values():
            future.cancel()
        await self.process.kill()

    def _line(self, line: bytes) -> None:
        try:
            message = parse(line)
        except BadLine as error:
            self._problem(str(error), noise="not JSON" in str(error))
            return
        if isinstance(message, Notification):
            self._notified(message)
            return
        self.answers += 1
        if message.id is None:
            self._problem(f"an answer that names no request: {message}")
        elif message.id in self._pending:
            future = self._pending.pop(message.id)
            if not future.done():
                future.set_result(message)
        elif message.id in self._given_up:
            self._given_up.remove(message.id)
        elif 1 <= message.id <= self._asked:
            self._problem(f"a second answer to request {message.id}", noise=True)
        else:
            self._problem(f"an answer to request {message.id}, which was never made")

    def _notified(self, message: Notification) -> None:
        if message.method != "peer.event":
            self._problem(
                f"an unknown notification {message.method!r}; the protocol knows peer.event", noise=True
            )
            return
        try:
            handle, _ = shapes.peer_event(message.params)
        except WrongShape as error:
            self._problem(f"a wrong peer.event: {error}", noise=True)
            return
        if handle not in self._handles:
            self._problem(f"a wrong peer.event: it concerns an unknown peer {handle!r}", noise=True)

    def _problem(self, text: str, *, noise: bool = False) -> None:
        if text not in self.problems:
            self.problems.append(text)
        if not noise:
            self._fail(Wrong(text))

    def _broken(self, how: str) -> None:
        self._silent.set()
        self._over = Ended(how, stderr=self.process.stderr())
        self._fail(self._over)

    def _fail(self, wrong: Wrong) -> None:
        for future in self._pending.values():
            if not future.done():
                _fail(future, wrong)
        self._given_up |= set(self._pending)
        self._pending.clear()


def _fail(future: asyncio.Future[Answer], wrong: Wrong) -> None:
    """Fail an awaiting: with an exception of its own, since each raise adds to an exception's traceback."""
    future.set_exception(type(wrong)(str(wrong), wrong.advice, stderr=wrong.stderr))
    future.exception()  # Not everyone is awaited.
