"""Measurement of a target's memory and of its growth.

Source: proc(5), `stat` and `statm`. Available on Linux only.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

MEBIBYTE = 2**20
ALLOWED_GROWTH = 32 * MEBIBYTE
"""Bytes of growth after the warm-up that are not reported: an allocator may keep them."""

_PROC = Path("/proc")


def resident(process_group: int | None) -> int | None:
    """Return the resident bytes of the processes of a group; None if unknown.

    None for the group means only the harness's own process.
    """
    if not (_PROC / "self/statm").exists():
        return None
    if process_group is None:
        return _resident(_PROC / "self")
    members = (entry for entry in _PROC.iterdir() if entry.name.isdigit())
    sizes = [_resident(entry) for entry in members if _group(entry) == process_group]
    return sum(sizes) if sizes else None


def _group(process: Path) -> int | None:
    with suppress(OSError):  # The process has ended.
        # The name, in parentheses, may contain any character: read the fields after the last parenthesis.
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[2])
    return None


def _resident(process: Path) -> int:
    with suppress(OSError):
        return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def growth(measured: Sequence[int]) -> int | None:
    """Return the bytes by which the median of the last quarter exceeds that of the first quarter.

    The first fifth is excluded as warm-up: caches fill, code is loaded. Return None for fewer than ten
    measurements, which are not significant.
    """
    if len(measured) < 10:
        return None
    steady = measured[len(measured) // 5 :]
    quarter = max(len(steady) // 4, 1)
    return round(median(steady[-quarter:]) - median(steady[:quarter]))
