"""The processes of one driver: how many are started ahead, and who shares one."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from clasp_e2e.drivers import DriverFault, NotOffered
from clasp_e2e.drivers.stdio import StdioDriver, pool
from clasp_e2e.drivers.stdio.driver import StdioPeer
from clasp_e2e.drivers.stdio.process import AdapterProcess
from clasp_e2e.drivers.stdio.start_cost import StartCost
from clasp_e2e.p2p_types import Connected

from .clients import Events
from .conftest import MakeDriver, is_gone

MeasuredAs = Callable[[StartCost], None]


@pytest.fixture
def measured_as(monkeypatch: pytest.MonkeyPatch) -> MeasuredAs:
    """Have each start cost what is given here, on a machine with two processors and enough memory."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(pool, "available_memory", lambda: None)

    def set_cost(cost: StartCost) -> None:
        monkeypatch.setattr(pool, "measure", lambda *_: cost)

    return set_cost


async def initialized(driver: StdioDriver) -> StdioDriver:
    await driver.initialize()
    return driver


async def open_peer(
    driver: StdioDriver, events: Events | None = None, *, killable: bool = False
) -> StdioPeer:
    opening = driver.open_killable_peer if killable else driver.open_peer
    sink = Events() if events is None else events
    return await opening(url="ws://x", name="x", p2p=None, on_event=sink)


@pytest.fixture
def started(make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch) -> list[AdapterProcess]:
    """The processes that have begun to start."""
    found: list[AdapterProcess] = []
    start = AdapterProcess.start

    async def noted(self: AdapterProcess) -> None:
        found.append(self)
        await start(self)

    monkeypatch.setattr(AdapterProcess, "start", noted)
    return found


def most_at_once(log: Path) -> int:
    """The maximum number of processes that were starting at the same time."""
    most = running = 0
    for line in log.read_text().splitlines():
        running += 1 if line == "begins" else -1
        most = max(most, running)
    return most


async def test_start_that_sleeps_is_made_many_times_at_once(
    make_driver: MakeDriver, measured_as: MeasuredAs, tmp_path: Path
) -> None:
    measured_as(StartCost(1.0, 0.05))
    log = tmp_path / "starts"
    driver = await initialized(make_driver("starts_slowly", str(log)))
    for _ in range(8):  # One after the other.
        await open_peer(driver)
    assert most_at_once(log) >= 4


async def test_start_that_burns_processor_time_is_made_by_each_processor_once(
    make_driver: MakeDriver, measured_as: MeasuredAs, tmp_path: Path
) -> None:
    measured_as(StartCost(1.0, 1.0))
    log = tmp_path / "starts"
    driver = await initialized(make_driver("starts_slowly", str(log)))
    await asyncio.gather(*(open_peer(driver) for _ in range(6)))
    assert most_at_once(log) == 2


async def test_expected_peers_find_their_processes_started(
    make_driver: MakeDriver, measured_as: MeasuredAs, started: list[AdapterProcess]
) -> None:
    measured_as(StartCost(1.0, 0.0))
    driver = await initialized(make_driver())
    driver.expect_peers(5)
    await open_peer(driver)
    assert len(started) == 5  # With the first one, which said who it is and serves this peer.


async def test_memory_bounds_what_is_started_ahead(
    make_driver: MakeDriver,
    measured_as: MeasuredAs,
    started: list[AdapterProcess],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured_as(StartCost(1.0, 0.0, memory=100))
    monkeypatch.setattr(pool, "available_memory", lambda: 400)
    driver = await initialized(make_driver())
    driver.expect_peers(12)
    await open_peer(driver)
    assert len(started) == 3


async def test_pool_starts_nothing_before_the_first_peer(
    make_driver: MakeDriver, started: list[AdapterProcess]
) -> None:
    await initialized(make_driver())
    assert len(started) == 1


async def test_failed_start_ahead_is_reported_to_whoever_takes_it(
    make_driver: MakeDriver, tmp_path: Path
) -> None:
    driver = await initialized(make_driver("starts_once", str(tmp_path / "starts")))
    await open_peer(driver)
    with pytest.raises(DriverFault, match="exited with status 1"):
        await open_peer(driver)


async def test_unused_processes_end_with_the_driver(
    make_driver: MakeDriver, measured_as: MeasuredAs, tmp_path: Path
) -> None:
    measured_as(StartCost(1.0, 0.0))
    driver = await initialized(make_driver("starts_slowly", str(tmp_path / "starts")))
    driver.expect_peers(8)
    await open_peer(driver)
    await driver.aclose()  # `make_driver` checks that nothing is left.


# Peers that share a process


async def test_peers_of_one_process_receive_their_own_events(make_driver: MakeDriver) -> None:
    driver = await initialized(make_driver("shared"))
    received = [Events(), Events()]
    alice, bob = [await open_peer(driver, events) for events in received]
    assert alice.pid == bob.pid
    await bob.connect_to_peer("someone")
    assert [Connected("someone") in events for events in received] == [False, True]
    with pytest.raises(NotOffered, match="process has other peers"):
        await alice.kill()


async def test_killable_peer_has_a_separate_process(make_driver: MakeDriver) -> None:
    driver = await initialized(make_driver("shared"))
    alice = await open_peer(driver)
    bob, carol = [await open_peer(driver, killable=True) for _ in range(2)]
    assert len({alice.pid, bob.pid, carol.pid}) == 3
    await bob.kill()
    assert is_gone(bob.pid)
    assert not is_gone(alice.pid)
    await alice.connect_to_peer("someone")
    await carol.end()
    assert is_gone(carol.pid)
    assert (await open_peer(driver)).pid == alice.pid


async def test_shared_process_continues_after_its_peers_have_closed(make_driver: MakeDriver) -> None:
    driver = await initialized(make_driver("shared"))
    alice = await open_peer(driver)
    await alice.end()
    assert not is_gone(alice.pid)
    assert (await open_peer(driver)).pid == alice.pid


def refer_to(_events: Events, _fault: DriverFault) -> None:
    """Do nothing: what matters is that a partial of this refers to the events."""


async def test_shared_process_does_not_keep_its_closed_peers(make_driver: MakeDriver) -> None:
    driver = await initialized(make_driver("shared"))
    events = Events()
    alice = await open_peer(driver, events)
    alice.on_fault(partial(refer_to, events))
    kept = [weakref.ref(alice), weakref.ref(events)]
    await alice.end()
    del alice, events
    gc.collect()
    assert [each() for each in kept] == [None, None]


async def test_shared_process_in_which_a_peer_was_left_is_replaced(make_driver: MakeDriver) -> None:
    """It has no `close`: what is in use goes on, the next peer has a new one, and the last one ends it."""
    driver = await initialized(make_driver("shared_without_close"))
    alice, bob = await open_peer(driver), await open_peer(driver)
    await alice.end()
    carol = await open_peer(driver)
    assert carol.pid != bob.pid == alice.pid
    await bob.connect_to_peer("someone")
    await bob.end()
    assert is_gone(bob.pid)
    assert not is_gone(carol.pid)


async def test_router_shares_no_process(make_driver: MakeDriver) -> None:
    driver = await initialized(make_driver("shared"))
    peer = await open_peer(driver)
    router = await driver.open_router(host="127.0.0.1", port=0)
    assert router.process_group != peer.pid
    await router.close()
