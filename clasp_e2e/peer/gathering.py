"""Control of aioice's candidate gathering: which addresses and servers it uses, and how it is stopped.

aioice never gathers loopback addresses, asks only one STUN and one TURN server, follows no redirection, and
its queries outlive a connection that is closed meanwhile. This module wraps three aioice functions once,
when it is imported; the wrappers affect only tasks of a `Gathering`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias

import aioice.ice
from aioice import stun

Server: TypeAlias = Mapping[str, Any]
"""The arguments of aioice's query that name a server and its credentials."""

NEXT_SERVER_AFTER = 0.5
"""Seconds until the next server is asked too, if one has not answered."""

ALTERNATE_SERVER = "ALTERNATE-SERVER"
# aioice does not know this attribute (RFC 8489 section 14.15).
stun.ATTRIBUTES_BY_TYPE[0x8023] = (0x8023, ALTERNATE_SERVER, stun.pack_address, stun.unpack_address)
stun.ATTRIBUTES_BY_NAME[ALTERNATE_SERVER] = stun.ATTRIBUTES_BY_TYPE[0x8023]

_current: ContextVar[Gathering | None] = ContextVar("clasp_e2e_gathering", default=None)


class Gathering:
    """The candidate gathering of one transport. `addresses`: gather only these; empty means all."""

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        self.addresses = addresses
        self.servers: dict[str, Sequence[Server]] = {}
        """The servers to ask one after the other, by the argument that names the server."""
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
                # aioice does not look at the result if its connection is closed meanwhile.
                task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
                raise ConnectionError("gathering has ended") from None
            raise
        finally:
            self._queries.discard(task)

    async def first(
        self, ask: Callable[[Server], Awaitable[Any]], argument: str, servers: Sequence[Server]
    ) -> Any:
        """Return the first result; ask each server when those before it have failed or take too long."""
        waiting = deque(servers)
        asked: set[asyncio.Task[Any]] = set()
        error: BaseException = ConnectionError("no server is configured")
        try:
            while waiting or asked:
                if waiting:
                    asked.add(asyncio.create_task(self._ask(ask, argument, waiting.popleft())))
                limit = NEXT_SERVER_AFTER if waiting else None
                done, _ = await asyncio.wait(asked, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    asked.discard(task)
                    if (failure := task.exception()) is None:
                        return task.result()
                    error = failure
            raise error
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _ask(self, ask: Callable[[Server], Awaitable[Any]], argument: str, server: Server) -> Any:
        try:
            return await ask(server)
        except stun.TransactionFailed as failure:
            if (alternate := self.alternate(failure.response)) is None:
                raise
            return await ask({**server, argument: alternate})

    def alternate(self, response: stun.Message) -> tuple[str, int] | None:
        """Return the server to which an error response redirects (RFC 8489 section 10), or None."""
        return response.attributes.get(ALTERNATE_SERVER) if response.error_code == 300 else None


def _wrap_query(name: str, argument: str) -> None:
    original: Callable[..., Awaitable[Any]] = getattr(aioice.ice, name)

    async def query(*args: Any, **kwargs: Any) -> Any:
        gathering = _current.get()
        if gathering is None:
            return await original(*args, **kwargs)
        if argument not in kwargs:
            args, kwargs[argument] = args[:-1], args[-1]
        servers = gathering.servers.get(argument, ({},))
        return await gathering.query(
            lambda: gathering.first(lambda server: original(*args, **{**kwargs, **server}), argument, servers)
        )

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
_wrap_query("server_reflexive_candidate", "stun_server")
_wrap_query("relayed_candidate", "turn_server")
