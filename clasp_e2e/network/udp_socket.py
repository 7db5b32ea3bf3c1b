"""A UDP socket of the event loop, which reads in bursts."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import TypeAlias

from clasp_e2e.lab import reachable_host
from clasp_e2e.network.capture import CAPTURE

Address: TypeAlias = tuple[str, int]

_LARGEST_DATAGRAM = 65535
_SOCKET_BUFFER = 4 << 20
"""Bytes. With the system's default, a burst of large messages overflows the socket between two reads."""
_BURST = 64
"""Datagrams that are read from a socket before the event loop serves others again."""


class UdpSocket:
    """A UDP socket at the IP address `host`; `receive` is called with each datagram and its sender.

    By default, `host` is the address at which peers reach this process. `name` is that of its interface in a
    capture. Create it while an event loop runs. Raises `OSError` if the machine has no socket or no such
    address.
    """

    def __init__(
        self, receive: Callable[[bytes, Address], None], host: str | None = None, *, name: str = "UDP"
    ) -> None:
        self._receive = receive
        self._name = name
        self._capture = CAPTURE.get()
        self._last_received: int | None = None
        """The number that the last datagram that was received has in the capture, if there is one."""
        self._loop = asyncio.get_running_loop()
        host = host or reachable_host()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                with contextlib.suppress(OSError):
                    self._socket.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
            self._socket.setblocking(False)
            self._socket.bind((host, 0))
        except OSError:
            self._socket.close()
            raise
        self.address: Address = self._socket.getsockname()[:2]
        self._loop.add_reader(self._socket, self._read)

    def send(self, data: bytes, to: Address, *, is_recorded: bool = True) -> None:
        """Send `data`; the capture need not record what another socket of the same interface receives.

        Raises `OSError` if it is lost to a full buffer or an unreachable address.
        """
        self._socket.sendto(data, to)
        if self._capture is not None and is_recorded:
            self._capture.datagram(self._name, self.address, to, data)

    def comment(self, text: str) -> None:
        """Give the last datagram that was received a comment in the capture."""
        if self._capture is not None and self._last_received is not None:
            self._capture.comment(self._last_received, text)

    def close(self) -> None:
        """Close it. Safe to call repeatedly, also from `receive`."""
        if self._socket.fileno() != -1:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        for _ in range(_BURST):
            if self._socket.fileno() == -1:
                return
            try:
                data, source = self._socket.recvfrom(_LARGEST_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # This is an ICMP error for an earlier datagram: the socket keeps working.
                continue
            sender = source[:2]
            if self._capture is not None:
                self._last_received = self._capture.datagram(self._name, sender, self.address, data)
            self._receive(data, sender)
