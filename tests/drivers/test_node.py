"""The Node adapter: how it is built, how it speaks, and that it and the reference understand each other."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from clasp_e2e.drivers import Peer, Refused, Router
from clasp_e2e.drivers.building import BuildError, build_node_adapter, cache_root, node_adapter_command
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.p2p_types import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PConfig,
    P2PEvent,
    PeerAnnounced,
    RoutingMode,
    SendResult,
)

SOURCES = {"adapter.js", "calls.js", "connections.js", "errors.js", "negotiation.js", "peer.js"}
SOURCES |= {"lines.js", "signals.js", "webrtc.js", "package.json"}


# Building


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A PATH on which there is nothing but what is put there, and a cache of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


def test_it_is_built_once_and_whole(programs: Callable[[str, str], None], tmp_path: Path) -> None:
    programs("node", "echo v20.1.0")
    programs("npm", f'echo "$@" >> {tmp_path}/calls; : > installed')
    command = node_adapter_command()
    place = Path(command[1]).parent
    assert command == [str(tmp_path / "bin/node"), str(place / "adapter.mjs")]
    assert {entry.name for entry in place.iterdir()} == SOURCES | {"installed"}
    assert node_adapter_command() == command
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["install --no-audit --no-fund --no-package-lock --ignore-scripts", "run build"]
    assert {entry.name for entry in cache_root().iterdir()} == {place.name, "node.lock"}


def test_a_build_that_fails_leaves_nothing_and_can_be_repeated(
    programs: Callable[[str, str], None],
) -> None:
    programs("node", "echo v22.0.0")
    programs("npm", "echo the registry is asleep; exit 7")
    with pytest.raises(BuildError, match=r"(?s)exit status 7.*the registry is asleep"):
        build_node_adapter()
    assert {entry.name for entry in cache_root().iterdir()} == {"node.lock"}
    programs("npm", "exit 0")
    assert (build_node_adapter() / "adapter.js").is_file()


@pytest.mark.parametrize(
    ("node", "npm", "words"),
    [
        (None, None, "node is not on the PATH, .* install Node.js 20 or later"),
        ("echo v18.20.1", "", "is Node.js v18.20.1, and the adapters need 20 or later"),
        ("exit 1", "", "of an unknown version"),
        ("echo v20.0.0", None, "npm is not on the PATH"),
    ],
)
def test_what_is_missing_is_said(
    programs: Callable[[str, str], None], node: str | None, npm: str | None, words: str
) -> None:
    for name, script in (("node", node), ("npm", npm)):
        if script is not None:
            programs(name, script)
    with pytest.raises(BuildError, match=words):
        node_adapter_command()


def test_a_cache_that_cannot_be_written_to(
    programs: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs("node", "echo v20.0.0")
    programs("npm", "exit 0")
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    with pytest.raises(BuildError, match="Set XDG_CACHE_HOME to a writable directory"):
        build_node_adapter()


def test_a_relative_cache_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    assert cache_root() == tmp_path / ".cache/clasp-e2e"


def test_versions_are_exact() -> None:
    manifest = json.loads(
        (Path(__file__).parents[2] / "clasp_e2e/drivers/adapters/node/package.json").read_text()
    )
    pinned = manifest["dependencies"] | manifest["optionalDependencies"] | manifest["overrides"]
    assert all(version.replace(".", "").isdecimal() for version in pinned.values()), pinned


# Speaking. What follows needs Node and, once, its packages.


@pytest.fixture(scope="session")
def command() -> list[str]:
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js here")
    try:
        return node_adapter_command()
    except BuildError as error:
        pytest.skip(f"the Node adapter cannot be built here: {error}")


async def test_it_speaks_the_protocol_and_nothing_else(command: list[str]) -> None:
    lines = [
        '{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocol": 2}}',
        '{"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": {"protocol": 1}}\r',
        '{"jsonrpc": "2.0", "id": 3, "method": "peer.fly", "params": {}}',
        '{"jsonrpc": "2.0", "id": 4, "method": "peer.close", "params": {"peer": "nobody"}}',
        "not JSON",
        '{"jsonrpc": "2.0", "method": "initialize"}',
    ]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        # It ends by itself when its input does.
        output, _ = await process.communicate("".join(f"{line}\n" for line in lines).encode())
    assert process.returncode == 0
    answers = [json.loads(line) for line in output.decode().splitlines()]
    codes = {(answer["id"], answer.get("error", {}).get("code")) for answer in answers}
    assert codes == {(1, -32602), (2, None), (3, -32601), (4, -32602), (None, -32700), (None, -32600)}
    [described] = [answer["result"] for answer in answers if answer["id"] == 2]
    assert (described["protocol"], described["roles"]) == (1, ["peer"])
    assert "node-datachannel" in described["implementation"]["name"]


class Told(list[P2PEvent]):
    """The events in order; `until` waits for one."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def __call__(self, event: P2PEvent) -> None:
        self.append(event)
        self._news.set()

    async def until(self, *wanted: P2PEvent | type) -> None:
        async with asyncio.timeout(15):
            while not all(any(event in (one, type(one)) for one in self) for event in wanted):
                self._news.clear()
                await self._news.wait()


class World:
    """A router, and drivers of both implementations."""

    def __init__(self, router: Router, node: StdioDriver, reference: ReferenceDriver) -> None:
        self.router, self.drivers = router, {"node": node, "reference": reference}
        self.peers: list[Peer] = []

    async def open(self, driver: str, config: P2PConfig | None = P2PConfig()) -> tuple[Peer, Told]:  # noqa: B008 - frozen
        told = Told()
        peer = await self.drivers[driver].open_peer(
            url=self.router.url, name=driver, p2p=config, on_event=told
        )
        self.peers.append(peer)
        return peer, told


@pytest.fixture
async def world(command: list[str]) -> AsyncIterator[World]:
    reference, node = ReferenceDriver(), StdioDriver(command)
    await node.initialize()
    router = await reference.open_router(host="127.0.0.1", port=0)
    world = World(router, node, reference)
    yield world
    for peer in world.peers:
        await peer.close()
        await peer.end()
    await node.aclose()
    await router.close()


@pytest.mark.parametrize(("one", "other"), [("node", "node"), ("node", "reference"), ("reference", "node")])
async def test_it_connects_and_parts_in_an_orderly_way(world: World, one: str, other: str) -> None:
    alice, alice_told = await world.open(one)
    bob, bob_told = await world.open(other)
    await alice_told.until(PeerAnnounced)
    await alice.connect_to_peer(bob.session_id)
    await alice_told.until(Connected(bob.session_id))
    await bob_told.until(Connected(alice.session_id))
    assert await bob.send_p2p(alice.session_id, b"", True) is SendResult.P2P
    await alice_told.until(Data(bob.session_id, b"", True))
    await bob.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    assert await bob.send_p2p(alice.session_id, b"\x00relayed\xff", False) is SendResult.RELAY
    await alice_told.until(Data(bob.session_id, b"\x00relayed\xff", False))
    # What was sent before an orderly close arrives, although the close follows at once.
    sent = [bytes([number]) * 16384 for number in range(40)]
    for data in sent:
        assert await alice.send_p2p(bob.session_id, data, True) is SendResult.P2P
    await alice.close()
    await bob_told.until(Disconnected)
    assert [event.data for event in bob_told if isinstance(event, Data)] == sent
    assert not await bob.is_peer_connected(alice.session_id)


@pytest.mark.parametrize("other", ["node", "reference"])
async def test_two_offers_that_cross_make_one_connection(world: World, other: str) -> None:
    alice, alice_told = await world.open("node")
    bob, bob_told = await world.open(other)
    await asyncio.gather(alice.connect_to_peer(bob.session_id), bob.connect_to_peer(alice.session_id))
    for told, peer in ((alice_told, bob), (bob_told, alice)):
        await told.until(Connected(peer.session_id))
    assert await alice.send_p2p(bob.session_id, b"a", True) is SendResult.P2P
    assert await bob.send_p2p(alice.session_id, b"b", True) is SendResult.P2P
    await alice_told.until(Data(bob.session_id, b"b", True))
    await bob_told.until(Data(alice.session_id, b"a", True))
    await alice.connect_to_peer(bob.session_id)
    await alice.disconnect_peer(bob.session_id)
    await bob_told.until(Disconnected)
    for told in (alice_told, bob_told):
        kinds = [type(event) for event in told if not isinstance(event, Data | PeerAnnounced)]
        assert kinds == [Connected, Disconnected]


async def test_the_configured_time_out_ends_an_attempt_on_both_sides(world: World) -> None:
    alice, told = await world.open("node", P2PConfig(connection_timeout_secs=1))
    silent, _ = await world.open("node", None)
    await alice.connect_to_peer(silent.session_id)
    await told.until(ConnectionFailed)
    [failed] = [event for event in told if isinstance(event, ConnectionFailed)]
    assert failed.peer_session_id == silent.session_id
    assert "within 1 s" in failed.reason


@pytest.mark.parametrize(("ice_state", "afterwards"), [("connected", "closed"), ("completed", "connected")])
async def test_consent_expires_before_ice_is_completed(
    command: list[str], ice_state: str, afterwards: str
) -> None:
    # Once it is completed, libdatachannel lets consent expire by itself.
    script = Path(__file__).with_name("node_consent.mjs")
    webrtc = Path(command[1]).with_name("webrtc.js").as_uri()
    process = await asyncio.create_subprocess_exec(
        command[0], script, webrtc, ice_state, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate()
    assert output.decode().split() == ["0", ice_state, afterwards]


async def test_what_it_refuses_it_refuses_with_a_reason(world: World) -> None:
    alice, _ = await world.open("node", P2PConfig(auto_fallback=False))
    with pytest.raises(Refused, match="own session"):
        await alice.connect_to_peer(alice.session_id)
    with pytest.raises(Refused, match="auto_fallback is off"):
        await alice.send_p2p("somebody", b"x", True)
    await alice.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    with pytest.raises(Refused, match="p2p_only allows no relay"):
        await alice.send_p2p("somebody", b"x", True)
    await alice.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    with pytest.raises(Refused, match="the relay accepts at most 65000"):
        await alice.send_p2p("somebody", bytes(70000), True)
    without, _ = await world.open("node", None)
    with pytest.raises(Refused, match="P2P is not enabled"):
        await without.connect_to_peer(alice.session_id)
    with pytest.raises(Refused, match="P2P is not enabled"):
        await without.send_p2p(alice.session_id, b"x", True)


async def test_it_ends_at_once_when_connected(world: World) -> None:
    """It parts from nobody: the other side is not told, as of a peer that vanished."""
    alice, alice_told = await world.open("node")
    bob, bob_told = await world.open("reference")
    await alice.connect_to_peer(bob.session_id)
    await alice_told.until(Connected(bob.session_id))
    await bob_told.until(Connected(alice.session_id))
    await alice.end()
    world.peers.remove(alice)
    assert await bob.is_peer_connected(alice.session_id)
    assert not any(isinstance(event, Disconnected) for event in bob_told)
