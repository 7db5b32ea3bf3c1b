"""The watchdog finds the processes that adapters left behind, and ends them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from clasp_e2e.drivers.stdio import orphans
from clasp_e2e.drivers.stdio.watchdog import Watchdog

pytestmark = pytest.mark.subprocess

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
PYTHON = [sys.executable, "-I", "-S", "-c"]


@contextmanager
def started(code: str, mark: str) -> Iterator[subprocess.Popen[bytes]]:
    name, _, value = mark.partition("=")
    with subprocess.Popen(
        [*PYTHON, code], start_new_session=True, stdout=subprocess.PIPE, env=os.environ | {name: value}
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("code", ["", "print(flush=True); import signal; signal.pause()", STUBBORN])
def test_marked_processes_end_by_themselves_or_by_signals(code: str) -> None:
    with started(code, "THE_MARK=willing") as process:
        orphans.end("THE_MARK=willing", step=0.05)
        assert process.wait(timeout=5) in (0, -15, -9)
    assert orphans.marked("THE_MARK=willing") == []


def test_child_that_left_the_group_is_found() -> None:
    leaves = (
        f"import subprocess; print(subprocess.Popen({[*PYTHON, STUBBORN]!r}, start_new_session=True).pid)"
    )
    with started(leaves, "THE_MARK=left") as process:
        process.wait(timeout=5)
        [child] = orphans.marked("THE_MARK=left")
        orphans.end("THE_MARK=left", step=0.05)
        assert orphans.ended([child], within=5)


def test_another_mark_is_left_alone() -> None:
    with started(STUBBORN, "THE_MARK=one") as process:
        orphans.end("THE_MARK=on", step=0.05)
        assert orphans.marked("THE_MARK=one") == [process.pid]
        assert not orphans.ended([process.pid], within=0)


def test_file_of_a_killed_harness_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "trusted.pem"
    file.touch()
    orphans.remove_if_killed(str(file), harness=os.getppid())
    assert file.exists()
    for _ in range(2):
        orphans.remove_if_killed(str(file), harness=os.getpid())
        assert not file.exists()


async def test_watchdog_ends_remaining_processes_when_its_pipe_closes() -> None:
    watchdog = Watchdog(patience=0.02)
    [mark] = ("=".join(entry) for entry in watchdog.mark.items())
    with ExitStack() as stack:
        processes = [stack.enter_context(started(STUBBORN, mark)) for _ in range(2)]
        await watchdog.start()
        await watchdog.start()
        await watchdog.aclose()
        await watchdog.aclose()
        assert [process.wait(timeout=5) for process in processes] == [-9, -9]
