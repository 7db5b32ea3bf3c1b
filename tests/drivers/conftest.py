from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from clasp_e2e.drivers.stdio import StdioDriver

ADAPTER = Path(__file__).with_name("fake_adapter.py")

MakeDriver = Callable[..., StdioDriver]


def is_gone(group: int) -> bool:
    """Whether no process of the group runs. An orphan that is dead, but not yet reaped, does not."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = entry.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue  # It ended meanwhile.
        if int(its_group) == group and state != "Z":
            return False
    return True


@pytest.fixture
async def make_driver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeDriver]:
    """Make a driver of the fake adapter; at the end nothing that it started is alive."""
    from clasp_e2e.drivers.stdio import process

    started: list[process.AdapterProcess] = []
    start = process.AdapterProcess.start

    async def noted(self: process.AdapterProcess) -> None:
        started.append(self)
        await start(self)

    monkeypatch.setattr(process.AdapterProcess, "start", noted)
    drivers: list[StdioDriver] = []

    def make(*arguments: str, **options: Any) -> StdioDriver:
        command = [sys.executable, "-I", "-S", str(ADAPTER), *arguments]
        drivers.append(StdioDriver(command, **options))
        return drivers[-1]

    yield make
    for driver in drivers:
        await driver.aclose()
    assert [one.pid for one in started if one.pid and not is_gone(one.pid)] == []
