"""The harness's end of the process that ends its adapters when the harness itself is killed."""

import asyncio
import sys
import uuid
from pathlib import Path

STEP = 2.0
"""Seconds between the end of an adapter's input, SIGTERM and SIGKILL."""

MARK = "CLASP_E2E_HARNESS"
"""The environment variable by which what an adapter started is known as its, wherever it went."""

SCRIPT = Path(__file__).with_name("orphans.py")


class Watchdog:
    """A process, from the first `start` to `aclose`, that outlives a harness that was killed.

    It ends whatever bears `mark` in its environment. So there is no moment between an adapter's
    start and its being known, and a child that left the adapter's process group is found as well.
    """

    def __init__(self, patience: float = 1.0) -> None:
        self.mark = {MARK: str(uuid.uuid4())}
        self._patience = patience
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, unless it runs."""
        async with self._starting:
            if self._process is None:
                [entry] = self.mark.items()
                # In a session of its own, no signal meant for the harness reaches it.
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", str(SCRIPT), "=".join(entry), str(STEP * self._patience)),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                )

    async def aclose(self) -> None:
        """End it, once it has ended whatever adapters left behind. The second call does nothing."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            await process.wait()
