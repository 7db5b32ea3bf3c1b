"""Control of aioice's candidate gathering: which addresses it uses, and how it is stopped.

aioice never gathers loopback addresses, and its queries to STUN and TURN servers outlive a connection
that is closed meanwhile. This module wraps three aioice functions once, when it is imported; the
wrappers affect only tasks of a `Gathering`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any

import aioice.ice

_current: ContextVar[Gathering | None] = ContextVar("clasp_e2e_gathering", default=None)


class Gathering:
    """The candidate gathering of one transport. `addresses`: gather only these; empty means all."""

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        self.addresses = addresses
        self._ended = False
        self._queries: set[asyncio.Task[Any]] = set()

    def enter(self) -> None:
        """Make this the gathering of the current task and of the tasks that it starts."""
        _current.set(self)

    def end(self) -> None:
        """Send no more queries, and abandon those without an answer."""
        self._ended = True
        for query in self._queries:
            query.cancel()

    async def query(self, start: Callable[[], Awaitable[Any]]) -> Any:
        """Run one query to a server. It fails, instead of being cancelled, when gathering ends."""
        if self._ended:
            raise ConnectionError("gathering has ended")
        task = asyncio.current_task()
        assert task is not None
        self._queries.add(task)
        try:
            return await start()
        except asyncio.CancelledError:
            if self._ended:
                raise ConnectionError("gathering has ended") from None
            raise
        finally:
            self._queries.discard(task)


def _wrap_query(name: str) -> None:
    original: Callable[..., Awaitable[Any]] = getattr(aioice.ice, name)

    async def query(*args: Any, **kwargs: Any) -> Any:
        gathering = _current.get()
        if gathering is None:
            return await original(*args, **kwargs)
        return await gathering.query(lambda: original(*args, **kwargs))

    setattr(aioice.ice, name, query)


def _wrap_host_addresses() -> None:
    original = aioice.ice.get_host_addresses

    def get_host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        gathering = _current.get()
        if gathering is not None and gathering.addresses:
            return list(gathering.addresses)
        return original(use_ipv4, use_ipv6)

    aioice.ice.get_host_addresses = get_host_addresses


_wrap_host_addresses()
_wrap_query("server_reflexive_candidate")
_wrap_query("relayed_candidate")
