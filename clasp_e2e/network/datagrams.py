"""What the first bytes of a datagram between WebRTC peers reveal.

Sources: RFC 7983 section 7 (distinguishing protocols by the first byte), RFC 5389 sections 6 and 15 (STUN),
RFC 8445 sections 7.1.1 (USE-CANDIDATE) and 7.2.2 (USERNAME), RFC 6347 section 4.1 and RFC 9147 section 4
(DTLS records).
"""

from enum import IntEnum

_STUN_HEADER = 20
_USERNAME, _ERROR_CODE, _USE_CANDIDATE = 0x0006, 0x0009, 0x0025
_DTLS_HEADER = 13
_HANDSHAKE, _APPLICATION_DATA = 22, 23
_CONTENT = {
    20: "change cipher spec",
    21: "alert",
    _HANDSHAKE: "handshake",
    _APPLICATION_DATA: "application data",
}
_MESSAGES = {
    1: "ClientHello",
    2: "ServerHello",
    3: "HelloVerifyRequest",
    11: "Certificate",
    12: "ServerKeyExchange",
    13: "CertificateRequest",
    14: "ServerHelloDone",
    15: "CertificateVerify",
    16: "ClientKeyExchange",
}
"""The handshake messages of DTLS 1.2 that are not encrypted (RFC 5246 section 7.4)."""


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
    return _attribute(data, _USE_CANDIDATE) is not None


def user_name_fragments(data: bytes) -> frozenset[str]:
    """Return the two user name fragments that a connectivity check names; none for other datagrams."""
    names = _attribute(data, _USERNAME) if stun_class(data) is StunClass.REQUEST else None
    return frozenset() if names is None else frozenset(names.decode("utf-8", "replace").split(":"))


def _attribute(data: bytes, wanted: int) -> bytes | None:
    """Return the value of an attribute of a STUN message."""
    position = _STUN_HEADER
    while position + 4 <= len(data):
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if int.from_bytes(data[position : position + 2], "big") == wanted:
            return data[position + 4 : position + 4 + length]
        position += 4 + (length + 3 & ~3)
    return None


def is_dtls(data: bytes) -> bool:
    """Return whether the datagram consists of DTLS records."""
    return len(data) > 0 and 20 <= data[0] <= 63


def kind(data: bytes) -> str:
    """Return what the first bytes of a datagram reveal: `STUN request`, `DTLS ClientHello`, `not known`."""
    message = stun_class(data)
    if message is not None:
        words = f"STUN {message.name.lower()}"
        if message is StunClass.REQUEST and nominates(data):
            return f"{words} (nominates)"
        error = _attribute(data, _ERROR_CODE) if message is StunClass.ERROR else None
        return f"{words} {100 * (error[2] & 7) + error[3]}" if error and len(error) >= 4 else words
    if not is_dtls(data):
        return "not known"
    if data[0] >> 5 == 1:
        return "DTLS encrypted record"
    content = _CONTENT.get(data[0], "record")
    # The epoch of a record is 0 until the sender encrypts (RFC 6347 section 4.1).
    if data[0] == _HANDSHAKE and data[3:5] == b"\0\0" and len(data) > _DTLS_HEADER:
        content = _MESSAGES.get(data[_DTLS_HEADER], content)
    return f"DTLS {content}"


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
