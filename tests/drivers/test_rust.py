"""The Rust adapter: how it is built, and what it does in addition to `test_adapters.py`."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clasp_e2e.drivers import NotOffered, Refused
from clasp_e2e.drivers.building import BuildError, cache_root
from clasp_e2e.drivers.building_rust import build_rust_adapter, rust_adapter_command
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver
from clasp_e2e.drivers.rust import RustDriver
from clasp_e2e.p2p_types import ConnectionFailed, P2PConfig, RoutingMode

from .clients import Clients, Put, call, clients_at, converse, programs_in

ADAPTER = Path(__file__).parents[2] / "clasp_e2e/drivers/adapters/rust"

# A stand-in for cargo, which makes an empty program.
CARGO = r"""
while [ "$1" != --target-dir ]; do shift; done
[ -f src/main.rs ] && [ -f Cargo.toml ] || exit 9
: > Cargo.lock
mkdir -p "$2/release" && : > "$2/release/clasp-e2e-rust-adapter"
"""

# Building


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """A PATH with mkdir and what is put there, and an empty cache."""
    put = programs_in(tmp_path, monkeypatch)
    (tmp_path / "bin/mkdir").symlink_to(shutil.which("mkdir", path="/bin:/usr/bin") or "/bin/mkdir")
    return put


@pytest.fixture
def tools(programs: Put) -> Put:
    """Provide everything that the build needs except cargo."""
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
def test_missing_programs_are_all_named(programs: Put, missing: set[str], words: list[str]) -> None:
    scripts = {"cargo": CARGO, "cc": "", "pkg-config": f"exit {int('openssl' in missing)}"}
    for name in scripts.keys() - missing:
        programs(name, scripts[name])
    with pytest.raises(BuildError) as error:
        build_rust_adapter()
    head, *listed = str(error.value).splitlines()
    assert head == "the Rust adapter cannot be built on this machine. Missing:"
    assert len(listed) == len(words)
    assert all(word in line for word, line in zip(words, listed, strict=True))


def test_driver_without_a_build_says_how_to_build_it(programs: Put) -> None:
    with pytest.raises(BuildError, match="Run: clasp-e2e build-adapter rust"):
        rust_adapter_command()
    with pytest.raises(UnknownDriver, match=r"^the Rust adapter is not built yet"):
        resolve_driver("rust")


def test_unwritable_cache_is_an_error_with_advice(
    tools: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools("cargo", CARGO)
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    with pytest.raises(BuildError, match="Set XDG_CACHE_HOME to a writable directory"):
        build_rust_adapter()


def test_versions_are_exact_and_the_reported_one_is_pinned() -> None:
    dependencies = tomllib.loads((ADAPTER / "Cargo.toml").read_text())["dependencies"]
    pins = {name: pin if isinstance(pin, str) else pin["version"] for name, pin in dependencies.items()}
    assert all(re.fullmatch(r"=\d+\.\d+\.\d+", pin) for pin in pins.values()), pins
    reported = re.search(r'IMPLEMENTATION_VERSION: &str = "(.*)"', (ADAPTER / "src/main.rs").read_text())
    assert reported is not None
    assert {pins["clasp-client"], pins["clasp-router"]} == {f"={reported[1]}"}
    assert not (ADAPTER / "Cargo.lock").exists()


# What follows needs the adapter, built from these sources.


@pytest.fixture(scope="session")
def command() -> list[str]:
    try:
        return rust_adapter_command()
    except BuildError as error:
        pytest.skip(str(error))


async def test_adapter_rejects_incomplete_and_unsupported_calls(command: list[str]) -> None:
    answers, _, _ = await converse(
        command,
        call(1, "initialize", protocol=1).decode(),
        call(2, "peer.disconnect_peer", peer="nobody").decode(),
        call(3, "peer.open", peer="p", p2p=None).decode(),
    )
    answers.sort(key=lambda answer: answer["id"])  # The order of answers is free.
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32601, -32602]
    assert answers[0]["result"]["processes"] == "per_peer"
    assert answers[0]["result"]["implementation"]["language"] == "Rust"


@pytest.fixture
async def clients(command: list[str]) -> AsyncIterator[Clients]:
    rust = RustDriver()
    await rust.initialize()
    async with clients_at(ReferenceDriver(), rust=rust) as clients:
        yield clients
    await rust.aclose()


async def test_peers_connect_over_the_router_of_the_reference(clients: Clients) -> None:
    await clients.open_connected("rust", "reference")
    await clients.open_connected("reference", "rust")


async def test_refusal_has_the_words_of_the_client(clients: Clients) -> None:
    alice, _ = await clients.open("rust", None)
    with pytest.raises(Refused, match="P2P not configured"):
        await alice.connect_to_peer("nobody")
    bob, _ = await clients.open("rust")
    await bob.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    with pytest.raises(Refused, match="P2P not connected to peer: nobody"):
        await bob.send_p2p("nobody", b"data", True)
    with pytest.raises(NotOffered):
        await bob.disconnect_peer("nobody")


async def test_failure_has_the_reason_of_the_client(clients: Clients) -> None:
    alice, events = await clients.open("rust", P2PConfig(connection_timeout_secs=1))
    silent, _ = await clients.open("rust", None)
    await alice.connect_to_peer(silent.session_id)
    failed = await events.until(ConnectionFailed)
    assert failed == ConnectionFailed(silent.session_id, "Connection timed out after 1 seconds")
