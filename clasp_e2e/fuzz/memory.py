"""How much memory a target holds, and whether it grows.

Source: proc(5), `stat` and `statm`; elsewhere than on Linux nothing is measured.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

MEBIBYTE = 2**20
ALLOWED_GROWTH = 32 * MEBIBYTE
"""Bytes between the first measurements after the warm-up and the last: what an allocator may keep."""

_PROC = Path("/proc")


def resident(process_group: int | None) -> int | None:
    """Bytes of memory that the processes of a group hold, None where that cannot be told.

    None for the group means the harness's own process, alone.
    """
    if not (_PROC / "self/statm").exists():
        return None
    if process_group is None:
        return _resident(_PROC / "self")
    members = (entry for entry in _PROC.iterdir() if entry.name.isdigit())
    sizes = [_resident(entry) for entry in members if _group(entry) == process_group]
    return sum(sizes) if sizes else None


def _group(process: Path) -> int | None:
    with suppress(OSError):  # It has ended meanwhile.
        # Its name may hold any character: what follows stands behind the last bracket.
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[2])
    return None


def _resident(process: Path) -> int:
    with suppress(OSError):
        return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def growth(measured: Sequence[int]) -> int | None:
    """Bytes by which the last quarter of what was measured lies above the first after the warm-up.

    The first fifth is warm-up: caches fill, code is loaded. None for fewer than ten measurements, which tell
    nothing of growth.
    """
    if len(measured) < 10:
        return None
    steady = measured[len(measured) // 5 :]
    quarter = max(len(steady) // 4, 1)
    return round(median(steady[-quarter:]) - median(steady[:quarter]))
