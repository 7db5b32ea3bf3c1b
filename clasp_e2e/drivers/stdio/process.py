"""An adapter's process: its input and output lines, its standard error, and its end.

Source: "Transport" of the driver protocol, version 1. POSIX only: each adapter leads a process group,
so that the processes that it starts, such as a browser, end with it. If the harness itself is killed,
the adapter's standard input is closed and the adapter must exit; otherwise the watchdog ends it.
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

from clasp_e2e.certificates import trust_store
from clasp_e2e.drivers.interface import DriverFault, NotAvailable, TimedLine
from clasp_e2e.drivers.stdio.jsonrpc import BadLine, cut, excerpt
from clasp_e2e.drivers.stdio.watchdog import STEP, Watchdog
from clasp_e2e.lab import LabHost, current_internet, is_entered

STDERR_LINES = 50
STDERR_LINE_LENGTH = 1000
GRACE = 1.0
"""Seconds from the first sign of a crash within which the exit status and standard error arrive."""

NETWORK = "CLASP_E2E_NETWORK"
"""The environment variable that is `lab` if the adapter runs on a host of the lab, which has an interface."""

TRUSTED = "SSL_CERT_FILE"
"""The environment variable of the file with trusted authorities, read by OpenSSL, Go and Python."""

LineSink = Callable[[bytes], None]


class AdapterProcess(asyncio.SubprocessProtocol):
    """An adapter's process that the harness starts.

    `on_line` is called with each line of its standard output, without the line end. `on_broken` is called
    once, with a description, if no further line can arrive although the harness did not end the
    process. `watchdog` ends the process if the harness is killed.
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
        self.host: LabHost | None = None
        """The host on which it runs, in the lab."""
        self._on_line = on_line
        self._on_broken = on_broken
        self._watchdog = watchdog
        self._patience = patience
        self._transport: asyncio.SubprocessTransport | None = None
        self._line = bytearray()
        self._stderr_rest = bytearray()
        self._stderr_lines: deque[TimedLine] = deque(maxlen=STDERR_LINES)
        self._closed_pipes: set[int] = set()
        self._input_drained = asyncio.Event()
        self._input_drained.set()
        self._exited = asyncio.Event()
        self._finished = asyncio.Event()
        self._ending = False
        self._group_ended = False
        self._exit_grace_timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Start the process. Raises `DriverFault`, and `NotAvailable` if there is no such program."""
        await self._watchdog.start()
        loop = asyncio.get_running_loop()
        environment = os.environ | self._watchdog.mark | {TRUSTED: str(trust_store())}
        if is_entered():
            self.host = current_internet().open_host()
            environment[NETWORK] = "lab"
        try:
            transport, _ = await loop.subprocess_exec(
                lambda: self,
                *self.command,
                start_new_session=True,
                env=environment,
                preexec_fn=self.host.join if self.host is not None else None,
            )
        except OSError as error:
            self._close_host()
            fault = NotAvailable if isinstance(error, FileNotFoundError) else DriverFault
            raise fault(
                f"the adapter `{self}` cannot be started: {error.strerror}: {self.command[0]}; "
                "check the program after `cmd:`"
            ) from error
        self._transport = transport

    def write(self, line: bytes) -> None:
        """Send `line`, which includes its line end; do nothing if the process has ended."""
        if (stdin := self._stdin()) is not None and not stdin.is_closing():
            stdin.write(line)

    def close_input(self) -> None:
        """Close its standard input, as happens when the harness is killed."""
        if (stdin := self._stdin()) is not None:
            stdin.close()

    def hold_output(self, held: bool) -> None:
        """Stop reading its standard output, or resume."""
        if self._transport is None or 1 in self._closed_pipes:
            return
        pipe = cast("asyncio.ReadTransport", self._transport.get_pipe_transport(1))
        if held:
            pipe.pause_reading()
        else:
            pipe.resume_reading()

    async def takes_all(self, within: float) -> bool:
        """Return whether it reads all its input within `within` seconds, and keeps its input open."""
        if (stdin := self._stdin()) is None:
            return False
        stdin.set_write_buffer_limits(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._input_drained.wait()
        return self._input_drained.is_set() and 0 not in self._closed_pipes

    async def exits(self, within: float) -> bool:
        """Return whether it exits within `within` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._exited.wait()
        return self._exited.is_set()

    @property
    def status(self) -> int | None:
        """Its exit status, negative for the signal that ended it; None while it runs."""
        return self._transport.get_returncode() if self._transport is not None else None

    def stderr(self) -> str:
        """Return its last lines on standard error."""
        return "\n".join(line.text for line in self.stderr_lines())

    def stderr_lines(self) -> list[TimedLine]:
        """Return its last lines on standard error, with the time at which each arrived."""
        now = asyncio.get_running_loop().time()
        unfinished = [TimedLine(now, self._shown(self._stderr_rest))] if self._stderr_rest else []
        return [*self._stderr_lines, *unfinished][-STDERR_LINES:]

    def kill_now(self) -> None:
        """Send SIGKILL to the process group."""
        self._ending = True
        self._signal(signal.SIGKILL)

    async def kill(self) -> None:
        """Kill the process group; return when the process is reaped and its pipes are closed."""
        self.kill_now()
        if self._transport is None:
            return
        await self._exited.wait()
        # Children in the group outlive their leader; one that left it may keep our pipes open.
        self._signal(signal.SIGKILL)
        self._group_ended = True
        stdin = self._stdin()
        if stdin is not None and stdin.get_write_buffer_size() > 0:
            stdin.abort()  # Otherwise closing it waits until the rest is read.
        self._transport.close()
        await self._finished.wait()
        self._close_host()

    def _close_host(self) -> None:
        if self.host is not None:
            self.host.close()

    async def end(self, farewell: bytes) -> None:
        """Send `farewell`, close its input, send SIGTERM, then SIGKILL; return when it has ended."""
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
        """The command, with `~` for the home directory, which should not appear in reports."""
        return shlex.join(self.command).replace(f"{Path.home()}{os.sep}", f"~{os.sep}")

    # Callbacks of asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport: output can arrive before `start` returns."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Split the received data into lines."""
        if fd == 2:
            self._stderr_received(data)
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
        """Record that a pipe is closed."""
        del exc
        self._closed_pipes.add(fd)
        if fd == 0:
            self._input_drained.set()  # Ends the wait in `takes_all`.
        else:
            self._check_end()

    def pause_writing(self) -> None:
        """Record that the process has not read all its input."""
        self._input_drained.clear()

    def resume_writing(self) -> None:
        """Record that the process has read its input."""
        self._input_drained.set()

    def process_exited(self) -> None:
        """Record that the process has ended and is reaped."""
        self._exited.set()
        self._check_end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Record that the process has ended and all pipes are closed."""
        del exc
        if self._transport is not None:
            self._transport.close()
        self._finished.set()

    def _stdin(self) -> asyncio.WriteTransport | None:
        if self._transport is None:
            return None
        return cast("asyncio.WriteTransport | None", self._transport.get_pipe_transport(0))

    def _stderr_received(self, data: bytes) -> None:
        *lines, rest = (bytes(self._stderr_rest) + data).split(b"\n")
        now = asyncio.get_running_loop().time()
        self._stderr_lines.extend(TimedLine(now, self._shown(line)) for line in lines)
        self._stderr_rest = bytearray(rest[:STDERR_LINE_LENGTH])

    @staticmethod
    def _shown(line: bytes | bytearray) -> str:
        return line[:STDERR_LINE_LENGTH].decode("utf-8", "backslashreplace").rstrip("\r")

    def _check_end(self) -> None:
        """Report the end of the process when everything is known about it, or after `GRACE`."""
        if self._ending or (1 not in self._closed_pipes and not self._exited.is_set()):
            return
        if self._exited.is_set() and {1, 2} <= self._closed_pipes:
            self._report_end()
        elif self._exit_grace_timer is None:
            loop = asyncio.get_running_loop()
            self._exit_grace_timer = loop.call_later(GRACE * self._patience, self._report_end)

    def _report_end(self) -> None:
        how = ending(self.status)
        cut = f", in the middle of a line: {excerpt(bytes(self._line), 60)}" if self._line else ""
        self._break(how + cut)

    def _break(self, what: str) -> None:
        if self._exit_grace_timer is not None:
            self._exit_grace_timer.cancel()
        if not self._ending:
            self._ending = True
            self._on_broken(what)

    def _signal(self, number: signal.Signals) -> None:
        if self._exit_grace_timer is not None:
            self._exit_grace_timer.cancel()
        # Once the group has ended, its number may be reused.
        if self.pid and not self._group_ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)


def ending(status: int | None) -> str:
    """Return a description of an exit status; None means that the process still runs."""
    if status is None:
        return "it closed its standard output, though it still runs"
    return f"it was ended by signal {-status}" if status < 0 else f"it exited with status {status}"
