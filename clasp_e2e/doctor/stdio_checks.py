"""The checks that apply only to adapters over stdio: lines, the order of calls, the end of the process."""

import asyncio
from collections.abc import Awaitable, Callable

from clasp_e2e.doctor.check_results import (
    CannotStart,
    CheckFailed,
    CheckOutcome,
    CheckResults,
    CheckSkipped,
    introduction,
)
from clasp_e2e.doctor.exit_checks import (
    check_exit_with_nothing_left,
    check_nothing_left_behind,
    check_shutdown,
)
from clasp_e2e.doctor.probe_servers import ProbeServers
from clasp_e2e.doctor.stdio_session import Request, StdioSession
from clasp_e2e.drivers.interface import Description, DriverFault
from clasp_e2e.drivers.stdio import shapes
from clasp_e2e.drivers.stdio.advice import advice_for
from clasp_e2e.drivers.stdio.connection import AdapterFault
from clasp_e2e.drivers.stdio.jsonrpc import (
    MAX_LINE,
    METHOD_NOT_FOUND,
    REFUSED,
    ErrorResponse,
    Response,
    ResultResponse,
    request,
)
from clasp_e2e.drivers.stdio.pool import OPEN_DEADLINE
from clasp_e2e.drivers.stdio.watchdog import STEP, Watchdog

PROBE = "doctor.probe"
"""A method that no adapter has. It must be answered with an error, which needs no implementation."""
SLOW_START = 3.0
"""Seconds to the first answer above which a remark is added."""
MANY = 2000
"""Number of requests whose answers together exceed what a pipe holds (64 KiB)."""
PADDING = {"padding": "x" * 2000}
"""Makes these requests exceed what an adapter and its pipe can hold before the first answer."""
ORDERED = 20
"""Number of pairs of calls whose order is checked."""
GET_MODE, SET_MODE = "peer.p2p_routing_mode", "peer.set_p2p_routing_mode"


StdioCheck = Callable[[StdioSession], Awaitable[str]]
"""A check of one process, which returns its result in words."""


class StdioChecks:
    """The checks of one adapter program, in several successive processes.

    `description` is set by the first process.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        results: CheckResults,
        *,
        patience: float,
        catalogue: str,
    ) -> None:
        self.description: Description | None = None
        self._opens = False
        self._command = command
        self._results = results
        self._servers: ProbeServers
        self._watchdog = Watchdog(patience)
        self._patience = patience
        self._catalogue = catalogue

    @property
    def is_stub(self) -> bool:
        """Whether no implementation is behind the adapter."""
        return self.description is not None and self.description.implementation.stub

    async def run(self) -> None:
        """Perform all checks; those of further processes only if the first process has no fault."""
        try:
            async with ProbeServers.open() as self._servers:
                await self._in_first_process()
                if self._opens and not self.is_stub:
                    await self._in_new_process(("refusal", self._check_refusal))
                reading = (
                    [("reading during a call", self._check_reading_during_a_call)] if self._opens else []
                )
                await self._in_new_process(*reading, ("closed input", check_exit_with_nothing_left))
        finally:
            await self._watchdog.aclose()

    async def _in_first_process(self) -> None:
        """Check one process from start to end."""
        session = self._session()
        try:
            if not await self._run("start", session, self._check_start):
                return
            await self._run("unknown method", session, check_unknown_method)
            if not self._results.faults:  # Large requests would only repeat the fault.
                await self._run("longest line", session, check_longest_line)
                await self._run("unread output", session, check_unread_output)
            if self.description is not None and "peer" in self.description.roles:
                self._opens = await self._run("peer.open", session, self._check_open)
            if self._opens:
                await self._run("order of calls", session, check_order)
            await self._run("shutdown", session, check_shutdown)
            await self._run("nothing left behind", session, check_nothing_left_behind)
        finally:
            await session.close()

    def _session(self) -> StdioSession:
        return StdioSession(self._command, self._watchdog, patience=self._patience, catalogue=self._catalogue)

    async def _run(self, name: str, session: StdioSession, check: StdioCheck) -> bool:
        """Perform a check, and add the violations of the protocol that occurred during it."""
        succeeded = await self._results.run(name, lambda: check(session))
        for violation in session.violations:
            if self._results.known_fault(violation) is None:
                stderr = session.process.stderr()
                self._results.add(name, CheckOutcome.FAULT, violation, advice_for(violation), stderr)
        session.violations.clear()
        return succeeded

    async def _in_new_process(self, *checks: tuple[str, StdioCheck]) -> None:
        """Perform `checks` in one new process, until one finds a fault."""
        session = self._session()

        async def start_and(check: StdioCheck) -> str:
            await session.start()
            return await check(session)

        try:
            for number, (name, check) in enumerate(checks):
                if not self._results.faults:
                    await self._run(
                        name, session, check if number else lambda _, check=check: start_and(check)
                    )
        finally:
            await session.close()

    async def _check_start(self, session: StdioSession) -> str:
        now = asyncio.get_running_loop().time
        began = now()
        within = OPEN_DEADLINE * session.patience
        try:
            await session.process.start()
        except DriverFault as fault:
            raise CannotStart(str(fault)) from fault
        try:
            [answer] = session.connection.send([session.initialize])
            if not (await asyncio.wait([answer], timeout=within))[0]:
                raise await _unanswered(session, answer, within)
            self.description, is_shared = await session.connection.result(
                "initialize", answer, shapes.description, deadline=within
            )
        except AdapterFault as fault:
            if session.connection.fault is None:
                raise
            reason = f"no answer to initialize: {fault.reason}"
            raise CannotStart(str(AdapterFault(fault.adapter, reason, stderr=fault.stderr))) from fault
        took = now() - began
        if took > SLOW_START * session.patience:
            text = f"its first answer took {took:.1f} s; a run starts one process per peer"
            self._results.add("start", CheckOutcome.REMARK, text)
        return (
            f"{'a stub, ' if self.is_stub else ''}{introduction(self.description)},"
            f" {'all peers in one process' if is_shared else 'one process per peer'}"
        )

    async def _check_open(self, session: StdioSession) -> str:
        opening = session.opening("doctor-1", self._servers.router)
        return f"session {await session.call(opening, shapes.session_id, OPEN_DEADLINE)}"

    async def _check_reading_during_a_call(self, session: StdioSession) -> str:
        [opening] = session.connection.send([session.opening("doctor-2", self._servers.silent)])
        [probe] = session.connection.send([(PROBE, {})])
        done, _ = await asyncio.wait([probe], timeout=5.0 * session.patience)
        if opening.done():
            raise CheckSkipped("no call blocks: peer.open returned although the server had not answered")
        if not done:
            raise CheckFailed(
                "no other request was answered while peer.open waited for a server that does not answer",
                "Do not wait for a call where requests are read: run it in its own task or thread.",
                stderr=session.process.stderr(),
            )
        _require_not_offered(probe.result())
        return "requests are answered while a call is in progress"

    async def _check_refusal(self, session: StdioSession) -> str:
        opening = session.opening("doctor-3", self._servers.closing)
        try:
            answer = await session.answer(opening, OPEN_DEADLINE)
        except AdapterFault as fault:
            if not session.connection.is_over:
                raise
            raise CheckFailed(
                f"peer.open at a server that closes the connection ended the adapter: {fault.reason}",
                "Answer an error of the implementation with code 1000 and its message, and keep running.",
                stderr=fault.stderr,
            ) from fault
        if isinstance(answer, ResultResponse):
            raise CheckFailed(
                f"peer.open returned {answer.value!r} although the server closed the connection before the"
                " handshake",
                "Wait until the implementation is connected, and answer its error with code 1000.",
            )
        if answer.code != REFUSED:
            raise CheckFailed(
                f"an error of the implementation was answered with code {answer.code}: {answer.message}",
                "Use code 1000 and the implementation's message; any other code is a fault of the adapter.",
                stderr=session.process.stderr(),
            )
        return f"code 1000, {answer.message!r}"


async def _unanswered(session: StdioSession, answer: asyncio.Future[Response], within: float) -> CheckFailed:
    """Return why `initialize` was not answered: an answer that was not flushed arrives at the exit."""
    session.process.close_input()
    await session.process.exits(STEP * session.patience)
    await asyncio.wait([answer], timeout=STEP * session.patience)
    if answer.done() and answer.exception() is None:
        return CheckFailed(
            "the answer to initialize arrived only when the process ended: it was not flushed",
            "Flush standard output after each line: unlike a terminal, a pipe is buffered.",
        )
    return CheckFailed(
        f"no answer to initialize within {within:g} s, nor after its input was closed",
        "Read standard input line by line as lines arrive; answer each request with one line on standard"
        " output that has the request's id, and flush it.",
        stderr=session.process.stderr(),
    )


async def check_unknown_method(session: StdioSession) -> str:
    """Check that an unknown method is answered with error -32601."""
    _require_not_offered(await session.answer((PROBE, {})))
    return "answered with error -32601"


async def check_longest_line(session: StdioSession) -> str:
    """Check that a line of the maximum length is read."""
    room = MAX_LINE - len(request(10**6, PROBE, {"padding": ""}))
    _require_not_offered(await session.answer((PROBE, {"padding": "x" * room}), 2 * OPEN_DEADLINE))
    return "a line of 1 MiB was read"


async def check_unread_output(session: StdioSession) -> str:
    """Check that the adapter reads its input even while its output is not read."""
    session.process.hold_output(True)
    try:
        answers = session.connection.send([(PROBE, PADDING)] * MANY)
        reads_on = await session.process.takes_all(5.0 * session.patience)
    finally:
        session.process.hold_output(False)
    for answer in answers:
        _require_not_offered(await session.awaited(PROBE, answer, OPEN_DEADLINE))
    if not reads_on:
        raise CheckFailed(
            "it stopped reading its standard input while its standard output was not read",
            "Write from a separate thread or task that is fed by a queue, so that reading never waits.",
        )
    return "it reads its input while its output is not read"


async def check_order(session: StdioSession) -> str:
    """Check that calls on one peer start in the order of their requests."""
    peer = {"peer": "doctor-1"}
    await session.answer((SET_MODE, {**peer, "mode": "server_only"}))
    read = await session.answer((GET_MODE, peer))
    if isinstance(read, ErrorResponse) or read.value != {"mode": "server_only"}:
        raise CheckSkipped(
            "it needs a routing mode that can be set and read: without these, a run is partial"
        )
    modes = [("p2p_only", "server_only", "prefer_p2p")[number % 3] for number in range(ORDERED)]
    requests: list[Request] = []
    for mode in modes:
        requests += [(SET_MODE, {**peer, "mode": mode}), (GET_MODE, peer)]
    answers = session.connection.send(requests)
    for mode, answer in zip(modes, answers[1::2], strict=True):
        await session.awaited(GET_MODE, answer)
        read_mode = await session.connection.result(GET_MODE, answer, shapes.routing_mode, deadline=STEP)
        if read_mode.value != mode:
            raise CheckFailed(
                f"calls on one peer started out of order: after {SET_MODE}({mode}), {GET_MODE} returned"
                f" {read_mode.value}",
                "Start the calls on a peer in the order of their requests: from the code that reads them,"
                " not from concurrent threads. If the order is right, the implementation has not set the"
                " mode when its call returns, or the mode is read from another variable.",
            )
    return f"{2 * ORDERED} calls written at once started one after the other"


def _require_not_offered(answer: Response) -> None:
    if isinstance(answer, ResultResponse) or answer.code != METHOD_NOT_FOUND:
        shown = "a result" if isinstance(answer, ResultResponse) else f"error {answer.code}: {answer.message}"
        raise CheckFailed(
            f"a method that does not exist was answered with {shown}",
            "Answer a method that you do not offer with error -32601.",
        )
