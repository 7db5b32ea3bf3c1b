"""The steps that only an adapter over stdio can be put through: its lines, its order, its end."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from clasp_e2e.doctor.conversation import Answer, Conversation, Ended
from clasp_e2e.doctor.findings import (
    CannotStart,
    Findings,
    LeftOut,
    Outcome,
    Wrong,
    introduction,
)
from clasp_e2e.doctor.surroundings import Surroundings
from clasp_e2e.drivers.interface import Description, DriverFault, Refused
from clasp_e2e.drivers.stdio import orphans, shapes
from clasp_e2e.drivers.stdio.advice import advice_for
from clasp_e2e.drivers.stdio.jsonrpc import MAX_LINE, METHOD_NOT_FOUND, REFUSED, Error, Result
from clasp_e2e.drivers.stdio.pool import OPEN_DEADLINE
from clasp_e2e.drivers.stdio.shapes import WrongShape
from clasp_e2e.drivers.stdio.watchdog import STEP, Watchdog

PROBE = "doctor.probe"
"""A method that no adapter has. That it has none must be answered, and needs no implementation."""
SLOW_START = 3.0
MANY = 3000
"""Requests whose answers together are more than a pipe holds (64 KiB)."""
PADDING = {"padding": "x" * 1000}
"""Makes as many requests more than an adapter can have read, with its pipe, before its first answer."""
ORDERED = 20


class AdapterExamination:
    """One adapter program, in one process after the other. `stub` and `description` come with the first."""

    def __init__(
        self,
        command: tuple[str, ...],
        findings: Findings,
        surroundings: Surroundings,
        *,
        patience: float,
        catalogue: str,
    ) -> None:
        self.description: Description | None = None
        self.stub = False
        self._opens = False
        self._command = command
        self._findings = findings
        self._surroundings = surroundings
        self._patience = patience
        self._catalogue = catalogue

    async def first(self) -> bool:
        """The first process, from start to end; return whether it makes sense to go on."""
        watchdog = Watchdog(self._patience)
        talk = Conversation(self._command, watchdog=watchdog, patience=self._patience)
        try:
            if not await self._step("start", talk, lambda: self._start(talk)):
                return False
            await self._step("unknown method", talk, lambda: self._unknown_method(talk))
            await self._step("longest line", talk, lambda: self._longest_line(talk))
            await self._step("lines at once", talk, lambda: self._lines_at_once(talk))
            await self._step("unread output", talk, lambda: self._unread_output(talk))
            if self._is_peer:
                self._opens = await self._step("peer.open", talk, lambda: self._open(talk))
            if self._opens:
                await self._step("order of calls", talk, lambda: self._order(talk))
            await self._step("shutdown", talk, lambda: self._shutdown(talk))
            await self._step("nothing left behind", talk, lambda: self._left_behind(talk, watchdog))
        finally:
            await talk.kill()
            await watchdog.aclose()
        return True

    async def others(self) -> None:
        """Processes that end, or hang, in other ways."""
        if self._opens:
            await self._in_another("reading during a call", self._reads_during_a_call)
            if not self.stub:
                await self._in_another("refusal", self._refusal)
        await self._in_another("closed input", self._closed_input)

    @property
    def _is_peer(self) -> bool:
        return self.description is not None and "peer" in self.description.roles

    async def _step(self, name: str, talk: Conversation, doing: Callable[[], Awaitable[str]]) -> bool:
        """One step, and whatever the adapter said in it that it should not have said."""
        fine = await self._findings.step(name, doing)
        for problem in talk.problems:
            if self._findings.known(problem) is None:
                stderr = talk.process.stderr()
                self._findings.add(name, Outcome.WRONG, problem, advice_for(problem), stderr)
        talk.problems.clear()
        return fine

    async def _in_another(self, name: str, doing: Callable[[Conversation, Watchdog], Awaitable[str]]) -> None:
        """One step with a process of its own."""
        watchdog = Watchdog(self._patience)
        talk = Conversation(self._command, watchdog=watchdog, patience=self._patience)

        async def begin_and_do() -> str:
            await talk.process.start()
            await talk.initialize(OPEN_DEADLINE, self._catalogue)
            return await doing(talk, watchdog)

        try:
            await self._step(name, talk, begin_and_do)
        finally:
            await talk.kill()
            await watchdog.aclose()

    async def _start(self, talk: Conversation) -> str:
        now = asyncio.get_running_loop().time
        began = now()
        try:
            await talk.process.start()
        except DriverFault as fault:
            raise CannotStart(str(fault)) from fault
        try:
            answer = await talk.initialize(OPEN_DEADLINE, self._catalogue)
        except Ended as end:
            raise CannotStart(
                f"the adapter `{shlex.join(self._command)}` did not come as far as its first answer: {end}"
                f"\n→ {end.advice}"
                + (f"\nIts last lines on standard error:\n{end.stderr}" if end.stderr else "")
            ) from end
        except Wrong as wrong:
            if not str(wrong).startswith("no answer"):
                raise
            raise await self._silent(talk, wrong) from wrong
        took = now() - began
        result = _result("initialize", answer)
        try:
            self.description, shared = shapes.description(result)
        except WrongShape as error:
            raise Wrong(f"a wrong result of initialize: {error}") from error
        self.stub = self.description.implementation.stub
        if took > SLOW_START * self._patience:
            self._findings.add(
                "start",
                Outcome.REMARK,
                f"it took {took:.1f} s to its first answer; a run starts a process for each peer",
            )
        return (
            f"{'a stub, ' if self.stub else ''}{introduction(self.description)},"
            f" {'all peers in one process' if shared else 'a process for each peer'}"
        )

    async def _silent(self, talk: Conversation, wrong: Wrong) -> Wrong:
        """Why there was no answer: what was written and not flushed comes when the process ends."""
        answers = talk.answers
        talk.process.close_input()
        await talk.process.exits(STEP * self._patience)
        await talk.falls_silent(STEP * self._patience)
        if talk.answers > answers:
            return Wrong(
                "the answer to initialize came only when the process ended: it was not flushed",
                "Flush standard output after each line; a pipe is buffered where a terminal is not.",
            )
        return Wrong(
            f"{wrong}, nor when its input was closed",
            "Read standard input line by line, as lines come; answer each request by one line on standard"
            " output that bears its id, and flush.",
            stderr=wrong.stderr,
        )

    async def _unknown_method(self, talk: Conversation) -> str:
        _not_offered(await talk.answer(PROBE, {}))
        return "answered with -32601"

    async def _longest_line(self, talk: Conversation) -> str:
        room = MAX_LINE - len(talk.line(PROBE, {"padding": ""})[0])
        # Requests have numbers of some digits more later on.
        _not_offered(await talk.answer(PROBE, {"padding": "x" * (room - 8)}, within=2 * OPEN_DEADLINE))
        return "1 MiB was read"

    async def _lines_at_once(self, talk: Conversation) -> str:
        requests = [talk.line(PROBE, {}) for _ in range(10)]
        talk.process.write(b"".join(line for line, _ in requests))
        for _, future in requests:
            _not_offered(await talk.awaited(PROBE, future))
        return f"{len(requests)} lines in one write were taken apart"

    async def _unread_output(self, talk: Conversation) -> str:
        talk.process.hold_output(True)
        requests = [talk.line(PROBE, PADDING) for _ in range(MANY)]
        try:
            talk.process.write(b"".join(line for line, _ in requests))
            reads_on = await talk.process.takes_all(5.0 * self._patience)
        finally:
            talk.process.hold_output(False)
        for _, future in requests:
            _not_offered(await talk.awaited(PROBE, future, within=OPEN_DEADLINE))
        if not reads_on:
            raise Wrong(
                "while its standard output was not read, it did not read its standard input either",
                "Write from a thread or task of its own, fed by a queue, so that reading never waits for it.",
            )
        return "it goes on reading while nobody reads it"

    async def _open(self, talk: Conversation) -> str:
        params = self._opening("doctor-1", self._surroundings.url)
        result = _result("peer.open", await talk.answer("peer.open", params, OPEN_DEADLINE))
        try:
            return f"session {shapes.session_id(result)}"
        except WrongShape as error:
            raise Wrong(f"a wrong result of peer.open: {error}") from error

    async def _order(self, talk: Conversation) -> str:
        params = {"peer": "doctor-1", "mode": "server_only"}
        await talk.answer("peer.set_p2p_routing_mode", params)
        read = await talk.answer("peer.p2p_routing_mode", {"peer": "doctor-1"})
        if isinstance(read, Error) or read.value != {"mode": "server_only"}:
            raise LeftOut("it takes a mode that is read as it was set: see below")
        modes = [("p2p_only", "server_only", "prefer_p2p")[number % 3] for number in range(ORDERED)]
        written: list[bytes] = []
        reads: list[asyncio.Future[Answer]] = []
        for mode in modes:
            line, done = talk.line("peer.set_p2p_routing_mode", {"peer": "doctor-1", "mode": mode})
            done.add_done_callback(lambda future: future.cancelled() or future.exception())
            read, future = talk.line("peer.p2p_routing_mode", {"peer": "doctor-1"})
            written += [line, read]
            reads.append(future)
        talk.process.write(b"".join(written))
        seen: list[str] = []
        for future in reads:
            answer = await talk.awaited("peer.p2p_routing_mode", future)
            try:
                seen.append(shapes.routing_mode(_result("peer.p2p_routing_mode", answer)).value)
            except WrongShape as error:
                raise Wrong(f"a wrong result of peer.p2p_routing_mode: {error}") from error
        wrong = next(
            (number for number, pair in enumerate(zip(modes, seen, strict=True)) if len({*pair}) > 1), None
        )
        if wrong is not None:
            raise Wrong(
                f"calls on one peer started out of order: after peer.set_p2p_routing_mode({modes[wrong]}),"
                f" peer.p2p_routing_mode told {seen[wrong]}",
                "Start the calls on a peer in the order in which they came: hand them to the peer from the"
                " place that reads, not from threads that race. If the order is right, the mode is not set"
                " by the time that the implementation's call returns, or read from elsewhere.",
            )
        return f"{2 * ORDERED} calls written at once were started one after the other"

    async def _shutdown(self, talk: Conversation) -> str:
        late: Wrong | None = None
        try:
            _result("shutdown", await talk.answer("shutdown", {}))
        except Ended as end:
            raise Wrong(
                f"shutdown was not answered: {end}",
                "Answer shutdown, flush, and only then leave.",
                stderr=end.stderr,
            ) from end
        except Wrong as wrong:
            late = wrong
        talk.process.close_input()
        await _leaves(talk, self._patience)
        if late is not None:
            raise late
        return _how_it_left(talk)

    async def _left_behind(self, talk: Conversation, watchdog: Watchdog) -> str:
        if talk.process.status is None:
            raise LeftOut("the adapter itself did not leave")
        return await self._nothing_bears(watchdog, talk.process.pid)

    async def _nothing_bears(self, watchdog: Watchdog, group: int) -> str:
        if sys.platform != "linux":
            raise LeftOut("what processes there are can be seen on Linux only")
        [mark] = ("=".join(entry) for entry in watchdog.mark.items())
        left = orphans.marked(mark)
        # What ends on its own in a moment was not left behind.
        await asyncio.to_thread(orphans.ended, left, 1.0 * self._patience)
        if left := orphans.marked(mark):
            shown = ", ".join(f"`{_command_line(process)}` ({process})" for process in left)
            outside = any(_group(process) != group for process in left)
            raise Wrong(
                f"children left behind: {shown}" + (", out of the process group" if outside else ""),
                "End what you started before you leave."
                + (
                    " Keep children in your process group: the harness ends that group as a whole."
                    if outside
                    else " The harness ends what is left of the process group, but what is there may matter"
                    " to the next peer: a port, a profile."
                ),
            )
        return "no process"

    async def _reads_during_a_call(self, talk: Conversation, watchdog: Watchdog) -> str:
        del watchdog
        opening = talk.ask("peer.open", self._opening("doctor-2", self._surroundings.silent_url))
        probe = talk.ask(PROBE, {})
        done, _ = await asyncio.wait([probe], timeout=5.0 * self._patience)
        if opening.done():
            raise LeftOut("no call of it waits: peer.open returned, though the server had said nothing")
        if not done:
            raise Wrong(
                "while peer.open waited for a server that says nothing, no other request was answered",
                "Do not wait for a call where you read: give it a task or thread of its own.",
                stderr=talk.process.stderr(),
            )
        _not_offered(probe.result())
        return "requests are answered while a call is in progress"

    async def _refusal(self, talk: Conversation, watchdog: Watchdog) -> str:
        del watchdog
        params = self._opening("doctor-3", self._surroundings.closing_url)
        try:
            answer = await talk.answer("peer.open", params, OPEN_DEADLINE)
        except Ended as end:
            raise Wrong(
                f"peer.open at a server that hangs up ended the adapter: {end}",
                "Answer what the implementation refuses with error 1000 and its own words, and live on.",
                stderr=end.stderr,
            ) from end
        if isinstance(answer, Result):
            raise Wrong(
                f"peer.open returned {answer.value!r}, though the server hung up before the handshake",
                "Await the implementation's own connecting, and pass on its error with code 1000.",
            )
        if answer.code != REFUSED:
            raise Wrong(
                f"a refusal of the implementation has code {answer.code}: {answer.message}",
                "Give it code 1000 and the implementation's own words; others say that the adapter failed.",
                stderr=talk.process.stderr(),
            )
        return f"code 1000, {answer.message!r}"

    async def _closed_input(self, talk: Conversation, watchdog: Watchdog) -> str:
        if self._opens:
            params = self._opening("doctor-4", self._surroundings.url)
            await talk.answer("peer.open", params, OPEN_DEADLINE)
        talk.process.close_input()
        await _leaves(talk, self._patience)
        await self._nothing_bears(watchdog, talk.process.pid)
        return _how_it_left(talk)

    def _opening(self, handle: str, url: str) -> dict[str, object]:
        return {"peer": handle, "url": url, "name": "clasp-e2e doctor", "p2p": {"ice_servers": []}}


async def _leaves(talk: Conversation, patience: float) -> None:
    if not await talk.process.exits(STEP * patience):
        raise Wrong(
            f"it still runs {STEP * patience:g} s after its input was closed",
            "Leave when standard input ends, whatever is in progress: the harness may be gone.",
            stderr=talk.process.stderr(),
        )


def _how_it_left(talk: Conversation) -> str:
    status = talk.process.status
    return "it left" if status == 0 else f"it left, with status {status}"


def _result(method: str, answer: Answer) -> Any:
    if isinstance(answer, Error) and answer.code == REFUSED:
        raise Refused(answer.message)
    if isinstance(answer, Error):
        raise Wrong(f"{method} was answered with error {answer.code}: {answer.message}")
    return answer.value


def _not_offered(answer: Answer) -> None:
    if isinstance(answer, Result) or answer.code != METHOD_NOT_FOUND:
        said = "a result" if isinstance(answer, Result) else f"error {answer.code}: {answer.message}"
        raise Wrong(
            f"a method that there is not was answered with {said}",
            "Answer a method that you do not offer with error -32601.",
        )


def _command_line(process: int) -> str:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    return b" ".join(words).decode("utf-8", "replace").strip()[:80]


def _group(process: int) -> int:
    try:
        return os.getpgid(process)
    except OSError:
        return 0
