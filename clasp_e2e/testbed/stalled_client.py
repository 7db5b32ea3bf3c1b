"""A client of a router that stops reading, as a suspended program does."""

from __future__ import annotations

import asyncio

from clasp_e2e import wire
from clasp_e2e.testbed.expectations import Blocked
from clasp_e2e.testbed.raw_connection import InvalidHandshake, RawConnection
from clasp_e2e.testbed.waiting import Patience

_BUFFER = 4096
"""Bytes of the receive buffer, so that little waits in the kernel instead of in the router."""


class StalledClient:
    """A session that gets its WELCOME, subscribes to signals and announcements, and reads nothing more.

    It can still send: `flood` sends as fast as the router reads.
    """

    def __init__(self, name: str, session_id: str, connection: RawConnection) -> None:
        self.name = name
        self.session_id = session_id
        self._connection = connection

    @classmethod
    async def open(cls, url: str, name: str, patience: Patience) -> StalledClient:
        """Attach to the router at `url`; blocked by CON-1 if that fails."""
        connection: RawConnection | None = None
        try:
            async with asyncio.timeout(patience.open):
                connection = await RawConnection.open(url, receive_buffer=_BUFFER)
                await connection.shake_hands()
                await connection.send(wire.encode(wire.Hello(name=name, features=frozenset({"event"}))))
                session = ""
                while not session:
                    session = _session_id_in(await connection.receive_message())
                for number, address in enumerate((wire.signal_address(session), wire.ANNOUNCE_ADDRESS)):
                    await connection.send(wire.encode(wire.Subscribe(number + 1, address)))
                await connection.ping()
        except (OSError, TimeoutError, InvalidHandshake, wire.WireError) as error:
            if connection is not None:
                await connection.end()
            raise Blocked("CON-1", f"the router at {url} gave {name} no session: {error}") from error
        return cls(name, session, connection)

    async def flood(self, target: str, count: int, size: int) -> None:
        """Send `target` `count` well-formed signals of about `size` bytes.

        Returns early if the router ends the session. The caller sets the time limit.
        """
        offer = wire.Offer(self.session_id, f"v=0\r\ns={'x' * size}\r\n", "flood")
        frame = wire.encode(wire.Publish(wire.signal_address(target), wire.encode_signal(offer)))
        try:
            for number in range(count):
                await self._connection.send(frame)
                if number % 16 == 0:  # Sending alone does not let other tasks run.
                    await asyncio.sleep(0)
        except OSError:
            return

    async def close(self) -> None:
        """End the connection."""
        await self._connection.end()


def _session_id_in(data: bytes) -> str:
    """Return the session id in a WebSocket message; empty if there is no WELCOME."""
    for frame in wire.split_frames(data):
        for message in wire.unbundled(wire.decode(frame)[0]):
            if isinstance(message, wire.Welcome):
                return message.session
    return ""
