"""The Node adapter: how it is built, and what it does in addition to `test_adapters.py`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clasp_e2e.drivers import Refused
from clasp_e2e.drivers.building import BuildError, build_node_adapter, cache_root, node_adapter_command
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.p2p_types import (
    Connected,
    Data,
    Disconnected,
    P2PConfig,
    PeerAnnounced,
    RoutingMode,
    SendResult,
)

from .clients import Clients, Put, clients_at, programs_in

SOURCES = {"adapter.js", "calls.js", "connections.js", "errors.js", "negotiation.js", "peer.js"}
SOURCES |= {"lines.js", "signals.js", "webrtc.js", "package.json"}


# Building


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    return programs_in(tmp_path, monkeypatch)


def test_adapter_is_built_once_with_all_sources(programs: Put, tmp_path: Path) -> None:
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


def test_failed_build_leaves_nothing_and_can_be_repeated(
    programs: Put,
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
def test_missing_program_is_named(programs: Put, node: str | None, npm: str | None, words: str) -> None:
    for name, script in (("node", node), ("npm", npm)):
        if script is not None:
            programs(name, script)
    with pytest.raises(BuildError, match=words):
        node_adapter_command()


def test_unwritable_cache_is_an_error_with_advice(
    programs: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs("node", "echo v20.0.0")
    programs("npm", "exit 0")
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    with pytest.raises(BuildError, match="Set XDG_CACHE_HOME to a writable directory"):
        build_node_adapter()


def test_relative_cache_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
    try:
        return node_adapter_command()
    except BuildError as error:
        pytest.skip(f"the Node adapter cannot be built here: {error}")


@pytest.fixture
async def clients(command: list[str]) -> AsyncIterator[Clients]:
    node = StdioDriver(command)
    await node.initialize()
    async with clients_at(ReferenceDriver(), node=node) as clients:
        yield clients
    await node.aclose()


@pytest.mark.parametrize(("one", "other"), [("node", "node"), ("node", "reference"), ("reference", "node")])
async def test_relayed_and_empty_data_and_data_before_a_close_arrive(
    clients: Clients, one: str, other: str
) -> None:
    alice, alice_events, bob, bob_events = await clients.open_connected(one, other)
    await alice_events.until(PeerAnnounced)
    assert await bob.send_p2p(alice.session_id, b"", True) is SendResult.P2P
    await alice_events.until(Data(bob.session_id, b"", True))
    await bob.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    assert await bob.send_p2p(alice.session_id, b"\x00relayed\xff", False) is SendResult.RELAY
    await alice_events.until(Data(bob.session_id, b"\x00relayed\xff", False))
    sent = [bytes([number]) * 16384 for number in range(40)]
    for data in sent:
        assert await alice.send_p2p(bob.session_id, data, True) is SendResult.P2P
    await alice.close()
    await bob_events.until(Disconnected)
    arrived = [event.data for event in bob_events.of(Data)]
    if one == other == "node":  # A close can overtake the last messages: reports/node/overtaking_close.js.
        assert len(arrived) > len(sent) // 2
        sent = sent[: len(arrived)]
    assert arrived == sent


@pytest.mark.parametrize("other", ["node", "reference"])
async def test_two_offers_that_cross_make_one_connection(clients: Clients, other: str) -> None:
    alice, alice_events = await clients.open("node")
    bob, bob_events = await clients.open(other)
    await asyncio.gather(alice.connect_to_peer(bob.session_id), bob.connect_to_peer(alice.session_id))
    await alice_events.until(Connected(bob.session_id))
    await bob_events.until(Connected(alice.session_id))
    assert await alice.send_p2p(bob.session_id, b"a", True) is SendResult.P2P
    assert await bob.send_p2p(alice.session_id, b"b", True) is SendResult.P2P
    await alice_events.until(Data(bob.session_id, b"b", True))
    await bob_events.until(Data(alice.session_id, b"a", True))
    await alice.connect_to_peer(bob.session_id)
    await alice.disconnect_peer(bob.session_id)
    await bob_events.until(Disconnected)
    for events in (alice_events, bob_events):
        kinds = [type(event) for event in events if not isinstance(event, Data | PeerAnnounced)]
        assert kinds == [Connected, Disconnected]


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


async def test_refusals_have_a_reason(clients: Clients) -> None:
    alice, _ = await clients.open("node", P2PConfig(auto_fallback=False))
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
