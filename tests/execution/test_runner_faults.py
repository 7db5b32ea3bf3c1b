"""Drivers, adapters and routers that fail during a scenario."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from testbed import fakes
from testbed.cases import Body, asks_the_mode, case, judge, judged, judgments, opened_run
from testbed.fakes import FakeDriver, FakePeer, FakeRouter, never, raises, refuses
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from clasp_e2e import wire
from clasp_e2e.drivers import DriverFault, Refused
from clasp_e2e.p2p_types import Connected
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.testbed import (
    UnconnectedPair,
)

pytestmark = pytest.mark.usefixtures("watched")


async def test_hanging_call_is_fault_of_adapter() -> None:
    async with asyncio.timeout(5):
        found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=never))
    assert found.result.outcome is Outcome.ERROR
    assert found.result.message.startswith("x: p2p_routing_mode() did not return within 0.1 s\n")
    assert judgments(found) == {"RTE-1": "error"}


async def test_peer_that_never_opens_is_fault_of_driver() -> None:
    async with asyncio.timeout(5):
        found = await judged(asks_the_mode, driver=FakeDriver(open_peer=never))
    assert found.result.outcome is Outcome.ERROR
    assert "x: peer.open did not return" in found.result.message


@pytest.mark.parametrize("call", ["open_peer", "p2p_routing_mode", "kill"])
@pytest.mark.parametrize(
    ("act", "what"), [(raises, "RuntimeError: out of cheese"), (fakes.exits, "SystemExit: 7")]
)
async def test_driver_that_raises_undeclared_exception_is_named(call: str, act: Body, what: str) -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(**{call: act}))
    assert found.result.outcome is Outcome.ERROR
    assert f"raised {what}" in found.result.message
    assert "fakes.py" in found.result.message
    assert "x" in found.result.message.partition(":")[0]


async def test_time_out_of_implementation_is_passed_on() -> None:
    async def times_out(_: object) -> None:
        raise TimeoutError("its own")

    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=times_out))
    assert "raised TimeoutError: its own" in found.result.message


async def test_peer_that_cannot_attach_blocks_scenario() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(open_peer=refuses))
    assert (found.result.outcome, found.result.blocked_by) == (Outcome.BLOCKED, "CON-1")


class StopsWithoutWelcome(FakeDriver):
    """A driver whose adapters fail to answer, because their clients wait for a WELCOME."""

    def __init__(self, router_url: str, *, says_hello: bool, waits: bool) -> None:
        super().__init__()
        self._router_url = router_url
        self._says_hello = says_hello
        self._waits = waits

    async def open_router(self, *, host: str, port: int) -> FakeRouter:
        router = await super().open_router(host=host, port=port)
        router.url = self._router_url
        return router

    async def open_peer(self, *, url: str, **_: object) -> FakePeer:
        if self._says_hello:
            async with connect(url) as client:
                await client.send(wire.encode(wire.Hello(name="x")))
                await (await client.ping())
        if self._waits:
            await never()
        raise DriverFault("the adapter ended with status 3")


@pytest.mark.parametrize(
    ("says_hello", "waits", "outcome"),
    [(True, True, Outcome.BLOCKED), (False, True, Outcome.ERROR), (True, False, Outcome.ERROR)],
)
async def test_router_without_answer_to_hello_is_no_fault_of_adapter(
    says_hello: bool, waits: bool, outcome: Outcome
) -> None:
    async def is_silent(client: ServerConnection) -> None:
        await client.wait_closed()

    async with serve(is_silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        driver = StopsWithoutWelcome(f"ws://127.0.0.1:{port}", says_hello=says_hello, waits=waits)
        run = await opened_run(driver)
        assert run.context.routers is not None
        run.context.routers = replace(run.context.routers, driver=driver)
        found = await judge(run, case(asks_the_mode))
    assert found.result.outcome is outcome
    assert found.result.blocked_by == ("CON-1" if outcome is Outcome.BLOCKED else None)


async def test_other_peer_is_ended_if_one_cannot_attach() -> None:
    refused = asyncio.Event()

    async def refuses_alice(name: str) -> None:
        if name == "alice":
            refused.set()
            raise Refused("no room")
        await refused.wait()
        for _ in range(5):
            await asyncio.sleep(0)

    driver = FakeDriver(open_peer=refuses_alice)
    found = await judged(asks_the_mode, driver=driver)
    assert (found.result.outcome, found.result.message) == (
        Outcome.BLOCKED,
        "blocked by CON-1: x could not attach to the router: no room",
    )
    (bob,) = driver.peers.values()
    assert bob.ended


async def test_router_that_does_not_start_is_no_verdict_on_peers() -> None:
    for act, says in [(refuses, "could not be started: the address is in use"), (raises, "out of cheese")]:
        run = await opened_run(FakeDriver())
        assert run.context.routers is not None
        run.context.routers = replace(run.context.routers, driver=FakeDriver(open_router=act))
        found = await judge(run, case(asks_the_mode))
        assert found.result.outcome is Outcome.ERROR
        assert says in found.result.message


async def test_adapter_that_dies_during_passing_scenario_is_error() -> None:
    found = await judged(asks_the_mode, driver=FakeDriver(p2p_routing_mode=fakes.breaks_down))
    assert found.result.outcome is Outcome.ERROR
    assert "alice: the adapter ended with status 3" in found.result.message


async def test_dead_adapter_ends_pending_waits() -> None:
    async def dies(peer: fakes.FakePeer, target: str) -> None:
        peer.break_down("the adapter ended with status 3")

    async def body(unconnected: UnconnectedPair) -> None:
        pair = await unconnected.attach()
        await pair.offerer.connect_to_peer(pair.answerer)
        await pair.offerer.wait_for(Connected, pair.answerer, within=60)

    async with asyncio.timeout(5):
        found = await judged(body, driver=FakeDriver(connect_to_peer=dies))
    assert found.result.outcome is Outcome.ERROR
