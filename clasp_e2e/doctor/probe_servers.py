"""The servers to which the stdio checks open peers."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from clasp_e2e.router import RouterServer

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ProbeServers:
    """The URLs of a router, of a server that never answers, and of one that closes each connection."""

    router: str
    silent: str
    closing: str

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncGenerator["ProbeServers"]:
        """Open the servers, and close them after the block."""
        async with RouterServer.open(HOST, 0) as router:
            # The system completes connections to a listening socket, whether they are accepted or not.
            with socket.create_server((HOST, 0)) as silent:
                closing = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0)
                async with closing:
                    yield cls(router.url, _url_of(silent), _url_of(closing.sockets[0]))


def _url_of(listening: socket.socket) -> str:
    return f"ws://{HOST}:{listening.getsockname()[1]}"
