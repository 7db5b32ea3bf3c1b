"""The cost of starting an adapter, and the number of processes to start at once.

Source: Linux's /proc. On other systems the cost is unknown.
"""

import os
from dataclasses import dataclass
from pathlib import Path

MOST_AT_ONCE = 16
"""Maximum number of processes that start at once, and of unused processes."""

UNKNOWN_STARTS = 2
"""Number of starts at once per processor if their cost is unknown."""


@dataclass(frozen=True, slots=True)
class StartCost:
    """The cost of one start, for the process and all its descendants; None means unknown."""

    duration: float
    """Seconds from the start to the answer to `initialize`."""
    processor_time: float | None = None
    """Seconds, including the time spent waiting for a free processor."""
    memory: int | None = None
    """Resident bytes; memory that processes share counts once for each process."""


def measure(pid: int, duration: float) -> StartCost:
    """Return the cost of the process `pid` since its start `duration` seconds ago."""
    ticks = pages = queued = 0
    processes = [pid]
    try:
        for process in processes:
            folder = Path(f"/proc/{process}")
            # The name, in parentheses, may contain spaces: count the fields after it. See proc_pid_stat(5).
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
            pages += int(fields[21])
            # Time in the run queue; see the kernel's documentation, sched-stats.
            for thread in folder.glob("task/*/schedstat"):
                queued += int(thread.read_text().split()[1])
            processes += map(int, (folder / f"task/{process}/children").read_text().split())
    except (OSError, ValueError, IndexError):
        return StartCost(duration)
    wanted = ticks / os.sysconf("SC_CLK_TCK") + queued / 1e9
    return StartCost(duration, wanted, pages * os.sysconf("SC_PAGE_SIZE"))


def starts_at_once(cost: StartCost, processors: int) -> int:
    """Return the number of simultaneous starts that keep `processors` busy."""
    if cost.processor_time is None:
        return min(UNKNOWN_STARTS * processors, MOST_AT_ONCE)
    busy = max(cost.processor_time / cost.duration, 1 / MOST_AT_ONCE)
    return max(processors, min(round(processors / busy), MOST_AT_ONCE))


def ready_at_most(cost: StartCost | None, available: int | None) -> int:
    """Return the maximum number of unused processes, given `available` bytes of memory.

    They may use half of it, since a process needs more memory once it has a peer.
    """
    if cost is None or not cost.memory or available is None:
        return MOST_AT_ONCE
    return max(1, min(available // (2 * cost.memory), MOST_AT_ONCE))


def available_memory() -> int | None:
    """Return the bytes of memory available without swapping; None if unknown."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        [kilobytes] = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        return int(kilobytes) * 1024
    except (OSError, ValueError):
        return None
