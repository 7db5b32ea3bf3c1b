"""IP packets around what crossed a socket of the harness, for captures. Pure.

Source: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 768 (UDP), RFC 9293 (TCP). Over IPv4, a UDP checksum of 0 means
that there is none; the others are computed.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

Endpoint = tuple[str, int]
_UDP, _TCP = 17, 6
_PUSH_AND_ACK = 0x18
_WINDOW = 65535
_SEGMENT = 32768
"""Maximum number of bytes of a TCP segment."""
_LARGEST_UDP = 65535 - 28
"""Maximum number of bytes that fit into a UDP datagram over IPv4."""


def udp(source: Endpoint, destination: Endpoint, data: bytes) -> bytes:
    """Return the IPv4 or IPv6 packet with a UDP datagram."""
    data = data[:_LARGEST_UDP]
    if ":" in source[0]:
        return _udp_over_ipv6(source, destination, data)
    return _ipv4(
        _UDP, source, destination, struct.pack("!HHHH", source[1], destination[1], 8 + len(data), 0) + data
    )


class TcpStream:
    """Both directions of a TCP connection, whose bytes are known but not their segments."""

    def __init__(self) -> None:
        self._next: dict[Endpoint, int] = {}

    def segments(self, source: Endpoint, destination: Endpoint, data: bytes) -> Iterator[bytes]:
        """Yield the IPv4 packets that carry `data`, the next bytes from `source`."""
        for begin in range(0, len(data), _SEGMENT):
            part = data[begin : begin + _SEGMENT]
            number = self._next.get(source, 1)
            acknowledged = self._next.get(destination, 1)
            self._next[source] = number + len(part) & 0xFFFFFFFF
            ports = struct.pack("!HHII", source[1], destination[1], number, acknowledged)
            head = ports + struct.pack("!BBHHH", 5 << 4, _PUSH_AND_ACK, _WINDOW, 0, 0)
            pseudo = (
                _address(source) + _address(destination) + struct.pack("!HH", _TCP, len(head) + len(part))
            )
            checksum = struct.pack("!H", _checksum(pseudo + head + part))
            yield _ipv4(_TCP, source, destination, head[:16] + checksum + head[18:] + part)


def _udp_over_ipv6(source: Endpoint, destination: Endpoint, data: bytes) -> bytes:
    length = 8 + len(data)
    addresses = IPv6Address(source[0]).packed + IPv6Address(destination[0]).packed
    ports = struct.pack("!HHH", source[1], destination[1], length)
    pseudo = addresses + struct.pack("!II", length, _UDP)
    checksum = _checksum(pseudo + ports + bytes(2) + data) or 0xFFFF
    head = struct.pack("!IHBB", 6 << 28, length, _UDP, 64)
    return head + addresses + ports + struct.pack("!H", checksum) + data


def _ipv4(protocol: int, source: Endpoint, destination: Endpoint, payload: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0)
    addresses = _address(source) + _address(destination)
    return head[:10] + struct.pack("!H", _checksum(head + addresses)) + addresses + payload


def _address(endpoint: Endpoint) -> bytes:
    return IPv4Address(endpoint[0]).packed


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    # The sum of 16-bit words with end-around carry is the number modulo 65535.
    number = int.from_bytes(data + bytes(len(data) % 2), "big")
    total = number % 0xFFFF
    return ~(total or (0xFFFF if number else 0)) & 0xFFFF
