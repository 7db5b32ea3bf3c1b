"""What starting an adapter costs, and how many starts a machine has room for at once.

Source: Linux's /proc. Elsewhere the cost is unknown, and the bounds are those for an unknown cost.
"""

import os
from dataclasses import dataclass
from pathlib import Path

MOST_AT_ONCE = 16
"""Maximum number of processes that start at once, and of those that are ready and unused."""

UNKNOWN_STARTS = 2
"""Starts at once for each processor, where their cost is unknown."""


@dataclass(frozen=True, slots=True)
class StartCost:
    """What one start took, of the process and of all that it started; None for what is unknown."""

    duration: float
    """Seconds from the start to the answer to `initialize`."""
    processor_time: float | None = None
    """Seconds, with those in which it could have run and no processor was free: the rest it slept."""
    memory: int | None = None
    """Resident bytes; memory that processes share counts once for each of them."""


def measure(pid: int, duration: float) -> StartCost:
    """Return what the process `pid` has taken since its start, `duration` seconds ago."""
    ticks = pages = queued = 0
    processes = [pid]
    try:
        for process in processes:
            folder = Path(f"/proc/{process}")
            # The name, in parentheses, may hold spaces: count from behind it. See proc_pid_stat(5).
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
            pages += int(fields[21])
            # On a busy machine, time in the run queue would look like sleep. See sched-stats in the kernel.
            for thread in folder.glob("task/*/schedstat"):
                queued += int(thread.read_text().split()[1])
            processes += map(int, (folder / f"task/{process}/children").read_text().split())
    except (OSError, ValueError, IndexError):
        return StartCost(duration)
    wanted = ticks / os.sysconf("SC_CLK_TCK") + queued / 1e9
    return StartCost(duration, wanted, pages * os.sysconf("SC_PAGE_SIZE"))


def starts_at_once(cost: StartCost, processors: int) -> int:
    """Return how many starts keep `processors` busy, and no busier than that."""
    if cost.processor_time is None:
        return min(UNKNOWN_STARTS * processors, MOST_AT_ONCE)
    busy = max(cost.processor_time / cost.duration, 1 / MOST_AT_ONCE)
    return max(processors, min(round(processors / busy), MOST_AT_ONCE))


def ready_at_most(cost: StartCost | None, available: int | None) -> int:
    """Return how many processes may be ready and unused, given `available` bytes of memory.

    They may take half of it: what they do with a peer takes more.
    """
    if cost is None or not cost.memory or available is None:
        return MOST_AT_ONCE
    return max(1, min(available // (2 * cost.memory), MOST_AT_ONCE))


def available_memory() -> int | None:
    """Return the bytes that processes can take without swapping; None if unknown."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        [kilobytes] = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        return int(kilobytes) * 1024
    except (OSError, ValueError):
        return None
