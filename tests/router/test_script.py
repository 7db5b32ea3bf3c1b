"""Faulty routers, made of the reference router and a script over its effects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.router import CloseConnection, Deliver, DeliveryRule, Effect, RouterServer, Script

from .conftest import Client, Dial


async def sessions(router: RouterServer, dial: Dial, count: int) -> list[Client]:
    clients = [await dial(router.url) for _ in range(count)]
    for client in clients:
        await client.hello()
        await client.receive()
    return clients


def only(rule: DeliveryRule, change: Script) -> Script:
    def script(effect: Effect) -> Iterable[Effect]:
        return change(effect) if isinstance(effect, Deliver) and effect.rule is rule else (effect,)

    return script


def signal(target: Client, value: wire.Value) -> wire.Publish:
    return wire.Publish(wire.signal_address(target.session), value)


async def test_router_that_drops_signals_is_found(dial: Dial) -> None:
    async with RouterServer.open(script=only(DeliveryRule.SIGNAL, lambda _: ())) as router:
        alice, bob = await sessions(router, dial, 2)
        await alice.send(signal(bob, 1))
        assert await alice.before_pong() == []
        assert await bob.before_pong() == []


async def test_router_that_delivers_to_sender_is_found(dial: Dial) -> None:
    def echo(effect: Effect) -> Iterable[Effect]:
        assert isinstance(effect, Deliver)
        return effect, replace(effect, connection=effect.origin)

    async with RouterServer.open(script=only(DeliveryRule.ANNOUNCEMENT, echo)) as router:
        alice, bob = await sessions(router, dial, 2)
        await bob.send(wire.Subscribe(1, wire.ANNOUNCE_ADDRESS))
        await bob.before_pong()
        announcement = wire.Publish(wire.ANNOUNCE_ADDRESS, {"session_id": alice.session})
        await alice.send(announcement)
        assert await alice.before_pong() == [announcement]
        assert await bob.before_pong() == [announcement]


async def test_router_that_alters_and_swaps_signals_is_found(dial: Dial) -> None:
    held: list[Deliver] = []

    def swap(effect: Effect) -> Iterable[Effect]:
        assert isinstance(effect, Deliver)
        assert isinstance(effect.message, wire.Publish)
        held.append(replace(effect, message=replace(effect.message, value="altered")))
        return (effect, held[0]) if len(held) == 2 else ()

    async with RouterServer.open(script=only(DeliveryRule.SIGNAL, swap)) as router:
        alice, bob = await sessions(router, dial, 2)
        await alice.send(signal(bob, 1))
        await alice.send(signal(bob, 2))
        await alice.before_pong()
        got = await bob.before_pong()
        assert [m.value for m in got if isinstance(m, wire.Publish)] == [2, "altered"]


async def test_router_that_repeats_session_id_is_found(dial: Dial) -> None:
    def repeat(effect: Effect) -> Iterable[Effect]:
        if isinstance(effect, Deliver) and isinstance(effect.message, wire.Welcome):
            effect = replace(effect, message=replace(effect.message, session="same"))
        return (effect,)

    async with RouterServer.open(script=repeat) as router:
        assert [client.session for client in await sessions(router, dial, 2)] == ["same", "same"]


async def test_router_that_ends_all_sessions_for_bad_frame_is_found(dial: Dial) -> None:
    seen: set[int] = set()

    def panic(effect: Effect) -> Iterable[Effect]:
        seen.add(effect.connection)
        if isinstance(effect, Deliver) and isinstance(effect.message, wire.Error):
            return [CloseConnection(connection, 1011, "panic") for connection in seen]
        return (effect,)

    async with RouterServer.open(script=panic) as router:
        alice, bob = await sessions(router, dial, 2)
        await alice.socket.send(b"\0")
        assert [await alice.closed(), await bob.closed()] == [1011, 1011]
