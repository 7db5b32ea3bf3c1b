"""The codes and bits that the binary encoding and decoding share.

Source: the wire protocol page of the CLASP documentation, "Message Types" and "Key Message Structures".
"""

from __future__ import annotations

from enum import IntEnum

from clasp_e2e.wire.messages import SignalType

__all__ = ["ALL_TYPES", "FEATURE_BITS", "TYPE_BITS", "MessageType"]


class MessageType(IntEnum):
    """The first byte of a binary message."""

    HELLO = 0x01
    WELCOME = 0x02
    ANNOUNCE = 0x03
    FEDERATION_SYNC = 0x04
    SUBSCRIBE = 0x10
    UNSUBSCRIBE = 0x11
    PUBLISH = 0x20
    SET = 0x21
    GET = 0x22
    SNAPSHOT = 0x23
    REPLAY = 0x24
    BUNDLE = 0x30
    SYNC = 0x40
    PING = 0x41
    PONG = 0x42
    ACK = 0x50
    ERROR = 0x51
    QUERY = 0x60
    RESULT = 0x61


FEATURE_BITS = {
    "param": 0x80,
    "event": 0x40,
    "stream": 0x20,
    "gesture": 0x10,
    "timeline": 0x08,
    "federation": 0x04,
}
"""The features that HELLO and WELCOME can name, each with its bit."""

TYPE_BITS = {signal: 1 << signal for signal in SignalType}
"""The bit of each signal type in the mask of SUBSCRIBE and REPLAY."""

ALL_TYPES = 0xFF
"""The mask that stands for every signal type."""
