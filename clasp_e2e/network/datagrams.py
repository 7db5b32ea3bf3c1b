"""What the first bytes of a datagram between WebRTC peers reveal.

Sources: RFC 7983 section 7 (distinguishing protocols by the first byte), RFC 5389 section 6 (STUN),
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


def stun_class(data: bytes) -> StunClass | None:
    """Return the class of a STUN message; `None` for any other datagram."""
    if len(data) < _STUN_HEADER or data[0] > 3:
        return None
    return StunClass((data[0] << 8 | data[1]) & 0x0110)


def transaction_id(data: bytes) -> bytes:
    """Return the 12 bytes that match a STUN response to its request."""
    return data[8:_STUN_HEADER]


def nominates(data: bytes) -> bool:
    """Return whether the datagram is a STUN message with USE-CANDIDATE."""
    position = _STUN_HEADER
    while position + 4 <= len(data):
        if int.from_bytes(data[position : position + 2], "big") == _USE_CANDIDATE:
            return True
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        position += 4 + (length + 3 & ~3)
    return False


def is_dtls(data: bytes) -> bool:
    """Return whether the datagram consists of DTLS records."""
    return len(data) > 0 and 20 <= data[0] <= 63


def application_records(data: bytes) -> int:
    """Return the number of DTLS records with application data in a datagram.

    DTLS 1.3 encrypts the type of a record: all encrypted records are counted, including the rare handshake
    and acknowledgement records.
    """
    if not is_dtls(data):
        return 0
    count = position = 0
    while position < len(data):
        if data[position] >> 5 == 1:
            # The length in the unified header is optional; without it, the record extends to the end.
            return count + 1
        if position + _DTLS_HEADER > len(data):
            break
        count += data[position] == _APPLICATION_DATA
        position += _DTLS_HEADER + int.from_bytes(data[position + 11 : position + 13], "big")
    return count
