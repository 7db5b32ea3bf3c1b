"""The adapter of clasp-wasm in Chromium: how it is built, and what it passes on."""

from __future__ import annotations

import asyncio
import re
import shutil
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from clasp_e2e.drivers import NotAvailable, NotOffered, Refused
from clasp_e2e.drivers.browser import WasmDriver
from clasp_e2e.drivers.building import BuildError, cache_root
from clasp_e2e.drivers.building_wasm import BROWSER, TARGET, build_wasm_adapter, wasm_adapter_command
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver
from clasp_e2e.p2p_types import Connected, Disconnected, PeerAnnounced, RoutingMode

from .clients import PATIENCE, Clients, Put, clients_at, programs_in

ADAPTER = Path(__file__).parents[2] / "clasp_e2e/drivers/adapters/wasm"

# A stand-in for cargo, which makes an empty module, and then empty bindings.
CARGO = rf"""
command=$1
while [ "$1" != --target-dir ]; do shift; done
[ -f src/lib.rs ] && [ -f bindings/src/main.rs ] && [ -f Cargo.toml ] || exit 9
module="$2/{TARGET}/release/clasp_e2e_wasm_adapter.wasm"
if [ $command = build ]; then : > Cargo.lock; mkdir -p "${{module%/*}}" && : > "$module"; exit; fi
[ -f "$module" ] && [ "$module" = "$4" ] && : > "$5/clasp_wasm.js" && : > "$5/clasp_wasm_bg.wasm"
"""

# Building


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """A PATH with mkdir and what is put there, and an empty cache."""
    put = programs_in(tmp_path, monkeypatch)
    (tmp_path / "bin/mkdir").symlink_to(shutil.which("mkdir", path="/bin:/usr/bin") or "/bin/mkdir")
    return put


@pytest.fixture
def tools(programs: Put, tmp_path: Path) -> Put:
    """Provide everything that the build needs except cargo."""
    programs("cc", "exit 0")
    programs("node", "echo v20.1.0")
    programs("rustc", f"echo {tmp_path}")
    return programs


def test_module_is_compiled_once_and_the_adapter_is_made_around_it(tools: Put) -> None:
    tools("cargo", CARGO)
    place = build_wasm_adapter()
    own = {"page.mjs", "package.json", "clasp_wasm.js", "clasp_wasm_bg.wasm", "lines.js"}
    assert {entry.name for entry in place.iterdir()} == own | set(BROWSER)
    assert wasm_adapter_command()[1] == str(place / "adapter.js")
    [module] = cache_root().glob("wasm-module-*")
    assert (module / "Cargo.lock").is_file()
    kept = {entry.name for entry in cache_root().iterdir()}
    assert kept == {place.name, module.name, "wasm.lock", "wasm-module.lock"}
    tools("cargo", "exit 101")
    assert build_wasm_adapter() == place


def test_failed_build_can_be_repeated(tools: Put) -> None:
    tools("cargo", "exit 101")
    with pytest.raises(BuildError, match=r"build the wasm adapter \(exit status 101\); see its messages"):
        build_wasm_adapter()
    tools("cargo", CARGO)
    assert build_wasm_adapter().is_dir()


def test_missing_target_is_named(tools: Put) -> None:
    tools("cargo", CARGO)
    tools("rustc", "echo /nowhere")
    with pytest.raises(BuildError, match=f"(?s)Missing:.*`rustup target add {TARGET}`"):
        build_wasm_adapter()


def test_driver_without_a_build_says_how_to_build_it(programs: Put) -> None:
    programs("chromium", "")
    with pytest.raises(UnknownDriver, match="Run: clasp-e2e build-adapter wasm"):
        resolve_driver("wasm")


def test_versions_are_exact_and_those_that_belong_together_agree() -> None:
    def pins(manifest: str) -> dict[str, str]:
        found: dict[str, Any] = tomllib.loads((ADAPTER / manifest).read_text())["dependencies"]
        return {name: pin if isinstance(pin, str) else pin["version"] for name, pin in found.items()}

    module, bindings = pins("Cargo.toml"), pins("bindings/Cargo.toml")
    assert all(re.fullmatch(r"=\d+\.\d+\.\d+", pin) for pin in [*module.values(), *bindings.values()])
    assert bindings["wasm-bindgen-cli-support"] == module["wasm-bindgen"]
    reported = re.search(r"version: '(.*)'", (ADAPTER / "page.mjs").read_text())
    assert reported is not None
    assert module["clasp-wasm"] == f"={reported[1]}"


# In Chromium, if it is built


@pytest.fixture(scope="module")
async def clients() -> AsyncIterator[Clients]:
    """Clients of clasp-wasm, which share a browser, and of the reference."""
    try:
        driver = WasmDriver(deadline_scale=PATIENCE)
    except NotAvailable as error:
        pytest.skip(str(error))
    await driver.initialize()
    async with clients_at(ReferenceDriver(), wasm=driver) as clients:
        yield clients
    await driver.aclose()


@pytest.mark.subprocess
@pytest.mark.parametrize("names", [("wasm", "reference"), ("reference", "wasm")])
async def test_events_are_passed_on(clients: Clients, names: tuple[str, str]) -> None:
    one, one_events, other, other_events = await clients.open_connected(*names)
    assert await one.is_peer_connected(other.session_id)
    await one_events.until(PeerAnnounced(other.session_id, ("webrtc", "reliable", "unreliable")))
    await one.disconnect_peer(other.session_id)
    await other_events.until(Disconnected)
    assert not await one.is_peer_connected(other.session_id)


@pytest.mark.subprocess
async def test_nothing_is_added_to_what_clasp_wasm_has(clients: Clients) -> None:
    one, events = await clients.open("wasm")
    other, other_events = await clients.open("wasm")
    for call in (
        one.send_p2p(other.session_id, b"x", True),
        one.set_p2p_routing_mode(RoutingMode.P2P_ONLY),
        one.p2p_routing_mode(),
        one.close(),
    ):
        with pytest.raises(NotOffered):
            await call
    # Two of the kind connect, and no event says so (EVT-1).
    await one.connect_to_peer(other.session_id)
    async with asyncio.timeout(20):
        while not await other.is_peer_connected(one.session_id):
            pass
    assert [*events.of(Connected), *other_events.of(Connected)] == []


@pytest.mark.subprocess
async def test_client_without_p2p_has_no_manager(clients: Clients) -> None:
    peer, _ = await clients.open("wasm", None)
    with pytest.raises(Refused, match="P2P is not enabled"):
        await peer.connect_to_peer("somebody")
