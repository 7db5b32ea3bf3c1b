"""The Rust adapter: how it is built, how it speaks, and that it maps calls and events one to one."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tomllib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from clasp_e2e.drivers import Driver, NotOffered, Peer, Refused, Router
from clasp_e2e.drivers.building import BuildError, cache_root
from clasp_e2e.drivers.building_rust import build_rust_adapter, rust_adapter_command
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver
from clasp_e2e.drivers.rust import RustDriver
from clasp_e2e.p2p_types import (
    Connected,
    ConnectionFailed,
    Data,
    P2PConfig,
    P2PEvent,
    RoutingMode,
    SendResult,
)

ADAPTER = Path(__file__).parents[2] / "clasp_e2e/drivers/adapters/rust"

# A stand-in for cargo, which makes an empty program.
CARGO = r"""
while [ "$1" != --target-dir ]; do shift; done
[ -f src/main.rs ] && [ -f Cargo.toml ] || exit 9
: > Cargo.lock
mkdir -p "$2/release" && : > "$2/release/clasp-e2e-rust-adapter"
"""

# Building

Put = Callable[[str, str], None]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """A PATH with mkdir and what is put there, and a cache of its own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mkdir").symlink_to(shutil.which("mkdir") or "/bin/mkdir")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


@pytest.fixture
def tools(programs: Put) -> Put:
    """All that the build needs beside cargo."""
    programs("cc", "exit 0")
    programs("pkg-config", "exit 0")
    return programs


def test_rust_adapter_is_built_once(tools: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    tools("cargo", CARGO)
    program = build_rust_adapter()
    assert rust_adapter_command() == [str(program)]
    assert {entry.name for entry in cache_root().iterdir()} == {program.parent.name, "rust.lock"}
    # The versions of crates that Cargo.toml does not pin are part of the evidence.
    assert {program.name, "Cargo.lock"} <= {entry.name for entry in program.parent.iterdir()}
    monkeypatch.setenv("PATH", "")
    assert build_rust_adapter() == program


def test_failed_build_names_the_reason_and_can_be_repeated(
    tools: Put, capfd: pytest.CaptureFixture[str]
) -> None:
    tools("cargo", 'echo "error: the registry is asleep" >&2; exit 101')
    with pytest.raises(BuildError, match=r"exit status 101\); see its messages above"):
        build_rust_adapter()
    assert "the registry is asleep" in capfd.readouterr().err
    assert {entry.name for entry in cache_root().iterdir()} == {"rust.lock"}
    tools("cargo", CARGO)
    assert build_rust_adapter().is_file()


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"cargo"}, ["cargo, which comes with Rust: see https://rustup.rs"]),
        ({"cc"}, ["a C compiler"]),
        ({"pkg-config"}, ["pkg-config: the package", "libssl-dev"]),
        ({"openssl"}, ["libssl-dev"]),
        ({"cargo", "cc", "pkg-config"}, ["cargo, which", "a C compiler", "pkg-config:", "libssl-dev"]),
    ],
)
def test_what_is_missing_is_said_at_once(programs: Put, missing: set[str], words: list[str]) -> None:
    scripts = {"cargo": CARGO, "cc": "", "pkg-config": f"exit {int('openssl' in missing)}"}
    for name in scripts.keys() - missing:
        programs(name, scripts[name])
    with pytest.raises(BuildError) as told:
        build_rust_adapter()
    head, *listed = str(told.value).splitlines()
    assert head == "the Rust adapter cannot be built on this machine. Missing:"
    assert len(listed) == len(words)
    assert all(word in line for word, line in zip(words, listed, strict=True))


def test_a_driver_that_is_not_built_says_how(programs: Put) -> None:
    with pytest.raises(BuildError, match="Run: clasp-e2e build-adapter rust"):
        rust_adapter_command()
    with pytest.raises(UnknownDriver, match=r"^the Rust adapter is not built yet"):
        resolve_driver("rust")


def test_a_cache_that_cannot_be_written_to(
    tools: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools("cargo", CARGO)
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    with pytest.raises(BuildError, match="Set XDG_CACHE_HOME to a writable directory"):
        build_rust_adapter()


def test_versions_are_exact_and_the_one_told_is_the_one_pinned() -> None:
    dependencies = tomllib.loads((ADAPTER / "Cargo.toml").read_text())["dependencies"]
    pins = {name: pin if isinstance(pin, str) else pin["version"] for name, pin in dependencies.items()}
    assert all(re.fullmatch(r"=\d+\.\d+\.\d+", pin) for pin in pins.values()), pins
    told = re.search(r'IMPLEMENTATION_VERSION: &str = "(.*)"', (ADAPTER / "src/main.rs").read_text())
    assert told is not None
    assert {pins["clasp-client"], pins["clasp-router"]} == {f"={told[1]}"}
    assert not (ADAPTER / "Cargo.lock").exists()


# Speaking. What follows needs the adapter, built from these sources.


@pytest.fixture(scope="session")
def command() -> list[str]:
    try:
        return rust_adapter_command()
    except BuildError as error:
        pytest.skip(str(error))


async def test_it_speaks_the_protocol_and_nothing_else(command: list[str]) -> None:
    lines = [
        '{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocol": 2}}',
        '{"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": {"protocol": 1}}\r',
        '{"jsonrpc": "2.0", "id": 3, "method": "peer.disconnect_peer", "params": {"peer": "nobody"}}',
        '{"jsonrpc": "2.0", "id": 4, "method": "peer.close", "params": {"peer": "nobody"}}',
        '{"jsonrpc": "2.0", "id": 5, "method": "peer.open", "params": {"peer": "p", "p2p": null}}',
        "not JSON",
        '{"jsonrpc": "2.0", "method": "initialize"}',
    ]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(20):
        process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        answers = [json.loads(await process.stdout.readline()) for _ in lines]
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 6, "method": "shutdown"}\n')
        assert json.loads(await process.stdout.readline()) == {"jsonrpc": "2.0", "id": 6, "result": {}}
        # It ends by itself once it was asked to.
        assert await process.stdout.read() == b""
        assert await process.wait() == 0
    process.stdin.close()
    codes = {(answer["id"], answer.get("error", {}).get("code")) for answer in answers}
    assert codes == {
        (1, -32602),
        (2, None),
        (3, -32601),
        (4, -32602),
        (5, -32602),
        (None, -32700),
        (None, -32600),
    }
    [described] = [answer["result"] for answer in answers if answer["id"] == 2]
    assert (described["protocol"], described["processes"]) == (1, "per_peer")
    assert described["implementation"]["language"] == "Rust"


async def test_it_ends_when_its_input_does(command: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate(b"")
    assert (process.returncode, output) == (0, b"")


class Told(list[P2PEvent]):
    """The events in order; `until` waits for one."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def __call__(self, event: P2PEvent) -> None:
        self.append(event)
        self._news.set()

    async def until(self, wanted: P2PEvent | type) -> P2PEvent:
        async with asyncio.timeout(15):
            while not (found := [event for event in self if wanted in (event, type(event))]):
                self._news.clear()
                await self._news.wait()
        return found[0]


class World:
    """A router of one implementation, and peers of both."""

    def __init__(self, router: Router, drivers: dict[str, Driver]) -> None:
        self.router, self.drivers = router, drivers
        self.peers: list[Peer] = []

    async def open(self, driver: str, config: P2PConfig | None = P2PConfig()) -> tuple[Peer, Told]:  # noqa: B008 - frozen
        told = Told()
        peer = await self.drivers[driver].open_peer(
            url=self.router.url, name=driver, p2p=config, on_event=told
        )
        self.peers.append(peer)
        return peer, told


@pytest.fixture(params=["rust", "reference"])
async def world(request: pytest.FixtureRequest, command: list[str]) -> AsyncIterator[World]:
    """A world with the router of either implementation."""
    drivers: dict[str, Driver] = {"rust": RustDriver(), "reference": ReferenceDriver()}
    for driver in drivers.values():
        await driver.initialize()
    world = World(await drivers[request.param].open_router(host="127.0.0.1", port=0), drivers)
    yield world
    for peer in world.peers:
        await peer.end()
    await world.router.close()
    for driver in drivers.values():
        await driver.aclose()


@pytest.mark.parametrize(("one", "other"), [("rust", "reference"), ("reference", "rust")])
async def test_calls_and_events_are_handed_on(world: World, one: str, other: str) -> None:
    alice, alice_told = await world.open(one)
    bob, bob_told = await world.open(other)
    await alice.connect_to_peer(bob.session_id)
    await alice_told.until(Connected(bob.session_id))
    await bob_told.until(Connected(alice.session_id))
    assert await alice.is_peer_connected(bob.session_id)
    assert await alice.send_p2p(bob.session_id, b"\x00there\xff", True) is SendResult.P2P
    await bob_told.until(Data(alice.session_id, b"\x00there\xff", True))
    assert await bob.send_p2p(alice.session_id, b"and back", False) is SendResult.P2P
    await alice_told.until(Data(bob.session_id, b"and back", False))


async def test_every_mode_is_set_and_read(world: World) -> None:
    alice, _ = await world.open("rust")
    for mode in (RoutingMode.SERVER_ONLY, RoutingMode.P2P_ONLY, RoutingMode.PREFER_P2P):
        await alice.set_p2p_routing_mode(mode)
        assert await alice.p2p_routing_mode() is mode


async def test_what_the_client_refuses_is_refused_in_its_words(world: World) -> None:
    alice, _ = await world.open("rust", None)
    with pytest.raises(Refused, match="P2P not configured"):
        await alice.connect_to_peer("nobody")
    bob, _ = await world.open("rust")
    await bob.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    with pytest.raises(Refused, match="P2P not connected to peer: nobody"):
        await bob.send_p2p("nobody", b"data", True)
    with pytest.raises(NotOffered):
        await bob.disconnect_peer("nobody")


async def test_the_configured_time_out_is_the_client_s(world: World) -> None:
    alice, told = await world.open("rust", P2PConfig(connection_timeout_secs=1))
    silent, _ = await world.open("rust", None)
    await alice.connect_to_peer(silent.session_id)
    failed = await told.until(ConnectionFailed)
    assert failed == ConnectionFailed(silent.session_id, "Connection timed out after 1 seconds")
