"""The headers of IP and UDP (RFC 791, RFC 8200, RFC 768). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeAlias

TCP, UDP = 6, 17

Endpoint: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class IpPacket:
    """An IP packet; `body` is what follows its header, without IPv6 extension headers."""

    source: str
    destination: str
    protocol: int
    body: bytes
    data: bytes
    """The whole packet."""
    is_later_fragment: bool = False

    @classmethod
    def read(cls, data: bytes) -> IpPacket | None:
        """Return the packet in `data`; None if it is neither IPv4 nor IPv6."""
        if len(data) >= 20 and data[0] >> 4 == 4:
            start = 4 * (data[0] & 15)
            later = bool(int.from_bytes(data[6:8], "big") & 0x1FFF)
            source, destination = _text(data[12:16]), _text(data[16:20])
            return cls(source, destination, data[9], data[start:], data, later)
        if len(data) >= 40 and data[0] >> 4 == 6:
            return cls(_text(data[8:24]), _text(data[24:40]), data[6], data[40:], data)
        return None

    def udp(self) -> UdpPacket | None:
        """Return the UDP datagram in this packet, or in its first fragment."""
        if self.protocol != UDP or self.is_later_fragment or len(self.body) < 8:
            return None
        ports = int.from_bytes(self.body[:2], "big"), int.from_bytes(self.body[2:4], "big")
        return UdpPacket((self.source, ports[0]), (self.destination, ports[1]), self.body[8:], self.data)


@dataclass(frozen=True, slots=True)
class UdpPacket:
    """A UDP datagram."""

    source: Endpoint
    destination: Endpoint
    payload: bytes
    data: bytes
    """The whole IP packet."""


def _text(packed: bytes) -> str:
    if len(packed) == 4:  # Much faster than `ip_address`, and almost every packet is IPv4.
        return f"{packed[0]}.{packed[1]}.{packed[2]}.{packed[3]}"
    return str(ip_address(packed))
