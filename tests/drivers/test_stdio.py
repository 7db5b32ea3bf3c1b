"""The stdio driver with an adapter that keeps to the protocol."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from clasp_e2e.drivers import DriverFault, NotOffered, Refused
from clasp_e2e.drivers.stdio.driver import StdioPeer
from clasp_e2e.p2p_types import (
    Connected,
    Data,
    Disconnected,
    P2PConfig,
    PeerAnnounced,
    RoutingMode,
    SendResult,
)

from .clients import Events
from .conftest import MakeDriver, is_gone

scenario: ContextVar[str | None] = ContextVar("scenario", default=None)


async def open_peer(make_driver: MakeDriver, *arguments: str, **options: float) -> tuple[StdioPeer, Events]:
    driver = make_driver(*arguments, **options)
    await driver.initialize()
    events = Events()
    return await driver.open_peer(url="ws://x", name="alice", p2p=P2PConfig(), on_event=events), events


async def test_first_process_tells_who_it_is_and_serves_the_first_peer(make_driver: MakeDriver) -> None:
    driver = make_driver(catalogue="abc")
    description = await driver.initialize()
    assert (description.implementation.name, description.roles) == ("fake", {"peer", "router"})
    assert description.capabilities == {"close", "is_peer_connected"}
    peer = await driver.open_peer(url="ws://x", name="alice", p2p=None, on_event=Events())
    assert peer.session_id == "session of peer-1"
    await peer.kill()
    assert is_gone(peer.pid)


async def test_each_call_arrives_and_returns_what_the_adapter_says(make_driver: MakeDriver) -> None:
    peer, events = await open_peer(make_driver)
    await peer.connect_to_peer("bob")
    assert await peer.send_p2p("bob", b"\x00payload", True) is SendResult.P2P
    await peer.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    assert await peer.p2p_routing_mode() is RoutingMode.PREFER_P2P
    assert await peer.is_peer_connected("bob")
    await peer.close()
    await events.until(Disconnected)
    assert events == [
        PeerAnnounced("s", ("p2p",)),
        Connected("bob"),
        Data("bob", b"\x00payload", True),
        Disconnected("s", None),
    ]
    await peer.end()
    await peer.kill()
    assert peer.fault is None
    assert is_gone(peer.pid)


async def test_empty_payload_and_crlf_are_fine(make_driver: MakeDriver) -> None:
    peer, events = await open_peer(make_driver, "carriage_return")
    await peer.send_p2p("bob", b"", False)
    assert events[-1] == Data("bob", b"", False)


async def test_answers_may_come_out_of_order(make_driver: MakeDriver) -> None:
    peer, events = await open_peer(make_driver, "out_of_order")
    order: list[str] = []

    async def send(text: str) -> None:
        assert await peer.send_p2p("bob", text.encode(), True) is SendResult.RELAY
        order.append(text)

    async with asyncio.TaskGroup() as group:
        for text in ("one", "two", "three"):
            group.create_task(send(text))
        await events.until(Data)
        group.create_task(peer.p2p_routing_mode())
    assert order == ["three", "two", "one"]
    assert [event.data for event in events if isinstance(event, Data)] == [b"one", b"two", b"three"]


async def test_undeclared_capability_is_not_called(make_driver: MakeDriver) -> None:
    peer, _ = await open_peer(make_driver, "peer_only")
    for call in (peer.is_peer_connected("bob"), peer.disconnect_peer("bob"), peer.close()):
        with pytest.raises(NotOffered):
            await call
    assert peer.fault is None


async def test_undeclared_role_is_not_opened(make_driver: MakeDriver) -> None:
    driver = make_driver("peer_only")
    await driver.initialize()
    with pytest.raises(NotOffered):
        await driver.open_router(host="127.0.0.1", port=0)


async def test_router_has_a_separate_process(make_driver: MakeDriver) -> None:
    driver = make_driver()
    await driver.initialize()
    router = await driver.open_router(host="127.0.0.1", port=0)
    assert router.url == "ws://127.0.0.1:7330"
    await router.close()
    await router.close()
    assert router.fault is None


async def test_refusal_has_the_words_of_the_implementation(make_driver: MakeDriver) -> None:
    peer, _ = await open_peer(make_driver, "refuse")
    with pytest.raises(Refused, match=r"^P2P is not enabled$"):
        await peer.connect_to_peer("bob")
    assert peer.fault is None


async def test_refused_opening_leaves_no_process(make_driver: MakeDriver) -> None:
    driver = make_driver("refuse_open")
    await driver.initialize()
    with pytest.raises(Refused, match=r"^no router there$"):
        await driver.open_peer(url="ws://x", name="alice", p2p=None, on_event=Events())


async def test_call_that_was_never_promised_may_be_missing(make_driver: MakeDriver) -> None:
    peer, _ = await open_peer(make_driver, "not_offered")
    with pytest.raises(NotOffered, match="connect_to_peer"):
        await peer.connect_to_peer("bob")
    assert peer.fault is None


async def test_call_in_progress_fails_when_its_peer_is_killed(make_driver: MakeDriver) -> None:
    peer, _ = await open_peer(make_driver, "hang_on_connect")
    call = asyncio.ensure_future(peer.connect_to_peer("bob"))
    await peer.p2p_routing_mode()
    await peer.kill()
    with pytest.raises(DriverFault, match="the harness ended"):
        await call
    assert peer.fault is None


async def test_answer_to_a_cancelled_call_is_no_fault(make_driver: MakeDriver) -> None:
    peer, events = await open_peer(make_driver, "out_of_order")
    call = asyncio.ensure_future(peer.send_p2p("bob", b"x", True))
    await events.until(Data)
    call.cancel()
    await asyncio.wait([call])
    await peer.p2p_routing_mode()
    await peer.p2p_routing_mode()
    assert peer.fault is None


async def test_payload_too_long_for_a_line_is_not_sent(make_driver: MakeDriver) -> None:
    peer, _ = await open_peer(make_driver)
    with pytest.raises(DriverFault, match="the protocol allows 1048576"):
        await peer.send_p2p("bob", bytes(800_000), True)
    assert await peer.p2p_routing_mode() is RoutingMode.PREFER_P2P


async def test_opening_that_is_cancelled_leaves_no_process(make_driver: MakeDriver) -> None:
    driver = make_driver("hang_on_open")
    await driver.initialize()
    opening = asyncio.ensure_future(driver.open_peer(url="ws://x", name="alice", p2p=None, on_event=Events()))
    turn = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    await turn
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()


async def test_process_does_not_inherit_the_context_of_a_scenario(make_driver: MakeDriver) -> None:
    """It may serve the next one, whose leftovers are counted by this very context."""
    scenario.set("this one")
    driver = make_driver()
    seen: list[str | None] = []
    await driver.initialize()
    await driver.open_peer(
        url="ws://x", name="alice", p2p=None, on_event=lambda _: seen.append(scenario.get())
    )
    assert seen == [None]
