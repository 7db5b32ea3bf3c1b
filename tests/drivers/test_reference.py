"""The reference implementation, in this process and behind the driver protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from clasp_e2e.drivers import CAPABILITIES, Driver, Peer, Refused, Router
from clasp_e2e.drivers.reference import ReferenceDriver, ReferencePeer
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.p2p_types import Connected, Data, Disconnected, P2PConfig, RoutingMode, SendResult

from .clients import Events, converse


@pytest.fixture(scope="session")
def adapter(python_m: list[str]) -> list[str]:
    """The command line of the reference adapter."""
    return [*python_m, "clasp_e2e.drivers.adapters.reference"]


@pytest.fixture(scope="module", params=["in process", "stdio"])
async def driver(request: pytest.FixtureRequest, adapter: list[str]) -> AsyncIterator[Driver]:
    """The reference driver, or its adapter."""
    chosen: Driver = ReferenceDriver() if request.param == "in process" else StdioDriver(adapter)
    await chosen.initialize()
    yield chosen
    await chosen.aclose()


@pytest.fixture
async def router() -> AsyncIterator[Router]:
    opened = await ReferenceDriver().open_router(host="127.0.0.1", port=0)
    yield opened
    await opened.close()


async def attach(driver: Driver, router: Router, events: Events) -> Peer:
    return await driver.open_peer(url=router.url, name="x", p2p=P2PConfig(), on_event=events)


async def test_description_declares_every_role_and_capability(driver: Driver) -> None:
    description = await driver.initialize()
    assert description.roles == {"peer", "router"}
    assert description.capabilities == CAPABILITIES


async def test_two_peers_connect_and_send_both_ways(driver: Driver, router: Router) -> None:
    events = Events(), Events()
    alice, bob = await asyncio.gather(*(attach(driver, router, each) for each in events))
    await alice.connect_to_peer(bob.session_id)
    await asyncio.gather(*(each.until(Connected) for each in events))
    assert await alice.is_peer_connected(bob.session_id)
    assert await alice.send_p2p(bob.session_id, b"to bob", True) is SendResult.P2P
    assert await bob.send_p2p(alice.session_id, bytes(16384), True) is SendResult.P2P
    await asyncio.gather(*(each.until(Data) for each in events))
    assert [each.of(Data) for each in events] == [
        [Data(bob.session_id, bytes(16384), True)],
        [Data(alice.session_id, b"to bob", True)],
    ]
    await alice.disconnect_peer(bob.session_id)
    await events[1].until(Disconnected)
    await alice.close()
    await bob.close()
    await asyncio.gather(alice.end(), bob.end())
    assert (alice.fault, bob.fault) == (None, None)


async def test_relayed_payload_arrives(driver: Driver, router: Router) -> None:
    events = Events(), Events()
    alice, bob = await asyncio.gather(*(attach(driver, router, each) for each in events))
    assert await alice.p2p_routing_mode() is RoutingMode.PREFER_P2P
    await alice.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    assert await alice.p2p_routing_mode() is RoutingMode.SERVER_ONLY
    assert await alice.send_p2p(bob.session_id, b"", True) is SendResult.RELAY
    await events[1].until(Data)
    assert events[1].of(Data) == [Data(alice.session_id, b"", True)]
    await asyncio.gather(alice.end(), bob.end())


async def test_killable_peer_is_killed_twice(driver: Driver, router: Router) -> None:
    peer = await driver.open_killable_peer(url=router.url, name="plain", p2p=None, on_event=Events())
    await peer.kill()
    await peer.kill()


async def test_router_serves_and_a_port_in_use_is_refused(driver: Driver) -> None:
    router = await driver.open_router(host="127.0.0.1", port=0)
    peer = await driver.open_peer(url=router.url, name="x", p2p=P2PConfig(), on_event=Events())
    with pytest.raises(Refused, match="in use"):
        await driver.open_router(host="127.0.0.1", port=int(router.url.rpartition(":")[2]))
    await peer.close()
    await peer.end()
    await router.close()


async def test_peer_cannot_attach_to_a_router_that_has_closed(driver: Driver, router: Router) -> None:
    await router.close()
    with pytest.raises(Refused):
        await driver.open_peer(url=router.url, name="x", p2p=None, on_event=Events())


async def test_reference_shows_its_channels(router: Router) -> None:
    events = Events(), Events()
    alice, bob = [await attach(ReferenceDriver(), router, each) for each in events]
    await alice.connect_to_peer(bob.session_id)
    await asyncio.gather(*(each.until(Connected) for each in events))
    assert isinstance(bob, ReferencePeer)
    assert set(bob.channels(alice.session_id)) == {("clasp", False, 0), ("clasp-reliable", True, None)}
    await asyncio.gather(alice.kill(), bob.kill())


async def test_scripts_reach_the_peer_and_the_router() -> None:
    seen: set[str] = set()

    def note(effect: object) -> tuple[object]:
        seen.add(f"{type(effect).__module__}.{type(effect).__name__}")
        return (effect,)

    driver = ReferenceDriver(lambda builder: builder.script(note), lambda: note)  # pyright: ignore[reportArgumentType]
    router = await driver.open_router(host="127.0.0.1", port=0)
    peer = await driver.open_peer(url=router.url, name="x", p2p=P2PConfig(), on_event=Events())
    await peer.kill()
    await router.close()
    assert {"clasp_e2e.peer.effects.SubscribeTo", "clasp_e2e.router.effects.Deliver"} <= seen


async def test_adapter_writes_nothing_to_standard_error_at_a_shutdown(adapter: list[str]) -> None:
    answers, status, errors = await converse(adapter)
    assert (answers, status, errors) == ([], 0, b"")


@pytest.mark.parametrize(("options", "shared"), [((), True), (("--processes", "per_peer"), False)])
async def test_adapter_has_all_peers_in_one_process_unless_asked_not_to(
    router: Router, adapter: list[str], options: tuple[str, ...], shared: bool
) -> None:
    driver = StdioDriver([*adapter, *options])
    await driver.initialize()
    peers = [await attach(driver, router, Events()) for _ in range(2)]
    assert (peers[0].process_group == peers[1].process_group) is shared
    for peer in peers:
        await peer.end()
    await driver.aclose()
