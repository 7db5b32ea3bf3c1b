from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from websockets.exceptions import ConnectionClosed

from clasp_e2e import wire
from clasp_e2e.router import ErrorCode, RouterError, RouterServer

from .conftest import Client, Dial

Join = Callable[[], Awaitable[Client]]


async def test_signal_passes_between_two_sessions(join: Join) -> None:
    alice, bob = await join(), await join()
    assert alice.session != bob.session
    sdp = "v=0\r\n" + "a=é\r\n" * 1000
    offer = wire.Publish(
        wire.signal_address(bob.session), wire.encode_signal(wire.Offer(alice.session, sdp, "c"))
    )
    await alice.send(offer, qos=wire.QoS.CONFIRM, timestamp=123)
    message, frame = await bob.receive_frame()
    assert message == offer
    assert (frame.qos, frame.timestamp) == (wire.QoS.CONFIRM, 123)
    assert await alice.before_pong() == []


async def test_each_value_arrives_equal(join: Join) -> None:
    alice, bob = await join(), await join()
    value: wire.Value = {
        "null": None, "yes": True, "int": -(2**63), "float": 0.1, "text": "\0é\U0001f600",
        "bytes": bytes(range(256)), "list": [1, [2.5, {}], ""], "": {"deep": [None]},
    }  # fmt: skip
    await alice.send(wire.Publish(wire.signal_address(bob.session), value))
    got = await bob.receive()
    assert isinstance(got, wire.Publish)
    assert got.value == value


async def test_signals_of_one_sender_arrive_in_order(join: Join) -> None:
    alice, bob = await join(), await join()
    address = wire.signal_address(bob.session)
    for number in range(500):
        await alice.send(wire.Publish(address, number))
    got = [await bob.receive() for _ in range(500)]
    assert [message.value for message in got if isinstance(message, wire.Publish)] == list(range(500))


async def test_unknown_target_is_error_for_sender(join: Join) -> None:
    alice, bob = await join(), await join()
    await bob.send(wire.Subscribe(1, "/**"))
    await bob.before_pong()
    await alice.send(wire.Publish(wire.signal_address("nobody"), {}))
    (error,) = await alice.before_pong()
    assert isinstance(error, wire.Error)
    assert error.code == ErrorCode.SESSION_NOT_FOUND
    assert await bob.before_pong() == []


async def test_event_reaches_many_subscribers(join: Join) -> None:
    alice, *others = [await join() for _ in range(6)]
    for other in others:
        await other.send(wire.Subscribe(1, "/show/**"))
        await other.before_pong()
    event = wire.Publish("/show/cue", "go")
    await alice.send(event)
    assert [await other.receive() for other in others] == [event] * 5


async def test_messagepack_client_is_served(join: Join) -> None:
    msgpack = pytest.importorskip("msgpack")
    alice, bob = await join(), await join()
    payload = msgpack.packb(
        {"type": "PUBLISH", "address": wire.signal_address(bob.session), "value": {"sdp": "x"}}
    )
    await alice.socket.send(wire.encode_frame(wire.Frame(payload, encoding=0)))
    got = await bob.receive()
    assert isinstance(got, wire.Publish)
    assert got.value == {"sdp": "x"}


async def test_message_that_becomes_too_large_is_error_for_sender(join: Join) -> None:
    msgpack = pytest.importorskip("msgpack")
    alice, bob = await join(), await join()
    payload = msgpack.packb(
        {"type": "PUBLISH", "address": wire.signal_address(bob.session), "value": [1] * 60_000}
    )
    await alice.socket.send(wire.encode_frame(wire.Frame(payload, encoding=0)))
    (error,) = await alice.before_pong()
    assert isinstance(error, wire.Error)
    assert await bob.before_pong() == []


@pytest.mark.parametrize("path", ["", "/", "/clasp", "/any/where?x=1"])
async def test_any_url_path_is_accepted(router: RouterServer, dial: Dial, path: str) -> None:
    client = await dial(router.url + path)
    await client.hello()


@pytest.mark.parametrize(
    ("offered", "agreed"), [(None, None), (["clasp"], "clasp"), (["x", "clasp"], "clasp"), (["x"], None)]
)
async def test_subprotocol_is_accepted_but_not_required(
    router: RouterServer, dial: Dial, offered: list[str] | None, agreed: str | None
) -> None:
    client = await dial(router.url, subprotocols=offered, compression="deflate")
    assert client.socket.subprotocol == agreed
    await client.hello()


async def test_connection_without_hello_in_time_ends(dial: Dial) -> None:
    async with RouterServer.open(hello_timeout=0.01) as router:
        client = await dial(router.url)
        assert isinstance(await client.receive(), wire.Error)
        assert await client.closed() == 1002


async def test_session_continues_after_hello_deadline(dial: Dial) -> None:
    async with RouterServer.open(hello_timeout=0.3) as router:
        alice, late = await dial(router.url), await dial(router.url)
        await alice.hello()
        # The second connection's end shows that the time is over for the first one too.
        await late.closed()
        assert await alice.before_pong() == [wire.Snapshot()]


async def test_slow_session_ends_and_delays_no_other(dial: Dial) -> None:
    async with RouterServer.open(max_backlog=1 << 16) as router:
        alice, slow, bob = [await dial(router.url) for _ in range(3)]
        for client in (alice, slow, bob):
            await client.hello()
        await bob.send(wire.Subscribe(1, "/after"))
        await bob.before_pong()
        slow.socket.transport.pause_reading()
        flood = wire.Publish(wire.signal_address(slow.session), bytes(60_000))
        # The kernel takes some megabytes before anything waits in the router.
        error: wire.Message | None = None
        for _ in range(1000):
            await alice.send(flood)
            if unexpected := [m for m in await alice.before_pong() if isinstance(m, wire.Error)]:
                error = unexpected[0]
                break
        assert isinstance(error, wire.Error)
        assert error.code == ErrorCode.SESSION_NOT_FOUND
        await alice.send(wire.Publish("/after", 1))
        assert await bob.receive() == wire.Publish("/after", 1)
        slow.socket.transport.abort()


async def test_close_ends_all_sessions_and_leaves_no_task(dial: Dial) -> None:
    before = asyncio.all_tasks()
    router = await RouterServer.open()
    client, silent = await dial(router.url), await dial(router.url)
    await client.hello()
    await router.close()
    assert await client.closed() == 1001
    assert await silent.closed() == 1001
    await router.close()
    with pytest.raises(OSError, match="onnect"):
        await dial(router.url)
    assert asyncio.all_tasks() == before


async def test_close_does_not_wait_for_missing_handshake() -> None:
    router = await RouterServer.open()
    host, port = router.url.removeprefix("ws://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\n")
    await writer.drain()
    # An answered request on another connection shows that the first one was accepted.
    async with asyncio.timeout(5):
        other_reader, other = await asyncio.open_connection(host, int(port))
        other.write(b"GET / HTTP/1.1\r\n\r\n")
        await other_reader.read()
        await router.close()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    for each in (writer, other):
        each.close()
        with contextlib.suppress(ConnectionError):
            await each.wait_closed()


async def test_close_before_listening_does_nothing() -> None:
    router = RouterServer.open()
    with pytest.raises(RouterError, match="await it"):
        _ = router.url
    await router.close()


async def test_abrupt_disconnect_ends_only_that_session(join: Join) -> None:
    alice, bob, carol = [await join() for _ in range(3)]
    bob.socket.transport.abort()
    with pytest.raises(ConnectionClosed):
        await bob.socket.recv()
    code = None
    async with asyncio.timeout(10):
        while code is None:
            # Until the router has noticed, the signal is swallowed by a dead socket.
            await alice.send(wire.Publish(wire.signal_address(bob.session), 1))
            code = next((m.code for m in await alice.before_pong() if isinstance(m, wire.Error)), None)
    assert code == ErrorCode.SESSION_NOT_FOUND
    assert await carol.before_pong() == []
