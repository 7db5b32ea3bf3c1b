"""The effects that the routing core requests.

A faulty router is the core with a `Script` between it and the shell. Effects therefore also say which
connection and which rule caused them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from clasp_e2e import wire


class DeliveryRule(Enum):
    """The rule by which a message is delivered."""

    REPLY = "reply"
    """A reply to a message of the same connection (WELCOME, SNAPSHOT, ACK, PONG, ERROR)."""
    SIGNAL = "signal"
    """A P2P signal, delivered to the session it is addressed to."""
    ANNOUNCEMENT = "announcement"
    """A P2P announcement, delivered to its subscribers."""
    SUBSCRIPTION = "subscription"
    """Any other PUBLISH, or a SET, delivered to the subscribers of its address."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """The delivery of a message to one connection.

    `origin` is the connection whose message caused it. `qos` and `timestamp` (microseconds) are those of
    the frame of that message; `None` means the default QoS of the message, and no timestamp.
    """

    connection: int
    message: wire.Message
    rule: DeliveryRule
    origin: int
    qos: wire.QoS | None = None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """The end of one connection, with a WebSocket close code (RFC 6455, section 7.4)."""

    connection: int
    code: int
    reason: str


Effect: TypeAlias = Deliver | CloseConnection

Script: TypeAlias = Callable[[Effect], Iterable[Effect]]
"""A function that decides whether an effect is executed, changed, dropped or multiplied.

It is called once for each effect, in order, and may keep state between the calls.
"""
