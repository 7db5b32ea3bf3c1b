"""A UDP socket in the role of a peer, without WebRTC."""

from __future__ import annotations

import asyncio
import socket

PATIENCE = 10.0


class Peer:
    """A socket on loopback that sends, and awaits what arrives."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        self.address: tuple[str, int] = self._socket.getsockname()[:2]

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        self._socket.sendto(data, to)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self._socket, 65535)

    async def receive_from(self) -> tuple[bytes, tuple[str, int]]:
        async with asyncio.timeout(PATIENCE):
            data, source = await asyncio.get_running_loop().sock_recvfrom(self._socket, 65535)
            return data, source[:2]

    def nothing_waits(self) -> bool:
        try:
            self._socket.recv(65535)
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()
