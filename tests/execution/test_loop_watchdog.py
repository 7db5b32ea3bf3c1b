"""The loop watchdog interrupts a call that blocks the event loop."""

from __future__ import annotations

import subprocess
import sys

import pytest
from commands.conftest import environment

pytestmark = pytest.mark.subprocess

BLOCKS = """
import asyncio, threading
from clasp_e2e.execution.loop_watchdog import LoopBlocked, LoopWatchdog

async def blocks():
    threading.Event().wait()

async def main():
    watchdog = LoopWatchdog(0.2)
    for _ in range(2):
        try:
            await asyncio.create_task(blocks())
        except LoopBlocked as blocked:
            print(blocked)
    watchdog.close()
    print("the rest goes on")

asyncio.run(main())
"""


def test_watchdog_interrupts_each_blocking_call() -> None:
    # In a process of its own: the alarm is one a process, and pytest's own time-out uses it here.
    finished = subprocess.run(
        [sys.executable, "-c", BLOCKS],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    blocked = "it blocked the event loop, and with it all other cases, for 0.2 s"
    assert finished.stdout.splitlines() == [blocked, blocked, "the rest goes on"], finished.stderr
