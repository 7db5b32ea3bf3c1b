"""The process that outlives the harness by a moment, to end the adapters of one that was killed.

An adapter finds its standard input closed when the harness dies, and should leave. One that hangs
would not, and neither would a browser that it started. So this small process has the reading end of
a pipe from the harness, which says there what process groups there are. When the pipe closes, it
ends whatever is left of them as the driver protocol says.

Run as a script, by path and isolated, so it starts in a few milliseconds: the standard library only.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic


def watched(lines: Iterable[str]) -> list[int]:
    """The groups that are still to be watched after `lines`: `+N` begins it, `-N` ends it."""
    groups: dict[int, None] = {}
    for line in lines:
        if line.startswith("+"):
            groups[int(line[1:])] = None
        else:
            groups.pop(int(line[1:]), None)
    return list(groups)


def end(groups: Iterable[int], step: float) -> None:
    """End the process groups: each leader has `step` seconds to leave, and again after SIGTERM."""
    left = {group: leader for group in groups if (leader := _leader(group)) is not None}
    # A leader that has left before may have left children: its group is killed, too.
    for group in set(groups) - set(left):
        _signal(group, signal.SIGKILL)
    for number in (None, signal.SIGTERM):
        for group in left:
            if number is not None:
                _signal(group, number)
        deadline = monotonic() + step
        while left and (
            ended := select.select(list(left.values()), [], [], max(0.0, deadline - monotonic()))[0]
        ):
            for group in [group for group, leader in left.items() if leader in ended]:
                _signal(group, signal.SIGKILL)
                os.close(left.pop(group))
    for group in left:
        _signal(group, signal.SIGKILL)


def _leader(group: int) -> int | None:
    """A file descriptor that can be read once the leader has ended; None if it has, or cannot be told."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(group)
    except OSError:
        return None


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    # Read to its end: the harness has closed its side, or is no more.
    end(watched(sys.stdin), float(sys.argv[1]))
