"""The error codes of the router's ERROR messages.

Source: the wire protocol page of the CLASP documentation, "Error Codes"; 404 and 429 come from the
reference implementation.
"""

from enum import IntEnum


class ErrorCode(IntEnum):
    """The reason why a message was refused."""

    INVALID_FRAME = 100
    """The frame's header is malformed."""
    INVALID_MESSAGE = 101
    """The payload is not a message, or the message is not allowed now."""
    INVALID_ADDRESS = 200
    ADDRESS_NOT_FOUND = 201
    """A GET asked for a parameter that is not set."""
    PATTERN_ERROR = 202
    REVISION_CONFLICT = 400
    LOCK_HELD = 401
    INVALID_VALUE = 402
    SESSION_NOT_FOUND = 404
    """The target session of a signal is not connected."""
    TOO_MANY = 429
    """A session has reached its limit of subscriptions."""
    INTERNAL_ERROR = 500
    """The router cannot store more."""
    UNAVAILABLE = 501
    """The message is valid, but this router does not support it."""
