"""Ending what is left of the adapters of a harness that is no more.

An adapter finds its standard input closed when the harness dies, and should leave. One that hangs
would not, and neither would a browser that it started. So a small process runs this file, with the
reading end of a pipe that nobody but the harness holds: when it closes, what is left is ended, in
the steps of the driver protocol.

Linux: processes are known by their environment, which /proc shows. Elsewhere nothing is found, and
adapters are trusted to leave. Run by path and isolated, so it starts in a few milliseconds: the
standard library only.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic


def marked(mark: str) -> list[int]:
    """The processes, zombies apart, that were started with `mark`, NAME=VALUE, in their environment."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # It ended meanwhile, or is somebody else's.
            if mark.encode() in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return found


def ended(processes: list[int], within: float) -> bool:
    """Wait until all processes have ended, `within` seconds at most; return whether they have."""
    left: list[int] = []
    for process in processes:
        with suppress(OSError):
            left.append(os.pidfd_open(process))
    deadline = monotonic() + within
    try:
        while left:
            # Such a descriptor can be read once the process has ended.
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
    """End what bears `mark`: it has `step` seconds to leave, and again after SIGTERM."""
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
    # A child that cleared its environment is still of the group.
    _signal(groups, signal.SIGKILL)


def _signal(groups: set[int], number: signal.Signals) -> None:
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


if __name__ == "__main__":
    sys.stdin.read()
    end(sys.argv[1], float(sys.argv[2]))
