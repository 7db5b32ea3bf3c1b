"""STUN and TURN messages, decoded with aioice's message code. Pure.

Sources: RFC 8489 (STUN), RFC 8656 sections 11 and 12 (indications, ChannelData).
"""

import struct
from collections.abc import Iterator

from aioice import stun

from clasp_e2e.network.udp_socket import Address

CHANNELS = range(0x4000, 0x8000)
"""Channel numbers. RFC 8656 ends them at 0x4FFF; clients of the older RFC 5766 use higher ones."""

ALTERNATE_SERVER = "ALTERNATE-SERVER"
# aioice does not know this attribute (RFC 8489 section 14.15).
stun.ATTRIBUTES_BY_TYPE[0x8023] = (0x8023, ALTERNATE_SERVER, stun.pack_address, stun.unpack_address)
stun.ATTRIBUTES_BY_NAME[ALTERNATE_SERVER] = stun.ATTRIBUTES_BY_TYPE[0x8023]

_HEADER = 20
_XOR_PEER_ADDRESS = 0x0012


def read_stun(data: bytes) -> stun.Message | None:
    """Return the STUN message in a datagram; `None` for any other, including malformed ones."""
    try:
        return stun.parse_message(data)
    except (ValueError, IndexError, struct.error):
        return None


def peer_addresses(data: bytes) -> list[Address]:
    """Return every XOR-PEER-ADDRESS of a decoded STUN message; aioice keeps only the last."""
    return [
        stun.unpack_xor_address(value, data[8:_HEADER])
        for kind, value in _attributes(data)
        if kind == _XOR_PEER_ADDRESS
    ]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = _HEADER
    while position + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, position)
        yield kind, data[position + 4 : position + 4 + length]
        position += 4 + (length + 3 & ~3)


def channel_data(channel: int, payload: bytes) -> bytes:
    """Return a ChannelData message in its form over UDP, without padding."""
    return struct.pack("!HH", channel, len(payload)) + payload


def read_channel_data(data: bytes) -> tuple[int, bytes] | None:
    """Return channel and payload of a ChannelData message; `None` for any other datagram."""
    if len(data) < 4:
        return None
    channel, length = struct.unpack_from("!HH", data)
    if channel not in CHANNELS or len(data) < 4 + length:
        return None
    return channel, data[4 : 4 + length]
