from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError, InvalidHandshake, InvalidStatus
from websockets.protocol import State
from websockets.typing import Subprotocol

from clasp_e2e import wire
from clasp_e2e.network import Hooks, SignalingProxy, Switchboard

from . import samples
from .sockets import PATIENCE

CLASP = Subprotocol("clasp")


class Router:
    """A server that echoes, and remembers who came."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.received: list[bytes | str] = []
        self.url = ""

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.put_nowait(connection)
        async for data in connection:
            self.received.append(data)
            await connection.send(data)


@asynccontextmanager
async def deadline() -> AsyncIterator[None]:
    async with asyncio.timeout(PATIENCE):
        yield


@pytest.fixture
async def router() -> AsyncIterator[Router]:
    router = Router()
    async with serve(
        router.handle, "127.0.0.1", 0, subprotocols=[CLASP], ping_interval=None, close_timeout=1
    ) as server:
        router.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/clasp?room=1"
        yield router


Open = Callable[..., Awaitable[SignalingProxy]]


@pytest.fixture
async def open_leg(router: Router) -> AsyncIterator[Open]:
    legs: list[SignalingProxy] = []

    async def open_one(
        hooks: Hooks | None = None, url: str | None = None, name: str = "alice"
    ) -> SignalingProxy:
        leg = await SignalingProxy.open(url or router.url, name=name, hooks=hooks)
        legs.append(leg)
        return leg

    yield open_one
    async with deadline():
        for leg in legs:
            await leg.close()


def attach(leg: SignalingProxy) -> connect:
    return connect(leg.url, subprotocols=[CLASP], ping_interval=None, close_timeout=1)


async def echo(peer: ClientConnection, data: bytes | str) -> bytes | str:
    await peer.send(data)
    async with deadline():
        return await peer.recv()


async def test_path_query_subprotocol_and_headers_reach_the_router(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    assert leg.url.startswith("ws://127.0.0.1:")
    assert leg.url.endswith("/clasp?room=1")
    async with connect(leg.url, subprotocols=[CLASP], additional_headers={"X-Key": "k"}) as peer:
        assert peer.subprotocol == CLASP
        async with deadline():
            upstream = await router.connections.get()
        assert upstream.request is not None
        assert upstream.request.path == "/clasp?room=1"
        assert upstream.request.headers["X-Key"] == "k"
        assert upstream.subprotocol == CLASP
        for connection in (peer, upstream):
            assert connection.protocol.extensions == []


async def test_router_without_the_subprotocol_is_shown_as_it_is(open_leg: Open) -> None:
    async with serve(Router().handle, "127.0.0.1", 0) as server:
        leg = await open_leg(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        async with attach(leg) as peer:
            assert peer.subprotocol is None


async def test_every_frame_is_seen_as_it_was_sent_and_in_order(router: Router, open_leg: Open) -> None:
    seen: list[tuple[str, bytes | str, wire.Message | None]] = []
    leg = await open_leg(Hooks(on_frame=lambda _, way, data, message: seen.append((way, data, message))))
    welcome = wire.Welcome("s-1", "router", 0)
    sent: list[bytes | str] = [wire.encode(welcome), b"\x00broken", "text", b""]
    async with attach(leg) as peer:
        for data in sent:
            assert await echo(peer, data) == data
    messages = [welcome, None, None, None]
    expected = [
        (way, data, message) for data, message in zip(sent, messages, strict=True) for way in ("up", "down")
    ]
    assert seen == expected
    assert leg.session_id == "s-1"
    assert (leg.up.frames, leg.up.bytes) == (4, sum(map(len, sent)))
    assert leg.down == leg.up
    assert leg.faults == []


async def test_frames_are_altered_and_dropped_on_the_way_down_only(router: Router, open_leg: Open) -> None:
    def rewrite(_leg: SignalingProxy, message: wire.Message, data: bytes) -> Sequence[bytes]:
        assert isinstance(message, wire.Publish)
        return {"/drop": [], "/alter": [b"altered", b"and more"]}.get(message.address, [data])

    leg = await open_leg(Hooks(rewrite_down=rewrite))
    frames = [wire.encode(wire.Publish(address, 1)) for address in ("/drop", "/alter", "/keep")]
    async with attach(leg) as peer:
        for frame in frames:
            await peer.send(frame)
        async with deadline():
            assert [await peer.recv() for _ in range(3)] == [b"altered", b"and more", frames[2]]
    assert router.received == frames


async def test_harness_can_send_a_frame_to_the_peer(open_leg: Open) -> None:
    leg = await open_leg()
    with pytest.raises(ConnectionError, match="nothing can be sent to it"):
        await leg.send_down(b"too early")
    async with attach(leg) as peer, deadline():
        await peer.send(frame := wire.encode(wire.Publish("/any", 1)))
        assert await peer.recv() == frame
        await leg.send_down(b"of its own")
        assert await peer.recv() == b"of its own"
    assert leg.down.frames == 1  # What was not the router's is not counted as such.


async def test_barrier_has_all_that_was_written_before(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    async with attach(leg) as peer:
        frames = [bytes([number]) * 1000 for number in range(100)]
        for frame in frames:
            await peer.send(frame)
        async with deadline():
            await leg.ping_barrier()
        assert leg.up.frames == 100
    assert router.received == frames


async def test_barrier_without_a_peer_is_an_error(open_leg: Open) -> None:
    leg = await open_leg()
    with pytest.raises(ConnectionError, match="alice is not connected"):
        await leg.ping_barrier()


async def test_barrier_ends_when_the_peer_leaves(open_leg: Open) -> None:
    leg = await open_leg()
    async with attach(leg) as peer:
        leg.pause("up")
        await peer.send(b"held")
        async with deadline():
            barrier = asyncio.ensure_future(leg.ping_barrier())
            await peer.ping()
            await peer.close()
            leg.cut()
            leg.resume("up")
            with pytest.raises(ConnectionError, match="alice left"):
                await barrier


async def test_held_frames_keep_their_order(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    async with attach(leg) as peer:
        assert await echo(peer, b"before") == b"before"
        leg.pause("down")
        await peer.send(b"one")
        await peer.send(b"two")
        async with deadline():
            await leg.ping_barrier()
            receiving = asyncio.ensure_future(peer.recv())
            await leg.ping_barrier()
            assert not receiving.done()
            leg.resume("down")
            assert [await receiving, await peer.recv()] == [b"one", b"two"]


async def test_cut_leg_aborts_connections_and_refuses_new_ones(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    async with attach(leg) as peer:
        async with deadline():
            upstream = await router.connections.get()
        leg.cut()
        async with deadline():
            with pytest.raises(ConnectionClosedError):
                await peer.recv()
            await upstream.wait_closed()
        assert peer.close_code == upstream.close_code == 1006
    with pytest.raises((OSError, InvalidHandshake)):
        await attach(leg)
    assert router.connections.empty()
    leg.heal()
    async with attach(leg) as peer:
        assert await echo(peer, b"again") == b"again"
    assert leg.faults == []


async def test_idle_peer_is_closed_and_one_that_pings_is_not(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    async with deadline(), connect(leg.url, subprotocols=[CLASP], ping_interval=None) as before:
        leg.close_idle(0.2)
        async with connect(leg.url, subprotocols=[CLASP], ping_interval=0.05) as pinging:
            for _ in range(2):
                async with connect(leg.url, subprotocols=[CLASP], ping_interval=None) as idle:
                    await idle.wait_closed()
                    assert (idle.close_code, idle.close_reason) == (1001, "idle")
            assert pinging.state is State.OPEN
        await before.wait_closed()
        assert leg.idle_closings == 3
        for _ in range(4):
            await (await router.connections.get()).wait_closed()


async def test_routers_close_reaches_the_peer(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    async with attach(leg) as peer, deadline():
        upstream = await router.connections.get()
        await upstream.close(4001, "go away")
        await peer.wait_closed()
        assert (peer.close_code, peer.close_reason) == (4001, "go away")


async def test_peers_close_reaches_the_router(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    async with attach(leg) as peer, deadline():
        upstream = await router.connections.get()
        await peer.close(1001, "bye")
        await upstream.wait_closed()
        assert (upstream.close_code, upstream.close_reason) == (1001, "bye")


async def test_killed_peer_is_disconnected_from_the_router(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    async with attach(leg) as peer, deadline():
        upstream = await router.connections.get()
        peer.transport.abort()
        await upstream.wait_closed()
        assert upstream.close_code == 1006


async def test_router_that_is_not_there_is_a_fault(open_leg: Open) -> None:
    leg = await open_leg(url="ws://127.0.0.1:1/")
    with pytest.raises(InvalidStatus) as refusal:
        await attach(leg)
    assert refusal.value.response.status_code == 502
    assert len(leg.faults) == 1
    assert "alice asked for the router at ws://127.0.0.1:1/" in leg.faults[0]


async def test_routers_refusal_is_the_peers_to_see(open_leg: Open) -> None:
    def refuse(connection: ServerConnection, _request: object) -> object:
        return connection.respond(403, "no")

    async with serve(Router().handle, "127.0.0.1", 0, process_request=refuse) as server:
        leg = await open_leg(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        with pytest.raises(InvalidStatus) as refusal:
            await attach(leg)
        assert refusal.value.response.status_code == 403
    assert leg.faults == []


async def test_failing_hook_is_a_fault_and_ends_the_leg(router: Router, open_leg: Open) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("hook")

    leg = await open_leg(Hooks(on_frame=fail))
    async with attach(leg) as peer, deadline():
        await peer.send(b"x")
        await peer.wait_closed()
        assert peer.close_code == 1011
    assert "RuntimeError" in leg.faults[0]


async def test_largest_frames_pass(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    async with attach(leg) as peer:
        assert await echo(peer, bytes(65547)) == bytes(65547)


async def test_held_leg_closes(router: Router, open_leg: Open) -> None:
    leg = await open_leg()
    async with attach(leg) as peer:
        leg.pause("up")
        leg.pause("down")
        await peer.send(b"held")
        async with deadline():
            await leg.close()
            await peer.wait_closed()
    assert not leg.is_connected


async def test_switchboard_sits_between_two_legs(open_leg: Open) -> None:
    """The hooks as a testbed joins them; the server here stands for a router that hands all to all."""
    present: list[ServerConnection] = []

    async def relay(connection: ServerConnection) -> None:
        present.append(connection)
        async for data in connection:
            for other in present:
                if other is not connection:
                    await other.send(data)

    board = Switchboard()
    hooks = Hooks(
        on_frame=lambda leg, way, _, message: board.observe(leg.name, way, message),
        rewrite_down=lambda leg, message, data: list(
            filter(None, [board.rewrite_down(leg.name, message, data)])
        ),
    )
    async with serve(relay, "127.0.0.1", 0, close_timeout=1) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        alice = await open_leg(hooks, url, "alice")
        bob = await open_leg(hooks, url, "bob")
        async with connect(alice.url) as one, connect(bob.url) as two, deadline():
            await one.send(wire.encode(wire.Publish("/s", {"sdp": samples.AIORTC})))
            delivered = await two.recv()
            assert isinstance(delivered, bytes)
            assert b"172.17.0.2" not in delivered
            message, _ = wire.decode(delivered)
            (attempt,) = board.attempts_between("alice", "bob")
            _, port = attempt.link.address_for(board.pair("alice", "bob").side("bob"))
            assert f"127.0.0.1 {port} typ host" in str(message)
    board.close()
    assert alice.faults == bob.faults == []
