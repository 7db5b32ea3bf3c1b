"""Leaks are attributed to the scenario that caused them."""

from __future__ import annotations

import asyncio
import contextvars
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TypeVar

import pytest
from testbed.fakes import never

from clasp_e2e.execution import leaks
from clasp_e2e.execution.leaks import OWNER, Ownership

T = TypeVar("T")


pytestmark = pytest.mark.usefixtures("watched")


async def as_scenario(name: str, body: Callable[[], Awaitable[T]]) -> tuple[Ownership, T]:
    """Run `body` as the scenario `name`."""
    owned = Ownership(name)

    async def run() -> T:
        OWNER.set(owned)
        return await body()

    return owned, await asyncio.get_running_loop().create_task(run(), context=contextvars.copy_context())


async def nothing() -> None:
    return None


async def test_remaining_task_is_reported_by_name() -> None:
    async def body() -> asyncio.Task[None]:
        return asyncio.create_task(never(), name="heartbeat")

    owned, task = await as_scenario("a", body)
    assert await owned.leftovers(0.01) == ["task still running: heartbeat (never)"]
    task.cancel()
    assert await owned.leftovers(1) == []


async def test_open_socket_is_reported() -> None:
    async def body() -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    owned, sock = await as_scenario("a", body)
    with sock:
        (line,) = await owned.leftovers(0.01)
        assert line.startswith("socket still open: <socket.socket")
    assert await owned.leftovers(0.01) == []


async def test_socket_of_nested_task_belongs_to_scenario() -> None:
    async def inner() -> socket.socket:
        return socket.socket()

    async def middle() -> socket.socket:
        return await asyncio.create_task(inner())

    owned, sock = await as_scenario("a", lambda: asyncio.create_task(middle()))
    with sock:
        assert len(await owned.leftovers(0.01)) == 1


async def test_accepted_socket_belongs_to_scenario_of_server() -> None:
    accepted: list[asyncio.StreamWriter] = []
    arrived = asyncio.Event()

    async def serve() -> asyncio.Server:
        return await asyncio.start_server(lambda _, w: (accepted.append(w), arrived.set()), "127.0.0.1", 0)

    owned, server = await as_scenario("server", serve)
    port = server.sockets[0].getsockname()[1]
    visitor, (_, writer) = await as_scenario("visitor", lambda: asyncio.open_connection("127.0.0.1", port))
    await asyncio.wait_for(arrived.wait(), 5)
    assert len(owned.open_sockets()) == 2
    assert len(visitor.open_sockets()) == 1
    for each in (writer, accepted[0]):
        each.close()
        await each.wait_closed()
    assert await visitor.leftovers(0.1) == []
    assert len(await owned.leftovers(0.1)) == 1
    server.close()
    await server.wait_closed()
    assert await owned.leftovers(0.1) == []


async def test_leftovers_of_parallel_scenario_are_not_reported() -> None:
    with ExitStack() as open_sockets:
        gate = asyncio.Event()

        async def leaking() -> asyncio.Task[None]:
            open_sockets.enter_context(socket.socket())
            task = asyncio.create_task(never(), name="forgotten")
            gate.set()
            return task

        async def clean() -> None:
            await gate.wait()
            with socket.socket():
                await asyncio.create_task(nothing())

        (leaky, task), (tidy, _) = await asyncio.gather(
            as_scenario("leaking", leaking), as_scenario("clean", clean)
        )
        assert await tidy.leftovers(0.01) == []
        assert len(await leaky.leftovers(0.01)) == 2
        task.cancel()


async def test_ending_task_is_awaited() -> None:
    goes = asyncio.Event()

    async def body() -> asyncio.Task[bool]:
        return asyncio.create_task(goes.wait())

    owned, _ = await as_scenario("a", body)
    asyncio.get_running_loop().call_soon(goes.set)
    assert await owned.leftovers(5) == []


async def test_asking_task_is_no_leftover() -> None:
    owned = Ownership("a")

    async def run() -> list[str]:
        OWNER.set(owned)
        inner = asyncio.create_task(owned.leftovers(0.01))
        return await inner

    assert await asyncio.create_task(run()) == []


async def test_socket_outside_scenarios_is_not_kept() -> None:
    assert OWNER.get() is None
    with socket.socket():
        await asyncio.create_task(nothing())


async def test_task_in_own_context_belongs_to_no_scenario() -> None:
    async def body() -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(never(), context=contextvars.Context())

    owned, task = await as_scenario("a", body)
    assert await owned.leftovers(0.01) == []
    task.cancel()


def test_socketpair_works_under_audit_hook() -> None:
    context = contextvars.copy_context()
    owned = Ownership("a")
    context.run(OWNER.set, owned)

    def make() -> None:
        left, right = socket.socketpair()
        left.close()
        right.close()

    context.run(make)
    assert owned.open_sockets() == []
    assert leaks._audited
