"""What the watchdog keeps in mind, and how it ends what is left."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.drivers.stdio import orphans
from clasp_e2e.drivers.stdio.watchdog import Watchdog

from .conftest import is_gone

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans())))
def test_what_is_left_is_what_was_begun_and_not_ended(steps: list[tuple[int, bool]]) -> None:
    last = dict(steps)
    left = orphans.watched(f"{'+' if begun else '-'}{group}\n" for group, begun in steps)
    assert sorted(left) == sorted(group for group, begun in last.items() if begun)


def start(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code], start_new_session=True, stdout=subprocess.PIPE
    )


@pytest.mark.parametrize("code", ["", STUBBORN])
def test_every_group_ends_whether_its_leader_leaves_or_not(code: str) -> None:
    with start(code) as process:
        assert process.stdout is not None
        process.stdout.readline()
        orphans.end([process.pid], step=0.05)
        process.wait(timeout=5)
    assert is_gone(process.pid)


def test_a_leader_that_has_left_is_no_reason_to_spare_its_children() -> None:
    child = [sys.executable, "-I", "-S", "-c", STUBBORN]
    with start(
        f"import subprocess; print(subprocess.Popen({child!r}, stdout=-3).pid, flush=True)"
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.wait(timeout=5)
    assert not is_gone(process.pid)
    with subprocess.Popen(["true"]):
        orphans.end([process.pid], step=0.05)
    assert is_gone(process.pid)


async def test_it_leaves_alone_what_has_ended_and_ends_the_rest_with_its_pipe() -> None:
    with start(STUBBORN) as kept, start(STUBBORN) as forgotten:
        for process in (kept, forgotten):
            assert process.stdout is not None
            process.stdout.readline()
        watchdog = Watchdog(patience=0.02)
        await watchdog.start()
        await watchdog.start()
        watchdog.watch(kept.pid)
        watchdog.watch(forgotten.pid)
        watchdog.forget(forgotten.pid)
        await watchdog.aclose()
        await watchdog.aclose()
        assert kept.wait(timeout=5) == -9
        assert forgotten.poll() is None
        forgotten.kill()
