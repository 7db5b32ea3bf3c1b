"""A capture of what crossed the network in one case: the packets of a pcapng file.

Sockets and proxies of the harness that are opened in the context of a case record what they receive and send.
A datagram that crosses a link is therefore recorded twice, on its way in and on its way out; a lost one once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

from clasp_e2e import __version__
from clasp_e2e.network import pcapng
from clasp_e2e.network.ip_packets import Endpoint, TcpStream, udp

KEPT = 4 << 20
"""Bytes of payload that are kept from the beginning of a case, and as many from its end."""


class _Packet(NamedTuple):
    """What crossed one point of the network. `at` is the event loop's time, in seconds."""

    at: float
    interface: str
    data: bytes
    source: Endpoint | None
    destination: Endpoint | None
    connection: object
    """The TCP connection that carried `data`; None for a datagram."""
    outgoing: bool
    """The direction of an SCTP packet, which has no addresses."""


_WIDTH = len(_Packet._fields)


class Capture:
    """The packets and DTLS secrets of one case. Create it while an event loop runs."""

    def __init__(self, kept: int = KEPT) -> None:
        self._time = asyncio.get_running_loop().time
        self._offset = time.time() - self._time()
        self._kept = kept
        # The fields of all packets, one after the other: an object for each packet would make Python collect
        # garbage more often, which takes several times the processor time of recording.
        self._first: list[Any] = []
        self._last: deque[Any] = deque()
        self._room = kept
        self._in_last = 0
        self._count = 0
        self._comments: dict[int, str] = {}
        self.left_out = 0
        """The number of packets that were dropped to limit memory."""
        self._secrets: dict[bytes, None] = {}

    def datagram(self, interface: str, source: Endpoint, destination: Endpoint, data: bytes) -> int:
        """Record a UDP datagram; return its number, with which it can be given a comment."""
        return self._add((self._time(), interface, data, source, destination, None, False))

    def comment(self, number: int, text: str) -> None:
        """Give the packet `number` a comment."""
        self._comments[number] = text

    def stream(
        self, interface: str, connection: object, source: Endpoint, destination: Endpoint, data: bytes
    ) -> None:
        """Record bytes of the TCP `connection`."""
        self._add((self._time(), interface, data, source, destination, connection, False))

    def sctp(self, interface: str, data: bytes, *, outgoing: bool) -> None:
        """Record an SCTP packet of a peer of the harness, outside of DTLS."""
        self._add((self._time(), interface, data, None, None, None, outgoing))

    def secret(self, line: bytes) -> None:
        """Record a line of a DTLS key log (NSS format)."""
        self._secrets[line] = None

    def _add(self, packet: tuple[float, str, bytes, Endpoint | None, Endpoint | None, object, bool]) -> int:
        """Add the fields of a packet; return its number."""
        number, size = self._count, len(packet[2])
        self._count += 1
        if size <= self._room and not self._last:
            self._room -= size
            self._first += packet
            return number
        self._last += packet
        self._in_last += size
        while self._in_last > self._kept and len(self._last) > _WIDTH:
            dropped = _Packet(*(self._last.popleft() for _ in range(_WIDTH)))
            self._in_last -= len(dropped.data)
            self._comments.pop(self._count - len(self._last) // _WIDTH - 1, None)
            self.left_out += 1
        return number

    def _packets(self) -> Iterator[tuple[_Packet, str]]:
        """Yield the packets that were kept, each with its comment."""
        begin_of_last = self._count - len(self._last) // _WIDTH
        for kept, begin in ((self._first, 0), (self._last, begin_of_last)):
            fields = iter(kept)
            # The same iterator several times: each tuple takes the fields of one packet.
            for number, packet in enumerate(zip(*[fields] * _WIDTH, strict=True), begin):
                yield _Packet(*packet), self._comments.get(number, "")

    def to_pcapng(self, comment: str) -> bytes:
        """Return the file; `comment` describes the case."""
        if self.left_out:
            comment += f"\n{self.left_out} packets from the middle of the case were left out."
        return b"".join(self._blocks(comment))

    def _blocks(self, comment: str) -> Iterator[bytes]:
        yield pcapng.section(comment, f"clasp-e2e {__version__}")
        if self._secrets:
            yield pcapng.tls_secrets(b"".join(line + b"\n" for line in self._secrets))
        interfaces: dict[str, int] = {}
        streams: dict[int, TcpStream] = {}
        for each, note in self._packets():
            if each.interface not in interfaces:
                interfaces[each.interface] = len(interfaces)
                link_type = pcapng.LINK_SCTP if each.source is None else pcapng.LINK_IP
                yield pcapng.interface(link_type, each.interface)
            number, at = interfaces[each.interface], int((each.at + self._offset) * 1e9)
            if each.source is None or each.destination is None:
                direction = pcapng.OUTBOUND if each.outgoing else pcapng.INBOUND
                yield pcapng.packet(number, at, each.data, note, direction)
            elif each.connection is None:
                data = udp(each.source, each.destination, each.data)
                yield pcapng.packet(number, at, data, note)
            else:
                stream = streams.setdefault(id(each.connection), TcpStream())
                for data in stream.segments(each.source, each.destination, each.data):
                    yield pcapng.packet(number, at, data, note)


CAPTURE: ContextVar[Capture | None] = ContextVar("CAPTURE", default=None)
"""The capture of the current case; None outside of cases."""


@dataclass(frozen=True, slots=True)
class PeerTap:
    """Records the secrets and SCTP packets of one peer of the harness."""

    capture: Capture
    interface: str

    def secret(self, line: bytes) -> None:
        """Record a line of the DTLS key log."""
        self.capture.secret(line)

    def sctp(self, data: bytes, *, outgoing: bool) -> None:
        """Record an SCTP packet."""
        self.capture.sctp(self.interface, data, outgoing=outgoing)
