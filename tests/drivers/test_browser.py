"""The browser adapter: how it is built, how it speaks and ends, and that Chromium and others connect."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clasp_e2e.drivers import DriverFault, Peer, Refused
from clasp_e2e.drivers.browser import BrowserDriver, chromium
from clasp_e2e.drivers.building import BuildError, build_browser_adapter
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.stdio import orphans
from clasp_e2e.p2p_types import Connected, Data, Disconnected, P2PConfig, P2PEvent, RoutingMode, SendResult

# What is missing


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder on the PATH; a cache and directory for temporary files of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CLASP_E2E_BROWSER", raising=False)
    return folder


def put(folder: Path, name: str, script: str) -> str:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return str(folder / name)


def test_a_missing_browser_is_said(programs: Path) -> None:
    with pytest.raises(
        BuildError, match=r"Chromium is not .*`apt install chromium-headless-shell`.*CLASP_E2E_BROWSER"
    ):
        chromium()


def test_any_of_its_names_will_do_and_one_that_is_named_comes_first(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chrome = put(programs, "google-chrome", "")
    assert chromium() == chrome
    own = put(programs, "my-browser", "")
    monkeypatch.setenv("CLASP_E2E_BROWSER", own)
    assert chromium() == own
    monkeypatch.setenv("CLASP_E2E_BROWSER", "there-is-none")
    with pytest.raises(BuildError, match="CLASP_E2E_BROWSER=there-is-none is not a program"):
        chromium()


def test_it_is_built_of_its_own_sources_and_of_those_it_has_in_common_with_node(programs: Path) -> None:
    put(programs, "node", "echo v20.1.0")
    put(programs, "npm", "exit 0")
    built = build_browser_adapter()
    assert built.name.startswith("browser-")
    own = {"adapter.js", "chromium.js", "devtools.js", "page.html", "page.js", "pages.js", "package.json"}
    common = {
        "calls.js",
        "connections.js",
        "errors.js",
        "lines.js",
        "negotiation.js",
        "peer.js",
        "signals.js",
    }
    assert {entry.name for entry in built.iterdir()} == own | common


# In a browser. What follows needs Node, its packages once, and Chromium.


@pytest.fixture(scope="session")
def available() -> None:
    try:
        chromium()
        build_browser_adapter()
    except BuildError as error:
        pytest.skip(f"there is no browser to be had here: {error}")


class Told(list[P2PEvent]):
    """The events in order; `until` waits for one of a kind."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def __call__(self, event: P2PEvent) -> None:
        self.append(event)
        self._news.set()

    async def until(self, wanted: type[P2PEvent], times: int = 1) -> None:
        async with asyncio.timeout(20):
            while sum(isinstance(event, wanted) for event in self) < times:
                self._news.clear()
                await self._news.wait()


class World:
    """A router, a driver of each implementation, and where the browsers' profiles are."""

    def __init__(self, url: str, browser: BrowserDriver, reference: ReferenceDriver, profiles: Path) -> None:
        self.url, self.browser, self.profiles = url, browser, profiles
        self.drivers = {"browser": browser, "reference": reference}
        self.peers: list[Peer] = []

    async def open(
        self,
        driver: str,
        config: P2PConfig | None = P2PConfig(),  # noqa: B008 - frozen
        *,
        killable: bool = False,
    ) -> tuple[Peer, Told]:
        told = Told()
        chosen = self.drivers[driver]
        opening = chosen.open_killable_peer if killable else chosen.open_peer
        peer = await opening(url=self.url, name=driver, p2p=config, on_event=told)
        self.peers.append(peer)
        return peer, told


@asynccontextmanager
async def a_world(profiles: Path) -> AsyncIterator[World]:
    reference, browser = ReferenceDriver(), BrowserDriver()
    await browser.initialize()
    router = await reference.open_router(host="127.0.0.1", port=0)
    world = World(router.url, browser, reference, profiles)
    try:
        yield world
    finally:
        for peer in world.peers:
            await peer.end()
        await browser.aclose()
        await router.close()


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go; nothing of them stays."""
    # Not in pytest's own folder, whose path is too long for a browser's socket.
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)
        assert list(Path(folder).iterdir()) == []


@pytest.fixture
async def world(available: None, profiles: Path) -> AsyncIterator[World]:
    async with a_world(profiles) as world:
        yield world


async def test_it_says_which_browser_it_is(world: World) -> None:
    description = await world.browser.initialize()
    assert re.search(r"@clasp-to/core 3\.3\.2 and (Headless)?Chrom", description.implementation.name)
    assert description.roles == {"peer"}


@pytest.mark.parametrize(
    ("one", "other"), [("browser", "browser"), ("browser", "reference"), ("reference", "browser")]
)
async def test_it_connects_and_its_events_keep_their_order(world: World, one: str, other: str) -> None:
    alice, alice_told = await world.open(one)
    bob, bob_told = await world.open(other)
    await alice.connect_to_peer(bob.session_id)
    await alice_told.until(Connected)
    await bob_told.until(Connected)
    sent = [bytes([number]) * 1000 for number in range(200)]
    for data in sent:
        assert await alice.send_p2p(bob.session_id, data, True) is SendResult.P2P
    assert await bob.send_p2p(alice.session_id, b"", True) is SendResult.P2P
    await bob_told.until(Data, len(sent))
    assert [event.data for event in bob_told if isinstance(event, Data)] == sent
    await alice_told.until(Data)
    await alice.close()
    await bob_told.until(Disconnected)


async def test_what_it_refuses_it_refuses_with_a_reason(world: World) -> None:
    alice, _ = await world.open("browser")
    with pytest.raises(Refused, match="own session"):
        await alice.connect_to_peer(alice.session_id)
    without, _ = await world.open("browser", None)
    with pytest.raises(Refused, match="P2P is not enabled"):
        await without.connect_to_peer(alice.session_id)


async def test_a_peer_that_is_killed_takes_its_browser_along_and_says_nothing(world: World) -> None:
    alice, alice_told = await world.open("browser")
    bob, bob_told = await world.open("browser", killable=True)
    await alice.connect_to_peer(bob.session_id)
    await alice_told.until(Connected)
    await bob_told.until(Connected)
    processes = descendants(bob.pid)  # pyright: ignore[reportAttributeAccessIssue]
    assert len(processes) > 3
    await bob.kill()
    assert await asyncio.to_thread(orphans.ended, processes, 10.0)
    # Whatever it said is on its way by now. This goes to the browser of the other one, and back.
    await alice.p2p_routing_mode()
    assert await alice.is_peer_connected(bob.session_id)
    assert not any(isinstance(event, Disconnected) for event in alice_told)


async def test_peers_share_a_browser_and_outlive_each_other(world: World) -> None:
    """More than the pages that stay after their peer was closed."""
    alice, _ = await world.open("browser")
    for _ in range(20):
        other, _ = await world.open("browser")
        assert other.process_group == alice.process_group
        await other.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
        await other.close()
        assert await other.p2p_routing_mode() is RoutingMode.SERVER_ONLY
        await other.end()
    assert await alice.p2p_routing_mode() is RoutingMode.PREFER_P2P


async def test_a_browser_that_ends_by_itself_is_a_fault_that_says_so(world: World) -> None:
    alice, _ = await world.open("browser")
    fault = asyncio.get_running_loop().create_future()
    alice.on_fault(fault.set_result)
    [browser] = children(alice.pid)  # pyright: ignore[reportAttributeAccessIssue]
    os.kill(browser, signal.SIGKILL)
    async with asyncio.timeout(20):
        told = await fault
    assert isinstance(told, DriverFault)
    assert "the browser ended by itself, with SIGKILL" in str(told)


def children(parent: int) -> list[int]:
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(number) for number in found.split()]


def descendants(parent: int) -> list[int]:
    return [parent, *(one for child in children(parent) for one in descendants(child))]
