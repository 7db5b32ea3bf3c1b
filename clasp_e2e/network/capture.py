"""A capture of what crossed the network in one case: the packets of a pcapng file.

Sockets and proxies of the harness that are opened in the context of a case record what they receive and send.
A datagram that crosses a link is therefore recorded twice, on its way in and on its way out; a lost one once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from clasp_e2e import __version__
from clasp_e2e.network import pcapng
from clasp_e2e.network.ip_packets import Endpoint, TcpStream, udp

KEPT = 4 << 20
"""Bytes of payload that are kept from the beginning of a case, and as many from its end."""


@dataclass(slots=True)
class CapturedPacket:
    """What crossed one point of the network. `at` is the event loop's time, in seconds."""

    at: float
    interface: str
    data: bytes
    source: Endpoint | None = None
    destination: Endpoint | None = None
    connection: object = None
    """The TCP connection that carried `data`; None for a datagram."""
    outgoing: bool | None = None
    """The direction of an SCTP packet, which has no addresses."""
    comment: str = ""


class Capture:
    """The packets and DTLS secrets of one case. Create it while an event loop runs."""

    def __init__(self, kept: int = KEPT) -> None:
        self._time = asyncio.get_running_loop().time
        self._offset = time.time() - self._time()
        self._kept = kept
        self._first: list[CapturedPacket] = []
        self._last: deque[CapturedPacket] = deque()
        self._room = kept
        self._in_last = 0
        self.left_out = 0
        """The number of packets that were dropped to limit memory."""
        self._secrets: dict[bytes, None] = {}

    def datagram(
        self, interface: str, source: Endpoint, destination: Endpoint, data: bytes, comment: str = ""
    ) -> CapturedPacket:
        """Record a UDP datagram; the returned packet can be given a comment."""
        return self._add(CapturedPacket(self._time(), interface, data, source, destination, comment=comment))

    def stream(
        self, interface: str, connection: object, source: Endpoint, destination: Endpoint, data: bytes
    ) -> None:
        """Record bytes of the TCP `connection`."""
        self._add(CapturedPacket(self._time(), interface, data, source, destination, connection))

    def sctp(self, interface: str, data: bytes, *, outgoing: bool) -> None:
        """Record an SCTP packet of a peer of the harness, outside of DTLS."""
        self._add(CapturedPacket(self._time(), interface, data, outgoing=outgoing))

    def secret(self, line: bytes) -> None:
        """Record a line of a DTLS key log (NSS format)."""
        self._secrets[line] = None

    def _add(self, packet: CapturedPacket) -> CapturedPacket:
        size = len(packet.data)
        if size <= self._room and not self._last:
            self._room -= size
            self._first.append(packet)
            return packet
        self._last.append(packet)
        self._in_last += size
        while self._in_last > self._kept and len(self._last) > 1:
            self._in_last -= len(self._last.popleft().data)
            self.left_out += 1
        return packet

    def to_pcapng(self, comment: str) -> bytes:
        """Return the file; `comment` describes the case."""
        if self.left_out:
            comment += f"\n{self.left_out} packets from the middle of the case were left out."
        return b"".join(self._blocks(comment, [*self._first, *self._last]))

    def _blocks(self, comment: str, packets: Iterable[CapturedPacket]) -> Iterator[bytes]:
        yield pcapng.section(comment, f"clasp-e2e {__version__}")
        if self._secrets:
            yield pcapng.tls_secrets(b"".join(line + b"\n" for line in self._secrets))
        interfaces: dict[str, int] = {}
        streams: dict[int, TcpStream] = {}
        for each in packets:
            if each.interface not in interfaces:
                interfaces[each.interface] = len(interfaces)
                link_type = pcapng.LINK_SCTP if each.source is None else pcapng.LINK_IPV4
                yield pcapng.interface(link_type, each.interface)
            number, at = interfaces[each.interface], int((each.at + self._offset) * 1e9)
            if each.source is None or each.destination is None:
                direction = pcapng.OUTBOUND if each.outgoing else pcapng.INBOUND
                yield pcapng.packet(number, at, each.data, each.comment, direction)
            elif each.connection is None:
                data = udp(each.source, each.destination, each.data)
                yield pcapng.packet(number, at, data, each.comment)
            else:
                stream = streams.setdefault(id(each.connection), TcpStream())
                for data in stream.segments(each.source, each.destination, each.data):
                    yield pcapng.packet(number, at, data, each.comment)


CAPTURE: ContextVar[Capture | None] = ContextVar("CAPTURE", default=None)
"""The capture of the current case; None outside of cases."""
