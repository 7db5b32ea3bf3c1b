"""A program that ends the remaining adapters of a harness that was killed.

When the harness is killed, the standard input of its adapters is closed, and they should exit. An adapter
that hangs, or a browser that it started, does not. So a process runs this file and reads a pipe that only
the harness can write to: when the pipe closes, it ends the remaining processes, in the steps of the driver
protocol. If the harness was killed, it also removes the harness's file of trusted authorities.

It finds processes by their environment in /proc, so on Linux only. It runs isolated and uses only the
standard library, to start within a few milliseconds.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from time import monotonic


def marked(mark: str) -> list[int]:
    """Return the processes, without zombies, whose environment contains `mark`, NAME=VALUE."""
    found: list[int] = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        # An OSError: the process has ended, or belongs to another user. pathlib would double the start time.
        with suppress(OSError), open(f"{entry.path}/environ", "rb") as environment:  # noqa: PTH123
            if mark.encode() in environment.read().split(b"\0"):
                found.append(int(entry.name))
    return found


def ended(processes: list[int], within: float) -> bool:
    """Wait at most `within` seconds until all processes have ended; return whether they have."""
    left: list[int] = []
    for process in processes:
        with suppress(OSError):
            left.append(os.pidfd_open(process))
    deadline = monotonic() + within
    try:
        while left:
            # A pidfd is readable once its process has ended; see pidfd_open(2).
            over, _, _ = select.select(left, [], [], max(0.0, deadline - monotonic()))
            if not over:
                return False
            for descriptor in over:
                left.remove(descriptor)
                os.close(descriptor)
    finally:
        for descriptor in left:
            os.close(descriptor)
    return True


def end(mark: str, step: float) -> None:
    """End the processes with `mark`: wait `step` seconds, send SIGTERM, wait again, send SIGKILL."""
    groups: set[int] = set()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        processes = marked(mark)
        for process in processes:
            with suppress(OSError):
                groups.add(os.getpgid(process))
        if number is not None:
            _signal(groups, number)
        if ended(processes, step):
            break
    # A child that cleared its environment is still in the group.
    _signal(groups, signal.SIGKILL)


def _signal(groups: set[int], number: signal.Signals) -> None:
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def remove_if_killed(path: str, harness: int) -> None:
    """Remove a file of the process `harness`, this process's parent, unless it is running and needs it."""
    if os.getppid() != harness:
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - pathlib would double the start time


if __name__ == "__main__":
    sys.stdin.read()
    end(sys.argv[1], float(sys.argv[2]))
    remove_if_killed(sys.argv[3], int(sys.argv[4]))
