"""Gathering asks the configured servers one after the other, and follows redirections."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aioice import stun

from clasp_e2e.peer.gathering import ALTERNATE_SERVER, Gathering, Server

GOOD, BAD = ("127.0.0.1", 1), ("127.0.0.1", 2)


def refusal(code: int, **attributes: Any) -> stun.TransactionFailed:
    response = stun.Message(stun.Method.ALLOCATE, stun.Class.ERROR)
    response.attributes = {"ERROR-CODE": (code, "no"), **attributes}
    return stun.TransactionFailed(response)


async def asking(failure: stun.TransactionFailed | None, *addresses: tuple[str, int]) -> tuple[str, int]:
    """Ask the servers at `addresses`, of which the bad ones fail, or never answer without a `failure`."""

    async def ask(server: Server) -> tuple[str, int]:
        if server["server"] == BAD:
            await asyncio.sleep(60 if failure is None else 0)
            assert failure is not None
            raise failure
        return server["server"]

    servers = [{"server": address} for address in addresses]
    return await asyncio.wait_for(Gathering().first(ask, "server", servers), 5)


@pytest.mark.parametrize("failure", [None, refusal(500), refusal(300)])
async def test_first_tries_next_server(failure: stun.TransactionFailed | None) -> None:
    assert await asking(failure, BAD, GOOD) == GOOD


async def test_first_follows_redirection() -> None:
    assert await asking(refusal(300, **{ALTERNATE_SERVER: GOOD}), BAD) == GOOD


async def test_first_fails_if_all_servers_fail() -> None:
    with pytest.raises(stun.TransactionFailed, match="500"):
        await asking(refusal(500), BAD, BAD)
