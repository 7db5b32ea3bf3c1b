"""Attacks on a router: which router is allowed, raw connections, and what is judged."""

from __future__ import annotations

import pytest
from websockets.asyncio.server import ServerConnection, serve

from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.registry import ExternalRouter
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.router import RouterServer
from clasp_e2e.testbed.expectations import LeftOut
from clasp_e2e.testbed.raw_connection import RawConnection
from clasp_e2e.testbed.router_source import RouterSource

from .cases import judged

pytestmark = pytest.mark.usefixtures("watched")

SOMEBODYS = ExternalRouter("ws://127.0.0.1:1")


async def test_foreign_router_is_attacked_only_on_request() -> None:
    with pytest.raises(LeftOut, match="--attack-router"):
        await RouterSource(ReferenceDriver(), SOMEBODYS).open(1, to_attack=True)
    asked = RouterSource(ReferenceDriver(), SOMEBODYS, may_be_attacked=True)
    assert await asked.open(1, to_attack=True) is SOMEBODYS
    assert await RouterSource(ReferenceDriver(), SOMEBODYS).open(1) is SOMEBODYS


async def test_attacked_router_is_not_shared() -> None:
    source = RouterSource(ReferenceDriver(), None)
    shared = await source.open(5)
    source = RouterSource(ReferenceDriver(), shared)
    attacked = await source.open(5, to_attack=True)
    assert attacked is not shared
    assert await source.open(5) is shared
    await source.release(attacked)
    await shared.close()


async def test_excluded_scenario_is_skipped() -> None:
    async def body(unconnected: object) -> None:
        raise LeftOut("ask for it with --attack-router")

    found = await judged(body, "RTE-1")
    assert found.result.outcome is Outcome.SKIPPED
    assert found.result.message == "ask for it with --attack-router"


async def test_raw_connection_can_vanish() -> None:
    async with RouterServer.open() as router:
        connection = await RawConnection.open(router.url)
        await connection.shake_hands()
        await connection.send(b"no frame")
        await connection.ping()
        await connection.end(reset=True)
        await connection.end()


async def test_raw_connection_reports_end_by_router() -> None:
    async with RouterServer.open() as router:
        connection = await RawConnection.open(router.url)
        await connection.write(b"no HTTP at all\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await connection.shake_hands()
        await connection.end()


async def test_raw_connection_reports_close_by_router() -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.close(1008, "not now")

    async with serve(close, "127.0.0.1", 0, close_timeout=0.1) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await RawConnection.open(f"ws://127.0.0.1:{port}")
        await connection.shake_hands()
        with pytest.raises(ConnectionResetError):
            await connection.receive_message()
        for send in (connection.send(b"too late"), connection.ping()):
            with pytest.raises(ConnectionResetError):
                await send
        await connection.end()


async def test_raw_connection_joins_fragments() -> None:
    async def welcome(connection: ServerConnection) -> None:
        await connection.send([b"wel", b"", b"come"])
        await connection.wait_closed()

    async with serve(welcome, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await RawConnection.open(f"ws://127.0.0.1:{port}", receive_buffer=4096)
        await connection.shake_hands()
        assert await connection.receive_message() == b"welcome"
        await connection.end(reset=True)
