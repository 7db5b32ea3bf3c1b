"""A public client, `clasp-to`, imported as `clasp`, with the reference router."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from clasp_e2e import wire
from clasp_e2e.router import RouterServer

from .conftest import PATIENCE, Client

clasp = pytest.importorskip("clasp")

Join = Callable[[], Awaitable[Client]]
Attach = Callable[[str], Awaitable[Any]]


@pytest.fixture
async def attach(router: RouterServer) -> AsyncIterator[Attach]:
    troubles: list[Exception] = []
    async with AsyncExitStack() as stack:

        async def attached(name: str) -> Any:
            client = clasp.Clasp(router.url, name=name, reconnect=False)
            # It tells of a frame that it cannot decode, and stops receiving.
            client.on_error(troubles.append)
            await client.connect()
            stack.push_async_callback(client.close)
            return client

        yield attached
    assert troubles == []


class Heard(asyncio.Queue[tuple[Any, str]]):
    """What a subscription's callback was called with."""

    def __call__(self, value: Any, address: str) -> None:
        self.put_nowait((value, address))

    async def next(self) -> tuple[Any, str]:
        async with asyncio.timeout(PATIENCE):
            return await self.get()


async def settled(client: Any) -> None:
    """Returns when the router has handled all that the client sent: its own parameter came back."""
    address = f"/settled/{client.session_id}"
    await client.set(address, 1)
    assert await client.get(address, timeout=PATIENCE) == 1


async def test_emitted_event_reaches_other_client(attach: Attach) -> None:
    alice, bob = await attach("alice"), await attach("bob")
    assert alice.session_id != bob.session_id
    heard = Heard()
    bob.subscribe("/show/*", heard)
    await settled(bob)
    await alice.emit("/show/cue", {"go": [1, 2.5, "now"]})
    assert await heard.next() == ({"go": [1, 2.5, "now"]}, "/show/cue")
    await alice.stream("/show/level", 0.5)
    assert await heard.next() == (0.5, "/show/level")


async def test_parameters_are_set_delivered_kept_and_read(attach: Attach) -> None:
    alice, bob = await attach("alice"), await attach("bob")
    heard = Heard()
    bob.subscribe("/lights/**", heard)
    await settled(bob)
    await alice.set("/lights/one", 7)
    assert await heard.next() == (7, "/lights/one")
    carol = await attach("carol")
    assert await carol.get("/lights/one", timeout=PATIENCE) == 7


async def test_signals_pass_between_public_and_own_client(attach: Attach, join: Join) -> None:
    alice, bob = await attach("alice"), await join()
    offer = wire.encode_signal(wire.Offer(alice.session_id, "v=0\r\n", "c"))
    await alice.emit(wire.signal_address(bob.session), offer)
    got = await bob.receive()
    assert isinstance(got, wire.Publish)
    assert got.value == offer
    heard = Heard()
    alice.subscribe(wire.signal_address(alice.session_id), heard)
    answer = wire.encode_signal(wire.Answer(bob.session, "v=0\r\n", "c"))
    await bob.send(wire.Publish(wire.signal_address(alice.session_id), answer))
    assert await heard.next() == (answer, wire.signal_address(alice.session_id))


async def test_public_client_survives_messages_that_are_not_offered(
    attach: Attach, capsys: pytest.CaptureFixture[str]
) -> None:
    alice = await attach("alice")
    with pytest.raises(clasp.client.ClaspError, match="timeout"):
        await alice.query_signals("/a", timeout=0.1)
    await settled(alice)
    assert "QUERY is not supported" in capsys.readouterr().out
