"""Non-blocking UDP sockets for use with `add_reader`: opening them, and reading in bursts."""

import contextlib
import socket
from collections.abc import Iterator
from typing import TypeAlias

Address: TypeAlias = tuple[str, int]

LARGEST_DATAGRAM = 65535
_SOCKET_BUFFER = 4 << 20
"""Bytes. With the system's default, a burst of large messages overflows the socket between two reads."""
_BURST = 64
"""Datagrams that are read from a socket before the event loop serves others again."""


def open_udp_socket(host: str = "127.0.0.1") -> socket.socket:
    """Return a non-blocking IPv4 socket bound to a free port of `host`.

    Raises `OSError` if the machine has no socket or no such address.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
        opened.setblocking(False)
        opened.bind((host, 0))
    except OSError:
        opened.close()
        raise
    return opened


def read_burst(source: socket.socket, buffer: memoryview) -> Iterator[tuple[memoryview, Address]]:
    """Yield a limited number of the datagrams that have arrived, each with its sender's address.

    A datagram is valid until the next one is read into the same `buffer`. The iteration ends if `source`
    is closed meanwhile.
    """
    for _ in range(_BURST):
        if source.fileno() == -1:
            return
        try:
            length, sender = source.recvfrom_into(buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            # This is an ICMP error for an earlier datagram: the socket keeps working.
            continue
        yield buffer[:length], sender
