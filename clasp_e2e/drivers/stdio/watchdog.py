"""The harness's end of the process that ends its adapters when the harness itself is killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

STEP = 2.0
"""Seconds between the end of an adapter's input, SIGTERM and SIGKILL."""

SCRIPT = Path(__file__).with_name("orphans.py")


class Watchdog:
    """The harness's end: says which process groups are to end with it.

    It runs from the first `start` to `aclose`, in a session of its own.
    """

    def __init__(self, patience: float = 1.0) -> None:
        self._patience = patience
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, unless it runs."""
        async with self._starting:
            if self._process is None:
                # In a session of its own, no signal meant for the harness reaches it.
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", str(SCRIPT), str(STEP * self._patience)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                )

    def watch(self, group: int) -> None:
        """Have the process group end with the harness."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Leave the process group alone: it has ended, and its number may be somebody else's soon."""
        self._tell(f"-{group}\n")

    async def aclose(self) -> None:
        """End it, along with whatever it still watches. The second call does nothing."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            await process.wait()

    def _tell(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(line.encode())
