"""Control of the process that ends the adapters if the harness itself is killed."""

import asyncio
import os
import sys
import uuid
from pathlib import Path

from clasp_e2e.certificates import trust_store

STEP = 2.0
"""Seconds from the end of an adapter's input to SIGTERM, and from there to SIGKILL."""

MARK = "CLASP_E2E_HARNESS"
"""The environment variable that identifies all processes of an adapter, in any process group."""

SCRIPT = Path(__file__).with_name("orphans.py")


class Watchdog:
    """A process that runs from the first `start` to `aclose`, also if the harness is killed.

    It ends all processes with `mark` in their environment. So it knows an adapter from its start, and
    finds children that left the adapter's process group.
    """

    def __init__(self, patience: float = 1.0) -> None:
        self.mark = {MARK: str(uuid.uuid4())}
        self._patience = patience
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process, unless it runs."""
        async with self._starting:
            if self._process is None:
                [entry] = self.mark.items()
                # In its own session, it does not receive signals for the harness.
                arguments = [
                    "=".join(entry),
                    str(STEP * self._patience),
                    str(trust_store()),
                    str(os.getpid()),
                ]
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", str(SCRIPT), *arguments),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                )

    async def aclose(self) -> None:
        """Let it end all remaining processes, and wait until it has ended. A second call does nothing."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            await process.wait()
