"""The checks of the end of an adapter over stdio: after a shutdown request, and when its input is closed."""

import asyncio
import os
import sys
from pathlib import Path

from clasp_e2e.doctor.check_results import CheckFailed, CheckSkipped
from clasp_e2e.doctor.stdio_session import StdioSession
from clasp_e2e.drivers.stdio import orphans
from clasp_e2e.drivers.stdio.connection import AdapterFault
from clasp_e2e.drivers.stdio.watchdog import STEP


async def check_shutdown(session: StdioSession) -> str:
    """Check that the adapter answers shutdown, and exits once its input is closed."""
    late: AdapterFault | None = None
    try:
        await session.call(("shutdown", {}), lambda result: result)
    except AdapterFault as fault:
        if session.connection.is_over:
            raise CheckFailed(
                f"shutdown was not answered: {fault.reason}",
                "Answer shutdown and flush standard output before you exit.",
                stderr=fault.stderr,
            ) from fault
        late = fault
    text = await check_exit_on_closed_input(session)
    if late is not None:
        raise late
    return text


async def check_exit_on_closed_input(session: StdioSession) -> str:
    """Check that the adapter exits when its standard input is closed."""
    session.process.close_input()
    within = STEP * session.patience
    if not await session.process.exits(within):
        raise CheckFailed(
            f"it still runs {within:g} s after its standard input was closed",
            "Exit when standard input ends, even while a call is in progress: the harness may be gone.",
            stderr=session.process.stderr(),
        )
    return f"it exited with status {session.process.status}"


async def check_exit_with_nothing_left(session: StdioSession) -> str:
    """Check both: exit on closed input, and that no process is left behind."""
    text = await check_exit_on_closed_input(session)
    await check_nothing_left_behind(session)
    return text


async def check_nothing_left_behind(session: StdioSession) -> str:
    """Check that no process that the adapter started outlives it."""
    if session.process.status is None:
        raise CheckSkipped("the adapter itself did not exit")
    if sys.platform != "linux":
        raise CheckSkipped("the harness can list processes on Linux only")
    [mark] = ("=".join(entry) for entry in session.watchdog.mark.items())
    # A process that ends by itself within a second is not left behind.
    await asyncio.to_thread(orphans.ended, orphans.marked(mark), 1.0 * session.patience)
    left = orphans.marked(mark)
    if not left:
        return "it left no process behind"
    shown = ", ".join(f"`{_command_line(process)}` ({process})" for process in left)
    if any(_group(process) != session.process.pid for process in left):
        raise CheckFailed(
            f"it left processes behind: {shown}, outside its process group",
            "End what you started before you exit, and keep child processes in your process group: the"
            " harness ends that group as a whole.",
        )
    raise CheckFailed(
        f"it left processes behind: {shown}",
        "End what you started before you exit. The harness kills the rest of the process group, but until"
        " then it may hold what the next peer needs: a port, a browser profile.",
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
