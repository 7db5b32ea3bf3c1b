"""What a datagram between WebRTC peers shows from outside.

Sources: RFC 7983 section 7 (telling protocols apart by the first byte), RFC 5389 section 6 (STUN),
RFC 8445 section 7.1.1 (USE-CANDIDATE), RFC 6347 section 4.1 and RFC 9147 section 4 (DTLS records).
"""

from enum import IntEnum

_STUN_HEADER = 20
_USE_CANDIDATE = 0x0025
_DTLS_HEADER = 13
_APPLICATION_DATA = 23


class StunClass(IntEnum):
    """The class bits of a STUN message type."""

    REQUEST = 0x000
    INDICATION = 0x010
    SUCCESS = 0x100
    ERROR = 0x110


def stun_class(data: memoryview) -> StunClass | None:
    """The class of a STUN message; `None` for any other datagram."""
    if len(data) < _STUN_HEADER or data[0] > 3:
        return None
    return StunClass((data[0] << 8 | data[1]) & 0x0110)


def transaction_id(data: memoryview) -> bytes:
    """The 12 bytes that tie a STUN response to its request."""
    return bytes(data[8:_STUN_HEADER])


def nominates(data: memoryview) -> bool:
    """True for a STUN message that carries USE-CANDIDATE."""
    position = _STUN_HEADER
    while position + 4 <= len(data):
        if int.from_bytes(data[position : position + 2], "big") == _USE_CANDIDATE:
            return True
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        position += 4 + (length + 3 & ~3)
    return False


def is_dtls(data: memoryview | bytes) -> bool:
    """True for a datagram of DTLS records."""
    return len(data) > 0 and 20 <= data[0] <= 63


def application_records(data: memoryview | bytes) -> int:
    """The number of DTLS records in a datagram that carry application data.

    DTLS 1.3 hides the type of an encrypted record: each of those counts, its rare handshake and
    acknowledgement records among them.
    """
    count = position = 0
    while position < len(data):
        if data[position] >> 5 == 1:
            # The unified header's length is optional, and its absence means "to the end".
            return count + 1
        if position + _DTLS_HEADER > len(data):
            break
        count += data[position] == _APPLICATION_DATA
        position += _DTLS_HEADER + int.from_bytes(data[position + 11 : position + 13], "big")
    return count
