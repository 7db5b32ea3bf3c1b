"""The pcapng file format, version 1.0, as far as a capture of the harness needs it. Pure.

Source: draft-ietf-opsawg-pcapng (blocks, options, Decryption Secrets Block); the registry of link types of
libpcap. All numbers are little-endian, and all times nanoseconds since 1970.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

LINK_IP = 101
"""Packets that begin with an IPv4 or IPv6 header."""
LINK_SCTP = 248
"""SCTP packets without a lower layer."""
OUTBOUND, INBOUND = 2, 1
"""The direction of a packet, as the interface sees it."""

_SECTION, _INTERFACE, _PACKET, _SECRETS = 0x0A0D0D0A, 1, 6, 10
_COMMENT, _NAME, _RESOLUTION, _FLAGS, _APPLICATION = 1, 2, 9, 2, 4
_TLS_KEY_LOG = 0x544C534B
_NANOSECONDS = b"\x09"
_LONGEST_OPTION = 65535


def section(comment: str, application: str) -> bytes:
    """Return the block that begins a file: `comment` describes it, `application` wrote it."""
    options = [(_COMMENT, comment.encode()), (_APPLICATION, application.encode())]
    return _block(_SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _options(options))


def interface(link_type: int, name: str) -> bytes:
    """Return the description of an interface; packets name it by its place among the interfaces, from 0."""
    options = [(_NAME, name.encode()), (_RESOLUTION, _NANOSECONDS)]
    return _block(_INTERFACE, struct.pack("<HHI", link_type, 0, 0) + _options(options))


def tls_secrets(key_log: bytes) -> bytes:
    """Return the block that holds TLS or DTLS secrets, in the format of NSS key logs.

    It must precede the packets that need them.
    """
    return _block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(key_log)) + _padded(key_log))


def packet(number: int, at: int, data: bytes, comment: str = "", direction: int = 0) -> bytes:
    """Return a packet of interface `number` at the time `at`."""
    options = [(_COMMENT, comment.encode()[:_LONGEST_OPTION])] if comment else []
    if direction:
        options.append((_FLAGS, struct.pack("<I", direction)))
    head = struct.pack("<IIIII", number, at >> 32, at & 0xFFFFFFFF, len(data), len(data))
    return _block(_PACKET, head + _padded(data) + _options(options))


def _options(options: Iterable[tuple[int, bytes]]) -> bytes:
    written = b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options)
    return written + bytes(4) if written else b""


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
