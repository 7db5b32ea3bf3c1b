"""The browser adapter in Chromium and Firefox: its build, and what `test_adapters.py` does not test."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clasp_e2e.drivers import DriverFault
from clasp_e2e.drivers.browser import BrowserDriver, FirefoxDriver, chromium, firefox
from clasp_e2e.drivers.building import PAGE, BuildError, build_browser_adapter
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.stdio import orphans
from clasp_e2e.p2p_types import Disconnected, RoutingMode

from .clients import PATIENCE, Clients, Put, clients_at, programs_in

# What is missing


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    monkeypatch.delenv("CLASP_E2E_BROWSER", raising=False)
    monkeypatch.delenv("CLASP_E2E_FIREFOX", raising=False)
    return programs_in(tmp_path, monkeypatch)


def test_missing_browser_is_named(programs: Put) -> None:
    with pytest.raises(
        BuildError, match=r"Chromium is not .*`apt install chromium-headless-shell`.*CLASP_E2E_BROWSER"
    ):
        chromium()
    with pytest.raises(BuildError, match=r"Firefox is not .*`apt install firefox-esr`.*CLASP_E2E_FIREFOX"):
        firefox()


def test_browser_is_found_by_name_and_the_variable_comes_first(
    programs: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs("google-chrome", "")
    assert chromium() == str(tmp_path / "bin/google-chrome")
    programs("my-browser", "")
    monkeypatch.setenv("CLASP_E2E_BROWSER", "my-browser")
    assert chromium() == str(tmp_path / "bin/my-browser")
    monkeypatch.setenv("CLASP_E2E_BROWSER", "there-is-none")
    with pytest.raises(BuildError, match="CLASP_E2E_BROWSER=there-is-none is not a program"):
        chromium()


def test_adapter_is_built_from_its_sources_and_those_shared_with_node(programs: Put) -> None:
    programs("node", "echo v20.1.0")
    programs("npm", "exit 0")
    built = build_browser_adapter()
    assert built.name.startswith("browser-")
    own = {"adapter.js", "page.html", "page.js", "pages.js", "package.json", "browser_process.js"}
    own |= {"chromium.js", "devtools.js", "firefox.js", "bidi.js"}
    assert {entry.name for entry in built.iterdir()} == own | set(PAGE)


# In a browser. What follows needs Node, its packages once, and Chromium or Firefox.


@pytest.fixture(scope="module", params=[BrowserDriver, FirefoxDriver])
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[BrowserDriver]:
    """A driver whose browser all tests use, because it takes seconds to start; no temporary file stays."""
    try:
        request.param.browser()
        build_browser_adapter()
    except BuildError as error:
        pytest.skip(f"this browser is not available: {error}")
    # Not in pytest's own folder, whose path is too long for a browser's socket.
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", folder)
        driver = request.param(deadline_scale=PATIENCE)
        await driver.initialize()
        yield driver
        await driver.aclose()
        assert os.listdir(folder) == []  # noqa: PTH208 - does not block


@pytest.fixture
async def clients(browser: BrowserDriver) -> AsyncIterator[Clients]:
    async with clients_at(ReferenceDriver(), browser=browser) as clients:
        yield clients


async def test_description_names_the_browser(browser: BrowserDriver) -> None:
    description = await browser.initialize()
    assert re.search(
        r"@clasp-to/core 3\.3\.2 and ((Headless)?Chrom|Firefox )", description.implementation.name
    )
    assert description.roles == {"peer"}


async def test_killed_peer_ends_its_browser_and_says_nothing(clients: Clients) -> None:
    bob, _, alice, alice_events = await clients.open_connected("browser", "browser", killable=True)
    processes = descendants(bob.pid)  # pyright: ignore[reportAttributeAccessIssue]
    assert len(processes) > 3
    await bob.kill()
    assert await asyncio.to_thread(orphans.ended, processes, 10.0)
    # Whatever it said is on its way by now. This goes to the browser of the other one, and back.
    await alice.p2p_routing_mode()
    assert await alice.is_peer_connected(bob.session_id)
    assert alice_events.of(Disconnected) == []


async def test_peers_share_a_browser_that_outlives_them(clients: Clients) -> None:
    """More than the pages that stay after their peer was closed."""
    alice, _ = await clients.open("browser")
    for _ in range(20):
        other, _ = await clients.open("browser")
        assert other.process_group == alice.process_group
        await other.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
        await other.close()
        assert await other.p2p_routing_mode() is RoutingMode.SERVER_ONLY
        await other.end()
    assert await alice.p2p_routing_mode() is RoutingMode.PREFER_P2P


async def test_browser_that_ends_by_itself_is_a_fault(clients: Clients) -> None:
    """It is the last test, because it ends the browser of the others."""
    alice, _ = await clients.open("browser")
    fault = asyncio.get_running_loop().create_future()
    alice.on_fault(fault.set_result)
    [process] = children(alice.pid)  # pyright: ignore[reportAttributeAccessIssue]
    os.kill(process, signal.SIGKILL)
    async with asyncio.timeout(20):
        found = await fault
    assert isinstance(found, DriverFault)
    assert "the browser ended by itself, with SIGKILL" in str(found)


def children(parent: int) -> list[int]:
    # Of each thread: Firefox starts its processes from another than the first.
    threads = Path(f"/proc/{parent}/task").iterdir()
    return [int(number) for thread in threads for number in (thread / "children").read_text().split()]


def descendants(parent: int) -> list[int]:
    return [parent, *(one for child in children(parent) for one in descendants(child))]
