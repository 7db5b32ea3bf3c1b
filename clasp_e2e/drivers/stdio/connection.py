"""The JSON-RPC connection to one adapter process, which sends requests and receives answers and events."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from clasp_e2e.drivers.interface import DriverFault, EventSink, FaultSink, NotOffered, Refused, TimedLine
from clasp_e2e.drivers.stdio import shapes
from clasp_e2e.drivers.stdio.advice import advice_for
from clasp_e2e.drivers.stdio.jsonrpc import (
    METHOD_NOT_FOUND,
    REFUSED,
    BadLine,
    Notification,
    Response,
    ResultResponse,
    parse,
    request,
)
from clasp_e2e.drivers.stdio.shapes import WrongShape
from clasp_e2e.lab import LabHost

T = TypeVar("T")

MAY_BE_MISSING = frozenset(
    {"peer.connect_to_peer", "peer.send_p2p", "peer.set_p2p_routing_mode", "peer.p2p_routing_mode"}
)
"""Methods that belong to no capability. All others are called only if they were declared."""


class Adapter(Protocol):
    """The transport of a connection: a process that the harness starts, or one that its author attached."""

    @property
    def is_ours(self) -> bool:
        """Whether the harness started it, and so may kill it."""
        ...

    @property
    def pid(self) -> int:
        """The id of its process, which leads a process group; 0 if it was attached."""
        ...

    @property
    def host(self) -> LabHost | None:
        """The host on which it runs, in the lab."""
        ...

    async def start(self) -> None:
        """Start it, or wait until it is attached. Raises `DriverFault`."""
        ...

    def write(self, line: bytes) -> None:
        """Send `line`, which includes its line end."""
        ...

    def kill_now(self) -> None:
        """End it without waiting until it has ended."""
        ...

    async def kill(self) -> None:
        """End it without a shutdown request; return when it has ended."""
        ...

    async def end(self, farewell: bytes) -> None:
        """Send `farewell`, close its input, and return when it has ended."""
        ...

    def stderr(self) -> str:
        """Return its last lines on standard error, as far as the harness has them."""
        ...

    def stderr_lines(self) -> list[TimedLine]:
        """Return these lines with the time at which each arrived."""
        ...


class AdapterMaker(Protocol):
    """Makes an adapter that is not started yet, and that reports its lines and its unexpected end."""

    def __call__(self, *, on_line: Callable[[bytes], None], on_broken: Callable[[str], None]) -> Adapter:
        """Make it."""
        ...


class AdapterFault(DriverFault):
    """A fault of the adapter `adapter`; `reason` is the message without the adapter's name."""

    def __init__(self, adapter: str, reason: str, *, stderr: str = "") -> None:
        super().__init__(
            f"the adapter `{adapter}` failed: {reason}", advice=advice_for(reason), stderr=stderr
        )
        self.adapter = adapter
        self.reason = reason

    def copy(self) -> AdapterFault:
        """Return an equal exception: each raise adds to the traceback of an exception."""
        return AdapterFault(self.adapter, self.reason, stderr=self.stderr)


class Connection:
    """The connection to one adapter process.

    By default, the first violation of the protocol is a fault of the whole process: the process is
    killed, and the calls in progress and all later ones fail. With `on_violation` the connection
    tolerates violations: it calls `on_violation` with a description of each, fails only the calls that
    the bad line may have been meant to answer, and continues until the process ends.
    """

    def __init__(self, make: AdapterMaker, *, on_violation: Callable[[str], None] | None = None) -> None:
        self.process = make(on_line=self._line, on_broken=self.break_with)
        self.leases = 0
        self.spent = False
        self.fault: AdapterFault | None = None
        self._on_violation = on_violation
        self._numbers = itertools.count(1)
        self._last_number = 0
        self._pending: dict[int, asyncio.Future[Response]] = {}
        self._given_up: set[int] = set()
        """Requests that have failed already, whose answers may still come."""
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
        """Send a request and return its decoded result, as `result` does."""
        [answer] = self.send([(method, params)])
        return await self.result(method, answer, decode, deadline=deadline)

    def send(self, requests: Sequence[tuple[str, Mapping[str, object]]]) -> list[asyncio.Future[Response]]:
        """Write `requests`, each a method and its params, at once; return the futures of their answers.

        Raises `DriverFault` if the connection is over, or a request is too long.
        """
        if self.fault is not None:
            raise self.fault.copy()
        if self._ended:
            raise DriverFault(f"{requests[0][0]} was called after the harness had ended the adapter")
        lines: list[bytes] = []
        answers: list[asyncio.Future[Response]] = []
        for method, params in requests:
            self._last_number = next(self._numbers)
            try:
                lines.append(request(self._last_number, method, params))
            except ValueError as error:
                raise DriverFault(f"the request cannot be sent to the adapter: {error}") from None
            answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
            self._pending[self._last_number] = answer
            answers.append(answer)
        self.process.write(b"".join(lines))
        return answers

    async def answer(self, method: str, answer: asyncio.Future[Response], *, deadline: float) -> Response:
        """Return the answer to `method`, which is due in `deadline` seconds. Raises `DriverFault`."""
        if answer.done():
            return answer.result()
        late = f"no answer to {method} within {deadline:g} s"
        timer = asyncio.get_running_loop().call_later(deadline, self._expire, answer, late)
        try:
            return await answer
        finally:
            timer.cancel()

    async def result(
        self, method: str, answer: asyncio.Future[Response], decode: Callable[[Any], T], *, deadline: float
    ) -> T:
        """Return the decoded result of `method`; its answer is due in `deadline` seconds.

        Raises `Refused` and `NotOffered` as the adapter answers, and `DriverFault` for any other error.
        """
        value = self._value(method, await self.answer(method, answer, deadline=deadline))
        try:
            return decode(value)
        except WrongShape as error:
            raise self._fault(f"a wrong result of {method}: {error}") from None

    def listen(self, handle: str, sink: EventSink) -> None:
        """Have `sink` called with the events of the peer `handle`."""
        self._sinks[handle] = sink

    def ignore(self, handle: str) -> None:
        """Drop the events of the peer `handle` from now on."""
        self._sinks[handle] = lambda _: None

    def on_fault(self, sink: FaultSink) -> None:
        """Have `sink` called with the first fault: immediately if there is one, otherwise when it occurs."""
        if self.fault is not None:
            sink(self.fault)
        else:
            self._fault_sinks.append(sink)

    def remove_fault_sink(self, sink: FaultSink) -> None:
        """Have `sink` called no longer; nothing happens if it was called, or never given."""
        with suppress(ValueError):
            self._fault_sinks.remove(sink)

    def break_with(self, reason: str) -> None:
        """Declare the process faulty: kill it, fail the calls in progress, notify the fault sinks."""
        if self.is_over:
            return
        self.fault = self._fault(reason)
        if self._on_violation is None:
            self.process.kill_now()
        self._fail_pending(self.fault.copy)
        sinks, self._fault_sinks = self._fault_sinks, []
        for sink in sinks:
            sink(self.fault)

    @property
    def is_over(self) -> bool:
        """Whether no call can be made any more."""
        return self._ended or self.fault is not None

    async def kill(self) -> None:
        """Kill the process and all processes that it started."""
        self._end()
        await self.process.kill()

    async def end(self) -> None:
        """End the process with a shutdown request."""
        if self.fault is not None:
            await self.kill()
            return
        self._end()
        await self.process.end(request(next(self._numbers), "shutdown", {}))

    def _end(self) -> None:
        self._ended = True
        self._fail_pending(
            lambda: DriverFault("the harness ended the adapter while the call was in progress")
        )

    def _expire(self, answer: asyncio.Future[Response], late: str) -> None:
        if self._on_violation is None:
            self.break_with(late)
        elif not answer.done():
            _fail(answer, self._fault(late))

    def _fail_pending(self, make_fault: Callable[[], DriverFault]) -> None:
        pending, self._pending = self._pending, {}
        self._given_up.update(pending)
        for answer in pending.values():
            if not answer.done():
                _fail(answer, make_fault())

    def _fault(self, reason: str) -> AdapterFault:
        return AdapterFault(str(self.process), reason, stderr=self.process.stderr())

    def _value(self, method: str, answer: Response) -> Any:
        if isinstance(answer, ResultResponse):
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
            self._violated(str(error), may_be_answer=error.may_be_answer)
        except WrongShape as error:
            self._violated(f"a wrong peer.event: {error}", may_be_answer=False)
        except Exception as error:
            self.break_with(f"not the adapter, but the harness: it could not take an event: {error!r}")

    def _violated(self, how: str, *, may_be_answer: bool) -> None:
        if self._on_violation is None:
            self.break_with(how)
            return
        self._on_violation(how)
        if may_be_answer:
            self._fail_pending(lambda: self._fault(how))

    def _answered(self, answer: Response) -> None:
        if answer.id is None:
            raise BadLine(f"an answer that names no request: {answer}")
        if answer.id in self._given_up:
            self._given_up.remove(answer.id)
            return
        if answer.id not in self._pending:
            if 1 <= answer.id <= self._last_number:
                raise BadLine(f"a second answer to request {answer.id}", may_be_answer=False)
            raise BadLine(f"an answer to request {answer.id}, which was never made")
        waiting = self._pending.pop(answer.id)
        if not waiting.done():
            waiting.set_result(answer)

    def _notified(self, message: Notification) -> None:
        if message.method != "peer.event":
            text = f"an unknown notification {message.method!r}; the protocol knows peer.event"
            raise BadLine(text, may_be_answer=False)
        handle, event = shapes.peer_event(message.params)
        sink = self._sinks.get(handle)
        if sink is None:
            raise WrongShape(f"it concerns an unknown peer {handle!r}")
        sink(event)


def _fail(answer: asyncio.Future[Response], fault: DriverFault) -> None:
    answer.set_exception(fault)
    answer.exception()  # Marks it as retrieved: some callers have stopped waiting.
