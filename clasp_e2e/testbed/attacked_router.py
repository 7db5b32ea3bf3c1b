"""A router under attack by raw connections, and other sessions that must keep working.

The attacks are bounded: a few connections and megabytes, closed with the scenario.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

from websockets.exceptions import WebSocketException

from clasp_e2e import wire
from clasp_e2e.testbed.expectations import Blocked, Unmet, current_judgment
from clasp_e2e.testbed.raw_connection import InvalidHandshake, RawConnection
from clasp_e2e.testbed.signaling_client import SignalingClient
from clasp_e2e.testbed.testbed import Testbed

OVERSIZED = 4 * 2**20
"""Bytes; the largest CLASP frame has 65547 bytes."""

CROWD = 8
"""Number of connections of one kind that are held open at once."""

_HELLO = wire.encode(wire.Hello(name="mallory", features=frozenset({"event"})))
HALF_A_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgr"
HALF_A_FRAME = b"\x82\xfe\x10\x00\x00\x00\x00\x00half of it"


class AttackedRouter:
    """The router under test, two well-behaved sessions, and the attacks."""

    def __init__(self, testbed: Testbed) -> None:
        self.testbed = testbed
        self.patience = testbed.patience
        self._connections: list[RawConnection] = []
        self._exchanges = 0

    @asynccontextmanager
    async def others_keep_working(self) -> AsyncGenerator[None]:
        """Require that two sessions exchange signals, and a new one joins, after the attack in the block.

        They also exchange signals before it; blocked by RTR-1 if that fails. The attackers' connections
        stay open until the end.
        """
        alice = await self.testbed.open_signaling_client("alice", judges_router=True)
        bob = await self.testbed.open_signaling_client("bob", judges_router=True)
        try:
            await self._exchange(alice, bob)
        except Unmet as unmet:
            raise Blocked("RTR-1", str(unmet)) from unmet
        try:
            yield
            await self._exchange(alice, bob)
            try:
                carol = await self.testbed.open_signaling_client("carol", within=self.patience.event)
            except Blocked as blocked:
                raise Unmet("a new client to attach to the router", blocked.reason) from blocked
            await self._exchange(alice, carol)
        except Unmet as unmet:
            # If the process of the router died, that is the result here, not a fault of its adapter.
            if died := self.testbed.forgive_router():
                raise Unmet(unmet.expected, f"{unmet.seen}; {died}") from None
            raise
        finally:
            await asyncio.gather(*(connection.end() for connection in self._connections))

    async def _exchange(self, one: SignalingClient, other: SignalingClient) -> None:
        self._exchanges += 1
        marker = f"still-there-{self._exchanges}"
        for sender, receiver in ((one, other), (other, one)):
            try:
                await sender.mark(receiver.session_id, marker)
            except WebSocketException as error:
                raise Unmet(
                    f"the session of {sender.name} to stay open", f"the router closed it: {error}"
                ) from None
            await receiver.gets_signal(correlation_id=marker)

    # The attacks. What the router does with an attacker's own session is not judged.

    async def send_broken_frames(self) -> None:
        """Send invalid frames, binary and text, before and after HELLO; then violate WebSocket itself."""
        rng = current_judgment().rng
        publish = wire.encode(wire.Publish(address="/x", value=1))
        broken: list[bytes | str] = [
            b"",
            publish[:3],
            publish[:-1],
            b"\x00" + publish[1:],
            publish[:2] + b"\xff\xff" + publish[4:],
            publish[:4] + b"\xee" + publish[5:],
            publish[:-2] + b"\x0b\xff\xff",  # A map that claims 65535 entries.
            *(rng.randbytes(rng.randrange(1, 200)) for _ in range(20)),
            "no binary message",
        ]
        await self._misbehave(broken)
        # Unmasked; reserved bits; continuation without a start; oversized ping; fragmented close.
        for data in (
            b"\x82\x05hello",
            b"\xf2\x80\0\0\0\0",
            b"\x80\x80\0\0\0\0",
            b"\x89\xfe\x10\x00",
            b"\x08\x80\0\0\0\0",
        ):
            await self._write(await self._open_websocket(), data)
        for data in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(200),
            b"SSH-2.0-mallory\r\n\r\n",
        ):
            await self._write(await self._connect(), data)

    async def send_nested_values(self) -> None:
        """Send lists nested 20,000 deep in one frame, before and after HELLO."""
        nested = b"\x20\x20\x00\x02/x\x01" + b"\x0a\x00\x01" * 20_000 + b"\x00"
        await self._misbehave([wire.encode_frame(wire.Frame(nested))])

    async def send_oversized_frames(self) -> None:
        """Send a message of 4 MiB before and after HELLO; announce 2^62 bytes; send a header of 256 KiB."""
        await self._misbehave([b"\x53\x01" + bytes(OVERSIZED)])
        announced = b"\x82\xff" + (2**62).to_bytes(8, "big") + bytes(1000)
        await self._write(await self._open_websocket(), announced)
        header = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 2**18
        await self._write(await self._connect(), header)

    async def open_silent_connections(self) -> None:
        """Open TCP connections and send nothing."""
        for _ in range(CROWD):
            await self._connect()

    async def open_half_handshakes(self) -> None:
        """Open connections that stop within the HTTP request."""
        for _ in range(CROWD):
            await self._write(await self._connect(), HALF_A_REQUEST)

    async def open_sessions_without_hello(self) -> None:
        """Open WebSockets that send nothing, and some that stop within a frame."""
        for _ in range(CROWD):
            await self._open_websocket()
            await self._write(await self._open_websocket(), HALF_A_FRAME)

    async def depart_abruptly(self) -> None:
        """Reset connections: at once, within the HTTP request, before and after HELLO, and within a frame."""
        for request in (b"", HALF_A_REQUEST):
            connection = await self._connect()
            await self._write(connection, request)
            await connection.end(reset=True)
        for hello in (False, True):
            for unfinished in (b"", HALF_A_FRAME):
                connection = await self._open_websocket()
                with suppress(OSError, TimeoutError):
                    async with asyncio.timeout(self.patience.event):
                        if hello:
                            await connection.send(_HELLO)
                            await connection.receive_message()
                        await connection.write(unfinished)
                await connection.end(reset=True)

    async def _misbehave(self, messages: Sequence[bytes | str]) -> None:
        """Send each of `messages` on two WebSockets: as the first message, and after a HELLO.

        Return when the router has read each one, has closed the connection, or the time limit is reached.
        """
        sequences = [(*hello, message) for hello in ((), (_HELLO,)) for message in messages]
        for start in range(0, len(sequences), CROWD):
            some = sequences[start : start + CROWD]
            connections = [await self._open_websocket() for _ in some]
            await asyncio.gather(*(self._send_all(*one) for one in zip(connections, some, strict=True)))

    async def _send_all(self, connection: RawConnection, messages: Sequence[bytes | str]) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(self.patience.event):
                for message in messages:
                    await connection.send(message)
                await connection.ping()
        await connection.end()

    async def _write(self, connection: RawConnection, data: bytes) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(self.patience.event):
                await connection.write(data)

    async def _open_websocket(self) -> RawConnection:
        """Open a WebSocket to the router; unmet if the router does not accept it."""
        connection = await self._connect()
        limit = self.patience.event
        try:
            async with asyncio.timeout(limit):
                await connection.shake_hands()
        except (OSError, TimeoutError, InvalidHandshake) as error:
            why = str(error) or f"it did not answer within {limit:g} s"
            raise Unmet("the router to accept a new WebSocket", why) from None
        return connection

    async def _connect(self) -> RawConnection:
        """Open a TCP connection to the router; unmet if the router does not listen any more."""
        try:
            async with asyncio.timeout(self.patience.event):
                connection = await RawConnection.open(self.testbed.router_url)
        except (OSError, TimeoutError) as error:
            raise Unmet("the router to listen", f"a TCP connection to it failed: {error}") from None
        self._connections.append(connection)
        return connection
