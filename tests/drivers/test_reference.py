"""The reference implementation, in this process and behind the driver protocol."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import pytest

from clasp_e2e.drivers import CAPABILITIES, Driver, Peer, Refused, Router
from clasp_e2e.drivers.reference import ReferenceDriver, ReferencePeer
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.p2p_types import Connected, Data, Disconnected, P2PConfig, RoutingMode, SendResult

from .test_stdio import Told

ADAPTER = [sys.executable, "-m", "clasp_e2e.drivers.adapters.reference"]


@pytest.fixture(scope="module", params=["in process", "stdio"])
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[Driver]:
    """The reference driver, or its adapter."""
    chosen: Driver = ReferenceDriver() if request.param == "in process" else StdioDriver(ADAPTER)
    await chosen.initialize()
    yield chosen
    await chosen.aclose()


@pytest.fixture
async def router() -> AsyncIterator[Router]:
    opened = await ReferenceDriver().open_router(host="127.0.0.1", port=0)
    yield opened
    await opened.close()


async def test_it_offers_everything(driver: Driver) -> None:
    description = await driver.initialize()
    assert description.roles == {"peer", "router"}
    assert description.capabilities == CAPABILITIES


async def test_two_peers_connect_and_send_both_ways(driver: Driver, router: Router) -> None:
    heard = Told(), Told()
    alice, bob = await asyncio.gather(*(attach(driver, router, told) for told in heard))
    await alice.connect_to_peer(bob.session_id)
    await asyncio.gather(*(told.until(Connected) for told in heard))
    assert await alice.is_peer_connected(bob.session_id)
    assert await alice.send_p2p(bob.session_id, b"to bob", True) is SendResult.P2P
    assert await bob.send_p2p(alice.session_id, bytes(16384), True) is SendResult.P2P
    await asyncio.gather(*(told.until(Data) for told in heard))
    assert [told.of(Data) for told in heard] == [
        [Data(bob.session_id, bytes(16384), True)],
        [Data(alice.session_id, b"to bob", True)],
    ]
    await alice.disconnect_peer(bob.session_id)
    await heard[1].until(Disconnected)
    await alice.close()
    await bob.close()
    await asyncio.gather(alice.end(), bob.end())
    assert (alice.fault, bob.fault) == (None, None)


async def test_a_relayed_payload_arrives(driver: Driver, router: Router) -> None:
    heard = Told(), Told()
    alice, bob = await asyncio.gather(*(attach(driver, router, told) for told in heard))
    assert await alice.p2p_routing_mode() is RoutingMode.PREFER_P2P
    await alice.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
    assert await alice.p2p_routing_mode() is RoutingMode.SERVER_ONLY
    assert await alice.send_p2p(bob.session_id, b"", True) is SendResult.RELAY
    await heard[1].until(Data)
    assert heard[1].of(Data) == [Data(alice.session_id, b"", True)]
    await asyncio.gather(alice.end(), bob.end())


async def test_a_peer_without_p2p_refuses(driver: Driver, router: Router) -> None:
    peer = await driver.open_killable_peer(url=router.url, name="plain", p2p=None, on_event=Told())
    with pytest.raises(Refused):
        await peer.connect_to_peer("somebody")
    with pytest.raises(Refused):
        await peer.send_p2p("somebody", b"x", True)
    await peer.kill()
    await peer.kill()


async def test_its_router_serves_and_a_port_in_use_is_refused(driver: Driver) -> None:
    router = await driver.open_router(host="127.0.0.1", port=0)
    peer = await driver.open_peer(url=router.url, name="x", p2p=P2PConfig(), on_event=Told())
    with pytest.raises(Refused, match="in use"):
        await driver.open_router(host="127.0.0.1", port=int(router.url.rpartition(":")[2]))
    await peer.close()
    await peer.end()
    await router.close()


async def test_a_router_that_is_not_there_is_a_refusal(driver: Driver, router: Router) -> None:
    await router.close()
    with pytest.raises(Refused):
        await driver.open_peer(url=router.url, name="x", p2p=None, on_event=Told())


async def test_the_reference_shows_its_channels(router: Router) -> None:
    heard = Told(), Told()
    alice, bob = [await attach(ReferenceDriver(), router, told) for told in heard]
    await alice.connect_to_peer(bob.session_id)
    await asyncio.gather(*(told.until(Connected) for told in heard))
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
    peer = await driver.open_peer(url=router.url, name="x", p2p=P2PConfig(), on_event=Told())
    await peer.kill()
    await router.close()
    assert {"clasp_e2e.peer.effects.SubscribeTo", "clasp_e2e.router.effects.Deliver"} <= seen


async def attach(driver: Driver, router: Router, told: Told) -> Peer:
    return await driver.open_peer(url=router.url, name="x", p2p=P2PConfig(), on_event=told)


async def talk(*lines: bytes) -> tuple[list[dict[str, object]], int, bytes]:
    """What the adapter answers to `lines` and the end of its input, its exit status, its last words."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*ADAPTER, stdin=pipe, stdout=pipe, stderr=pipe)
    output, errors = await process.communicate(b"".join(line + b"\n" for line in lines))
    return [json.loads(line) for line in output.splitlines()], await process.wait(), errors


@pytest.mark.subprocess
async def test_the_adapter_answers_what_is_wrong_and_leaves_with_its_input(router: Router) -> None:
    call = b'{"jsonrpc": "2.0", "id": %d, "method": "%s", "params": %s}'
    answers, status, _ = await talk(
        b"this is not JSON",
        b'["nor", "a", "request"]',
        call % (1, b"peer.sing", b"{}"),
        call % (2, b"initialize", b'{"protocol": 2}'),
        call % (3, b"peer.close", b'{"peer": "nobody"}'),
        call
        % (4, b"peer.open", b'{"peer": "p", "url": "%s", "name": "x", "p2p": null}' % router.url.encode()),
        call % (5, b"peer.send_p2p", b'{"peer": "p"}'),
    )
    codes = {answer["id"]: answer.get("error", {}).get("code") for answer in answers}  # pyright: ignore
    assert (codes[1], codes[2], codes[3]) == (-32601, -32602, -32602)
    assert [answer["error"]["code"] for answer in answers if answer["id"] is None] == [-32700, -32600]  # pyright: ignore
    assert status == 0


@pytest.mark.subprocess
async def test_the_adapter_answers_a_shutdown_and_leaves_clean() -> None:
    answers, status, errors = await talk(b'{"jsonrpc": "2.0", "id": 7, "method": "shutdown", "params": {}}')
    assert answers == [{"jsonrpc": "2.0", "id": 7, "result": {}}]
    assert (status, errors) == (0, b"")


@pytest.mark.parametrize(("options", "shared"), [((), True), (("--processes", "per_peer"), False)])
@pytest.mark.subprocess
async def test_the_adapter_has_all_peers_in_one_process_unless_it_is_asked_not_to(
    router: Router, options: tuple[str, ...], shared: bool
) -> None:
    driver = StdioDriver([*ADAPTER, *options])
    await driver.initialize()
    peers = [await attach(driver, router, Told()) for _ in range(2)]
    assert (peers[0].process_group == peers[1].process_group) is shared
    for peer in peers:
        await peer.end()
    await driver.aclose()
