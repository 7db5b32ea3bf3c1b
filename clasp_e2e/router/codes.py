"""The codes that the router's ERROR messages carry.

Source: the wire protocol page of the CLASP documentation, "Error Codes"; 404 and 429 are the
reference implementation's own.
"""

from enum import IntEnum


class ErrorCode(IntEnum):
    """Why a message was refused."""

    INVALID_FRAME = 100
    """The frame's header is malformed."""
    INVALID_MESSAGE = 101
    """The payload is no message, or not one that may come now."""
    INVALID_ADDRESS = 200
    ADDRESS_NOT_FOUND = 201
    """A GET asked for a parameter that is not set."""
    PATTERN_ERROR = 202
    REVISION_CONFLICT = 400
    LOCK_HELD = 401
    INVALID_VALUE = 402
    SESSION_NOT_FOUND = 404
    """A signal is addressed to a session that is not here."""
    TOO_MANY = 429
    """A session holds as many subscriptions as it may."""
    INTERNAL_ERROR = 500
    """The router cannot take more."""
    UNAVAILABLE = 501
    """The message is understood, and this router does not offer what it asks for."""
