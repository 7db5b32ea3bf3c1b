"""IP packets around what crossed a socket of the harness, for captures. Pure.

Source: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 768 (UDP), RFC 9293 (TCP). Over IPv4, a UDP checksum of 0 means
that there is none; those of TCP, and of UDP over IPv6, are computed.
"""

import struct
from collections.abc import Iterator
from ipaddress import ip_address

Endpoint = tuple[str, int]
_UDP, _TCP = 17, 6
_PUSH_AND_ACK = 0x18
_WINDOW = 65535
_SEGMENT = 32768
"""Maximum number of bytes of a TCP segment."""
_LARGEST_UDP = 65535 - 28
"""Maximum number of bytes that fit into a UDP datagram over IPv4; over IPv6 it is larger."""
_HOPS = 64


def udp(source: Endpoint, destination: Endpoint, data: bytes) -> bytes:
    """Return the IP packet with a UDP datagram."""
    data = data[:_LARGEST_UDP]
    head = struct.pack("!HHH", source[1], destination[1], 8 + len(data))
    checksum = 0
    if ":" in source[0]:
        pseudo = _pseudo_header(_UDP, source, destination, 8 + len(data))
        checksum = _checksum(pseudo + head + bytes(2) + data) or 0xFFFF
    return _ip(_UDP, source, destination, head + struct.pack("!H", checksum) + data)


class TcpStream:
    """Both directions of a TCP connection, whose bytes are known but not their segments."""

    def __init__(self) -> None:
        self._next: dict[Endpoint, int] = {}

    def segments(self, source: Endpoint, destination: Endpoint, data: bytes) -> Iterator[bytes]:
        """Yield the IP packets that carry `data`, the next bytes from `source`."""
        for begin in range(0, len(data), _SEGMENT):
            part = data[begin : begin + _SEGMENT]
            number = self._next.get(source, 1)
            acknowledged = self._next.get(destination, 1)
            self._next[source] = number + len(part) & 0xFFFFFFFF
            ports = struct.pack("!HHII", source[1], destination[1], number, acknowledged)
            head = ports + struct.pack("!BBHHH", 5 << 4, _PUSH_AND_ACK, _WINDOW, 0, 0)
            pseudo = _pseudo_header(_TCP, source, destination, len(head) + len(part))
            checksum = struct.pack("!H", _checksum(pseudo + head + part))
            yield _ip(_TCP, source, destination, head[:16] + checksum + head[18:] + part)


def _ip(protocol: int, source: Endpoint, destination: Endpoint, payload: bytes) -> bytes:
    addresses = _addresses(source, destination)
    if ":" in source[0]:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, _HOPS) + addresses + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, _HOPS, protocol, 0)
    return head[:10] + struct.pack("!H", _checksum(head + addresses)) + addresses + payload


def _pseudo_header(protocol: int, source: Endpoint, destination: Endpoint, size: int) -> bytes:
    """Return what a checksum covers in addition to a payload of `size` bytes."""
    form = "!II" if ":" in source[0] else "!HH"
    fields = (size, protocol) if ":" in source[0] else (protocol, size)
    return _addresses(source, destination) + struct.pack(form, *fields)


def _addresses(source: Endpoint, destination: Endpoint) -> bytes:
    return ip_address(source[0]).packed + ip_address(destination[0]).packed


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    # The sum of 16-bit words with end-around carry is the number modulo 65535.
    number = int.from_bytes(data + bytes(len(data) % 2), "big")
    total = number % 0xFFFF
    return ~(total or (0xFFFF if number else 0)) & 0xFFFF
