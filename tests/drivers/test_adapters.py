"""What all included adapters have in common: the protocol, and the meaning of calls and events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from clasp_e2e.drivers import Driver, NotAvailable, Refused
from clasp_e2e.drivers.browser import BrowserDriver, FirefoxDriver
from clasp_e2e.drivers.building import node_adapter_command
from clasp_e2e.drivers.building_go import go_adapter_command, go_adapter_is_built
from clasp_e2e.drivers.building_rust import rust_adapter_command
from clasp_e2e.drivers.go import GoDriver
from clasp_e2e.drivers.libwebrtc import LibwebrtcDriver
from clasp_e2e.drivers.node import NodeDriver, RoamhqDriver, WeriftDriver
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.rust import RustDriver
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.p2p_types import ConnectionFailed, Data, Disconnected, P2PConfig, RoutingMode, SendResult

from .clients import PATIENCE, Clients, call, clients_at, converse

pytestmark = pytest.mark.subprocess


def only_if_built() -> None:
    """Raise `NotAvailable` for the Go adapter of a machine where it is not built: that takes minutes."""
    if not go_adapter_is_built():
        raise NotAvailable("the Go adapter is not built; clasp-e2e build-adapter go builds it")


def go_command() -> list[str]:
    only_if_built()
    return go_adapter_command()


def go_driver() -> Driver:
    only_if_built()
    return GoDriver()


COMMANDS: dict[str, Callable[[], list[str]]] = {
    "node": node_adapter_command,
    "go": go_command,
    "rust": rust_adapter_command,
}
DRIVERS: dict[str, Callable[[], Driver]] = {
    "libwebrtc": LibwebrtcDriver,
    "node": NodeDriver,
    "roamhq": RoamhqDriver,
    "werift": WeriftDriver,
    "go": go_driver,
    "rust": RustDriver,
    "browser": lambda: BrowserDriver(deadline_scale=PATIENCE),
    "firefox": lambda: FirefoxDriver(deadline_scale=PATIENCE),
}
NAMES = ("stdio", *DRIVERS)


@pytest.fixture(scope="session")
def reference_adapter(python_m: list[str]) -> list[str]:
    """The command of the reference adapter."""
    return [*python_m, "clasp_e2e.drivers.adapters.reference"]


@pytest.fixture(params=["reference", *COMMANDS])
def command(request: pytest.FixtureRequest, reference_adapter: list[str]) -> list[str]:
    """The command of each adapter that can be used on this machine."""
    try:
        return reference_adapter if request.param == "reference" else COMMANDS[request.param]()
    except NotAvailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=NAMES)
async def named_driver(
    request: pytest.FixtureRequest, reference_adapter: list[str]
) -> AsyncIterator[tuple[str, Driver]]:
    """Each driver that can be used on this machine, with its name."""
    try:
        of_reference = request.param == "stdio"
        driver = StdioDriver(reference_adapter) if of_reference else DRIVERS[request.param]()
    except NotAvailable as error:
        pytest.skip(str(error))
    await driver.initialize()
    yield request.param, driver
    await driver.aclose()


@pytest.fixture
def driver(named_driver: tuple[str, Driver]) -> str:
    """The name of the driver under test among `clients`."""
    return named_driver[0]


@pytest.fixture
async def clients(named_driver: tuple[str, Driver]) -> AsyncIterator[Clients]:
    """Clients at the driver's own router, or at that of the reference if it has none."""
    name, driver = named_driver
    offered = "router" in (await driver.initialize()).roles
    async with clients_at(driver if offered else ReferenceDriver(), **{name: driver}) as clients:
        yield clients


async def test_adapter_answers_requests_and_rejects_other_lines(command: list[str]) -> None:
    answers, status, _ = await converse(
        command,
        call(1, "initialize", protocol=2).decode(),
        call(2, "initialize", protocol=1).decode() + "\r",
        call(3, "peer.fly").decode(),
        call(4, "peer.close", peer="nobody").decode(),
        "not JSON",
        '{"jsonrpc": "2.0", "method": "initialize"}',
    )
    codes = {(answer["id"], answer.get("error", {}).get("code")) for answer in answers}
    assert codes == {(1, -32602), (2, None), (3, -32601), (4, -32602), (None, -32700), (None, -32600)}
    [described] = [answer["result"] for answer in answers if answer["id"] == 2]
    assert described["protocol"] == 1
    assert "peer" in described["roles"]
    assert status == 0


async def test_adapter_ends_when_its_input_does(command: list[str]) -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    async with asyncio.timeout(20):
        output, _ = await process.communicate(b"")
    assert (process.returncode, output) == (0, b"")


@pytest.mark.parametrize("role", ["offerer", "answerer"])
async def test_peers_connect_and_data_keeps_its_order(clients: Clients, driver: str, role: str) -> None:
    names = (driver, "reference") if role == "offerer" else ("reference", driver)
    alice, alice_events, bob, bob_events = await clients.open_connected(*names)
    assert await alice.is_peer_connected(bob.session_id)
    sent = [bytes([number]) * 1000 for number in range(40)]
    for data in sent:
        assert await alice.send_p2p(bob.session_id, data, True) is SendResult.P2P
    assert await bob.send_p2p(alice.session_id, b"\x00and back\xff", False) is SendResult.P2P
    await bob_events.until(Data, len(sent))
    assert bob_events.of(Data) == [Data(alice.session_id, data, True) for data in sent]
    await alice_events.until(Data(bob.session_id, b"\x00and back\xff", False))
    assert (alice.fault, bob.fault) == (None, None)


async def test_close_is_reported_to_the_other_peer(clients: Clients, driver: str) -> None:
    if driver == "rust":
        pytest.skip("the Rust client does not report it (EVT-3)")
    alice, _, bob, bob_events = await clients.open_connected(driver, driver)
    await alice.close()
    await bob_events.until(Disconnected)
    assert not await bob.is_peer_connected(alice.session_id)


# Those in browsers, the last two, are killed in `test_browser.py`.
@pytest.mark.parametrize("named_driver", NAMES[:-2], indirect=True)
async def test_killed_peer_says_nothing(clients: Clients, driver: str) -> None:
    alice, _, bob, bob_events = await clients.open_connected(driver, "reference", killable=True)
    carol, _ = await clients.open("reference")
    await alice.kill()
    # When this has come through the router, a farewell would have come as well.
    assert await carol.send_p2p(bob.session_id, b"barrier", True) is SendResult.RELAY
    await bob_events.until(Data)
    assert bob_events.of(Disconnected) == []
    assert await bob.is_peer_connected(alice.session_id)


async def test_routing_mode_is_set_and_read(clients: Clients, driver: str) -> None:
    peer, _ = await clients.open(driver)
    for mode in (RoutingMode.SERVER_ONLY, RoutingMode.P2P_ONLY, RoutingMode.PREFER_P2P):
        await peer.set_p2p_routing_mode(mode)
        assert await peer.p2p_routing_mode() is mode


async def test_configured_timeout_ends_an_attempt(clients: Clients, driver: str) -> None:
    peer, events = await clients.open(driver, P2PConfig(connection_timeout_secs=1))
    silent, _ = await clients.open("reference", None)
    await peer.connect_to_peer(silent.session_id)
    failed = await events.until(ConnectionFailed)
    assert failed.peer_session_id == silent.session_id
    assert failed.reason


async def test_peer_without_p2p_refuses_calls(clients: Clients, driver: str) -> None:
    peer, _ = await clients.open(driver, None)
    with pytest.raises(Refused, match=r"P2P (is )?not "):
        await peer.connect_to_peer("somebody")
    with pytest.raises(Refused, match=r"P2P (is )?not "):
        await peer.send_p2p("somebody", b"x", True)
