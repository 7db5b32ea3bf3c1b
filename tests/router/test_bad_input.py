"""RTR-7: bad input gets an ERROR or ends that session; the router continues."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import pytest
from websockets.exceptions import ConnectionClosed

from clasp_e2e import wire
from clasp_e2e.router import ErrorCode, RouterServer

from .conftest import Client, Dial

Join = Callable[[], Awaitable[Client]]

NESTED = b"\x20\x20\x00\x02/a\x01" + b"\x0a\x0a\x00\x01" * 16_000

BAD = {
    "empty": (b"", ErrorCode.INVALID_FRAME),
    "magic": (b"\x54\x01\x00\x01\x41", ErrorCode.INVALID_FRAME),
    "cut short": (b"\x53\x01\x00\x09\x41", ErrorCode.INVALID_FRAME),
    "no payload": (b"\x53\x01\x00\x00", ErrorCode.INVALID_MESSAGE),
    "unknown type": (b"\x53\x01\x00\x01\x7f", ErrorCode.INVALID_MESSAGE),
    "bad text": (b"\x53\x01\x00\x05\x22\x00\x02\xff\xff", ErrorCode.INVALID_MESSAGE),
    "messagepack": (b"\x53\x00\x00\x01\x80", ErrorCode.INVALID_MESSAGE),
    "nested": (wire.encode_frame(wire.Frame(NESTED)), ErrorCode.INVALID_MESSAGE),
    "text": ("hello", ErrorCode.INVALID_FRAME),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_message_gets_error_and_session_continues(join: Join, name: str) -> None:
    data, code = BAD[name]
    alice = await join()
    await alice.socket.send(data)
    (error,) = await alice.before_pong()
    assert isinstance(error, wire.Error)
    assert error.code == code
    assert error.message


@pytest.mark.parametrize("data", [b"\x54", b"\x53\x01\x00\x01\x41", "hello"])
async def test_bad_input_instead_of_hello_ends_connection(
    router: RouterServer, dial: Dial, join: Join, data: str | bytes
) -> None:
    witness = await join()
    client = await dial(router.url)
    await client.socket.send(data)
    assert isinstance(await client.receive(), wire.Error)
    assert await client.closed() == 1002
    assert await witness.before_pong() == []


async def test_oversized_message_ends_only_that_session(join: Join) -> None:
    alice, bob = await join(), await join()
    with contextlib.suppress(ConnectionClosed):
        await alice.socket.send(bytes(65_548))
    assert await alice.closed() == 1009
    assert await bob.before_pong() == []


async def test_largest_frame_passes(join: Join) -> None:
    alice, bob = await join(), await join()
    address = wire.signal_address(bob.session)
    empty = len(wire.encode_message(wire.Publish(address, b"")))
    message = wire.Publish(address, bytes(wire.MAX_PAYLOAD - empty))
    frame = wire.encode(message, timestamp=1)
    assert len(frame) == 65_547
    await alice.socket.send(frame)
    assert await bob.receive() == message


async def test_random_bytes_end_no_other_session(join: Join) -> None:
    alice, bob = await join(), await join()
    dice = random.Random(7)
    for _ in range(300):
        payload = dice.randbytes(dice.randrange(40))
        await alice.socket.send(wire.encode_frame(wire.Frame(payload)))
        await alice.socket.send(dice.randbytes(dice.randrange(12)))
    assert all(isinstance(message, wire.Error) for message in await alice.before_pong())
    assert await bob.before_pong() == []


async def raw(router: RouterServer, data: bytes) -> bytes:
    """What the router says to these bytes on a bare TCP connection until it is closed on both sides."""
    host, port = router.url.removeprefix("ws://").split(":")
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        writer.write_eof()
        with contextlib.suppress(ConnectionError):
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer
    return b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        bytes(range(256)) * 100,
    ],
)
async def test_other_protocol_is_refused(router: RouterServer, join: Join, data: bytes) -> None:
    answer = await raw(router, data)
    assert b" 101 " not in answer
    assert await (await join()).before_pong() == []


async def test_stun_request_gets_no_stun_answer(router: RouterServer, join: Join) -> None:
    """RTR-6, over TCP. (Over UDP nothing is bound.)"""
    cookie = bytes.fromhex("2112a442")
    request = bytes.fromhex("00010000") + cookie + b"transaction!"
    answer = await raw(router, request)
    assert cookie not in answer
    assert await (await join()).before_pong() == []


async def test_connection_lost_within_frame_ends_only_that_session(join: Join) -> None:
    alice, bob = await join(), await join()
    # A masked binary message of 100 bytes of which 4 come (RFC 6455, section 5.2).
    alice.socket.transport.write(b"\x82\xe4\0\0\0\0\x53\x01\x00\x60")
    alice.socket.transport.write_eof()
    await alice.closed()
    assert await bob.before_pong() == []


async def test_broken_websocket_frame_ends_only_that_session(join: Join) -> None:
    alice, bob = await join(), await join()
    alice.socket.transport.write(b"\xff\xff\xff\xff")
    assert await alice.closed() == 1002
    assert await bob.before_pong() == []
