"""An adapter's process: lines in, lines out, its last words, and its certain end.

Source: "Transport" of the driver protocol, version 1. POSIX only: each adapter leads a process
group of its own, so that a browser or whatever else it starts ends with it. Should the harness
itself be killed, the adapter finds its standard input closed, which is its sign to leave; the
watchdog ends the one that does not.
"""

import asyncio
import contextlib
import os
import shlex
import signal
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from clasp_e2e.drivers.interface import DriverFault, NotAvailable
from clasp_e2e.drivers.stdio.jsonrpc import BadLine, cut, excerpt
from clasp_e2e.drivers.stdio.watchdog import STEP, Watchdog

STDERR_LINES = 50
STDERR_LINE_LENGTH = 1000
GRACE = 1.0
"""Seconds for the rest of a crash (exit status, last words) to arrive after its first sign."""

LineSink = Callable[[bytes], None]


class AdapterProcess(asyncio.SubprocessProtocol):
    """A process that speaks in lines.

    `on_line` is called with each line of its standard output, without the line end, at once.
    `on_broken` is called once, with what happened, if no further line can come though the
    process was not asked to end. `watchdog` ends it should the harness be killed.
    """

    is_ours = True

    def __init__(
        self,
        command: Sequence[str],
        *,
        on_line: LineSink,
        on_broken: Callable[[str], None],
        watchdog: Watchdog,
        patience: float,
    ) -> None:
        self.command = tuple(command)
        self.pid = 0
        self._on_line = on_line
        self._on_broken = on_broken
        self._watchdog = watchdog
        self._patience = patience
        self._transport: asyncio.SubprocessTransport | None = None
        self._line = bytearray()
        self._words = bytearray()
        self._last_words: deque[str] = deque(maxlen=STDERR_LINES)
        self._lost: set[int] = set()
        self._taken = asyncio.Event()
        self._taken.set()
        self._exited = asyncio.Event()
        self._finished = asyncio.Event()
        self._ending = False
        self._group_ended = False
        self._verdict: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Start it. Raises `DriverFault`, and `NotAvailable` if there is no such program."""
        await self._watchdog.start()
        loop = asyncio.get_running_loop()
        environment = os.environ | self._watchdog.mark
        try:
            transport, _ = await loop.subprocess_exec(
                lambda: self, *self.command, start_new_session=True, env=environment
            )
        except OSError as error:
            fault = NotAvailable if isinstance(error, FileNotFoundError) else DriverFault
            raise fault(
                f"the adapter `{self}` cannot be started: {error.strerror}: {self.command[0]}; "
                "check the program that is named after `cmd:`"
            ) from error
        self._transport = transport

    def write(self, line: bytes) -> None:
        """Send `line`, which brings its line end. Lines to a process that is gone are lost."""
        if (stdin := self._stdin()) is not None and not stdin.is_closing():
            stdin.write(line)

    def close_input(self) -> None:
        """Close its input, as it would find it if the harness were gone."""
        if (stdin := self._stdin()) is not None:
            stdin.close()

    def hold_output(self, held: bool) -> None:
        """Leave its output unread, or read it again."""
        if self._transport is None or 1 in self._lost:
            return
        pipe = cast("asyncio.ReadTransport", self._transport.get_pipe_transport(1))
        if held:
            pipe.pause_reading()
        else:
            pipe.resume_reading()

    async def takes_all(self, within: float) -> bool:
        """Whether it takes all that was written to it, by `within` seconds from now, and lives on."""
        if (stdin := self._stdin()) is None:
            return False
        stdin.set_write_buffer_limits(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._taken.wait()
        return self._taken.is_set() and 0 not in self._lost

    async def exits(self, within: float) -> bool:
        """Whether it is over by `within` seconds from now."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._exited.wait()
        return self._exited.is_set()

    @property
    def status(self) -> int | None:
        """Its exit status, negative for the signal that ended it; None while it runs."""
        return self._transport.get_returncode() if self._transport is not None else None

    def stderr(self) -> str:
        """Its last lines on standard error."""
        unfinished = [self._shown(self._words)] if self._words else []
        return "\n".join([*self._last_words, *unfinished][-STDERR_LINES:])

    def kill_now(self) -> None:
        """Have the whole group killed, without waiting until it is."""
        self._ending = True
        self._signal(signal.SIGKILL)

    async def kill(self) -> None:
        """Kill the whole group; return when the process is reaped and its pipes are closed."""
        self.kill_now()
        if self._transport is None:
            return
        await self._exited.wait()
        # Children that stayed in the group outlive their leader; one that left it may hold our pipes.
        self._signal(signal.SIGKILL)
        self._group_ended = True
        stdin = self._stdin()
        if stdin is not None and stdin.get_write_buffer_size() > 0:
            stdin.abort()  # Else its closing waits until somebody reads the rest.
        self._transport.close()
        await self._finished.wait()

    async def end(self, farewell: bytes) -> None:
        """Send `farewell` and close its input; then SIGTERM, then SIGKILL; return when it is gone."""
        self._ending = True
        self.write(farewell)
        if (stdin := self._stdin()) is not None:
            stdin.close()
        try:
            if not await self.exits(STEP * self._patience):
                self._signal(signal.SIGTERM)
                await self.exits(STEP * self._patience)
        finally:
            await self.kill()

    def __str__(self) -> str:
        """The command as a user may show it to others: a home directory is `~`."""
        return shlex.join(self.command).replace(f"{Path.home()}{os.sep}", f"~{os.sep}")

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport: output can come before `start` has returned."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Cut output into lines."""
        if fd == 2:
            self._hear(data)
            return
        self._line += data
        if self._ending:
            return
        try:
            for line in cut(self._line):
                self._on_line(line)
                if self._ending:
                    return
        except BadLine as error:
            self._break(str(error))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that the process closed its end."""
        del exc
        self._lost.add(fd)
        if fd == 0:
            self._taken.set()  # Nothing more will be.
        else:
            self._consider()

    def pause_writing(self) -> None:
        """Note that it reads more slowly than it is written to."""
        self._taken.clear()

    def resume_writing(self) -> None:
        """Note that it has read on."""
        self._taken.set()

    def process_exited(self) -> None:
        """Note that the process is over and reaped."""
        self._exited.set()
        self._consider()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the process is over and all pipes are closed."""
        del exc
        if self._transport is not None:
            self._transport.close()
        self._finished.set()

    # Inside.

    def _stdin(self) -> asyncio.WriteTransport | None:
        if self._transport is None:
            return None
        return cast("asyncio.WriteTransport | None", self._transport.get_pipe_transport(0))

    def _hear(self, data: bytes) -> None:
        *lines, rest = (bytes(self._words) + data).split(b"\n")
        self._last_words.extend(self._shown(line) for line in lines)
        self._words = bytearray(rest[:STDERR_LINE_LENGTH])

    @staticmethod
    def _shown(line: bytes | bytearray) -> str:
        return line[:STDERR_LINE_LENGTH].decode("utf-8", "backslashreplace").rstrip("\r")

    def _consider(self) -> None:
        """Tell a process that is gone: at once when all is known of its end, soon when not."""
        if self._ending or (1 not in self._lost and not self._exited.is_set()):
            return
        if self._exited.is_set() and {1, 2} <= self._lost:
            self._tell_end()
        elif self._verdict is None:
            loop = asyncio.get_running_loop()
            self._verdict = loop.call_later(GRACE * self._patience, self._tell_end)

    def _tell_end(self) -> None:
        how = ending(self.status)
        cut = f", in the middle of a line: {excerpt(bytes(self._line), 60)}" if self._line else ""
        self._break(how + cut)

    def _break(self, what: str) -> None:
        if self._verdict is not None:
            self._verdict.cancel()
        if not self._ending:
            self._ending = True
            self._on_broken(what)

    def _signal(self, number: signal.Signals) -> None:
        if self._verdict is not None:
            self._verdict.cancel()
        # Once the group is gone its number may be somebody else's.
        if self.pid and not self._group_ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)


def ending(status: int | None) -> str:
    """An exit status in words; None for a process that runs and speaks no more."""
    if status is None:
        return "it closed its standard output, though it still runs"
    return f"it was ended by signal {-status}" if status < 0 else f"it exited with status {status}"
