"""A probe that checks whether an address answers STUN or TURN, which a router must not (RTR-6)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aioice import stun

PATIENCE = 1.0
"""Seconds within which a server on the same network answers a STUN request, with a margin."""

_TCP, _UDP = 6, 17


def _requests() -> list[stun.Message]:
    """Return a Binding request (RFC 8489) and an Allocate request (RFC 8656)."""
    binding = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    allocate = stun.Message(message_method=stun.Method.ALLOCATE, message_class=stun.Class.REQUEST)
    allocate.attributes["REQUESTED-TRANSPORT"] = _UDP << 24
    for request in (binding, allocate):
        request.add_fingerprint()
    return [binding, allocate]


def _is_answer(data: bytes, request: stun.Message) -> bool:
    # A response of either class repeats the transaction id at this position (RFC 8489 section 5).
    return len(data) >= 20 and data[0] < 4 and data[8:20] == request.transaction_id


async def ask_stun(host: str, port: int, transport: str) -> list[str]:
    """Send a Binding and an Allocate request by `udp` or `tcp`; return a line for each answer.

    A refused or closed connection, or no reply within a second, is not an answer.
    """
    ask: Callable[[str, int, stun.Message], Awaitable[bytes]] = _ask_udp if transport == "udp" else _ask_tcp

    async def answer(request: stun.Message) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE):
                data = await ask(host, port, request)
        except (OSError, TimeoutError):
            return None
        if not _is_answer(data, request):
            return None
        return f"{request.message_method.name} over {transport}: {len(data)} bytes of STUN"

    answers = await asyncio.gather(*(answer(request) for request in _requests()))
    return [line for line in answers if line is not None]


async def _ask_udp(host: str, port: int, request: stun.Message) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        await loop.sock_connect(asking, (host, port))
        await loop.sock_sendall(asking, bytes(request))
        return await loop.sock_recv(asking, 1500)


async def _ask_tcp(host: str, port: int, request: stun.Message) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        # A router that takes this for the start of an HTTP request waits for more: close the sending side.
        writer.write(bytes(request))
        writer.write_eof()
        return await reader.read(1500)
    finally:
        writer.transport.abort()
