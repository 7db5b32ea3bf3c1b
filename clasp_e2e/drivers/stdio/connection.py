"""Calls to one adapter process: requests out, answers and events in, the first fault kept."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from clasp_e2e.drivers.interface import DriverFault, EventSink, FaultSink, NotOffered, Refused
from clasp_e2e.drivers.stdio import shapes
from clasp_e2e.drivers.stdio.advice import advice_for
from clasp_e2e.drivers.stdio.jsonrpc import (
    METHOD_NOT_FOUND,
    REFUSED,
    BadLine,
    Error,
    Notification,
    Result,
    parse,
    request,
)
from clasp_e2e.drivers.stdio.shapes import WrongShape

T = TypeVar("T")

MAY_BE_MISSING = frozenset(
    {"peer.connect_to_peer", "peer.send_p2p", "peer.set_p2p_routing_mode", "peer.p2p_routing_mode"}
)
"""Methods that no role and no capability promises. All others are asked only after they were declared."""


class Adapter(Protocol):
    """What calls go through: a process that the harness starts, or one that its author attached."""

    @property
    def is_ours(self) -> bool:
        """Whether the harness started it, and so may kill it."""
        ...

    @property
    def pid(self) -> int:
        """Its process, which leads a process group of that number; 0 if that is not ours to know."""
        ...

    async def start(self) -> None:
        """Start it, or wait until it is there. Raises `DriverFault`."""
        ...

    def write(self, line: bytes) -> None:
        """Send `line`, which brings its line end."""
        ...

    def kill_now(self) -> None:
        """Have no more to do with it, without waiting until it is gone."""
        ...

    async def kill(self) -> None:
        """End it without a word, and return when what it held is free."""
        ...

    async def end(self, farewell: bytes) -> None:
        """Send `farewell`, close its input, and return when it is gone."""
        ...

    def stderr(self) -> str:
        """Its last lines on standard error, as far as they come to the harness."""
        ...


class AdapterMaker(Protocol):
    """Makes an adapter that is not started yet, and that tells its lines and its unasked-for end."""

    def __call__(self, *, on_line: Callable[[bytes], None], on_broken: Callable[[str], None]) -> Adapter:
        """Make it."""
        ...


class Connection:
    """One adapter process, as its callers see it.

    The first break of the protocol is the fault of the whole process: it is killed, the calls in
    progress fail, and so do all later ones.
    """

    def __init__(self, make: AdapterMaker) -> None:
        self.process = make(on_line=self._line, on_broken=self.break_with)
        self.leases = 0
        self.spent = False
        self.fault: DriverFault | None = None
        self._numbers = itertools.count(1)
        self._asked = 0
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._sinks: dict[str, EventSink] = {}
        self._fault_sinks: list[FaultSink] = []
        self._ended = False

    async def call(
        self,
        method: str,
        params: Mapping[str, object],
        decode: Callable[[Any], T],
        *,
        deadline: float,
    ) -> T:
        """Ask, and return the decoded result; the answer is due in `deadline` seconds.

        Raises `Refused` and `NotOffered` as the adapter answers, and `DriverFault` for all else.
        """
        if self.fault is not None:
            raise _again(self.fault)
        if self._ended:
            raise DriverFault(f"{method} was asked of an adapter that the harness had ended")
        loop = asyncio.get_running_loop()
        number = self._asked = next(self._numbers)
        try:
            line = request(number, method, params)
        except ValueError as error:
            raise DriverFault(f"the call cannot be put to the adapter: {error}") from None
        answer: asyncio.Future[Any] = loop.create_future()
        self._pending[number] = answer
        self.process.write(line)
        late = f"no answer to {method} within {deadline:g} s"
        timer = loop.call_later(deadline, self.break_with, late)
        try:
            return decode(self._value(method, await answer))
        except WrongShape as error:
            raise self._fault(f"a wrong result of {method}: {error}") from None
        finally:
            timer.cancel()

    def listen(self, handle: str, sink: EventSink) -> None:
        """Have `sink` called with the events of the peer `handle`."""
        self._sinks[handle] = sink

    def ignore(self, handle: str) -> None:
        """Drop the events of the peer `handle` from now on."""
        self._sinks[handle] = lambda _: None

    def on_fault(self, sink: FaultSink) -> None:
        """Have `sink` called with the first fault: at once if there was one."""
        if self.fault is not None:
            sink(self.fault)
        else:
            self._fault_sinks.append(sink)

    def break_with(self, what: str) -> None:
        """Declare the process faulty: kill it, fail the calls in progress, tell who wants to know."""
        if self.fault is not None or self._ended:
            return
        self.fault = self._fault(what)
        self.process.kill_now()
        self._fail_pending(self.fault)
        sinks, self._fault_sinks = self._fault_sinks, []
        for sink in sinks:
            sink(self.fault)

    @property
    def is_over(self) -> bool:
        """Whether no call can be made any more."""
        return self._ended or self.fault is not None

    async def kill(self) -> None:
        """Kill the process and all that it started."""
        self._end()
        await self.process.kill()

    async def end(self) -> None:
        """End the process in the protocol's orderly way."""
        if self.fault is not None:
            await self.kill()
            return
        self._end()
        await self.process.end(request(next(self._numbers), "shutdown", {}))

    def _end(self) -> None:
        self._ended = True
        self._fail_pending(DriverFault("the harness ended the adapter while the call was in progress"))

    def _fail_pending(self, fault: DriverFault) -> None:
        pending, self._pending = self._pending, {}
        for answer in pending.values():
            if not answer.done():
                answer.set_exception(_again(fault))

    def _fault(self, what: str) -> DriverFault:
        message = f"the adapter `{self.process}` failed: {what}"
        return DriverFault(message, advice=advice_for(what), stderr=self.process.stderr())

    def _value(self, method: str, answer: Result | Error) -> Any:
        if isinstance(answer, Result):
            return answer.value
        if answer.code == REFUSED:
            raise Refused(answer.message)
        if answer.code == METHOD_NOT_FOUND and method in MAY_BE_MISSING:
            raise NotOffered(method)
        if answer.code == METHOD_NOT_FOUND:
            raise self._fault(f"it does not offer {method}, though it said that it does: {answer.message}")
        raise self._fault(f"{method} was answered with error {answer.code}: {answer.message}")

    def _line(self, line: bytes) -> None:
        if self._ended:
            return
        try:
            message = parse(line)
            if isinstance(message, Notification):
                self._notified(message)
            else:
                self._answered(message)
        except BadLine as error:
            self.break_with(str(error))
        except WrongShape as error:
            self.break_with(f"a wrong peer.event: {error}")
        except Exception as error:
            self.break_with(f"not the adapter, but the harness: it could not take an event: {error!r}")

    def _answered(self, answer: Result | Error) -> None:
        if answer.id is None:
            raise BadLine(f"an answer that names no request: {answer}")
        if answer.id not in self._pending:
            if 1 <= answer.id <= self._asked:
                raise BadLine(f"a second answer to request {answer.id}")
            raise BadLine(f"an answer to request {answer.id}, which was never made")
        waiting = self._pending.pop(answer.id)
        if not waiting.done():
            waiting.set_result(answer)

    def _notified(self, message: Notification) -> None:
        if message.method != "peer.event":
            raise BadLine(f"an unknown notification {message.method!r}; the protocol knows peer.event")
        handle, event = shapes.peer_event(message.params)
        sink = self._sinks.get(handle)
        if sink is None:
            raise WrongShape(f"it concerns an unknown peer {handle!r}")
        sink(event)


def _again(fault: DriverFault) -> DriverFault:
    """The same fault as a new exception: each raise adds to an exception's traceback."""
    return DriverFault(fault.args[0], advice=fault.advice, stderr=fault.stderr)
