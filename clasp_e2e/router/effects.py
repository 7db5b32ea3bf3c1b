"""What the routing core wants done.

A router that misbehaves is the core and a `Script` between it and the shell, so the effects say
not only what to do but whose message led to it, and by which rule.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from clasp_e2e import wire


class Why(Enum):
    """The rule by which a message is delivered."""

    REPLY = "reply"
    """It answers what the same connection sent (WELCOME, SNAPSHOT, ACK, PONG, ERROR)."""
    SIGNAL = "signal"
    """A P2P signal, to the one session it is addressed to."""
    ANNOUNCEMENT = "announcement"
    """A P2P announcement, to those who subscribed to it."""
    SUBSCRIPTION = "subscription"
    """Any other PUBLISH, or a SET, to those who subscribed to its address."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """A message for one connection.

    `origin` is the connection whose message led to this one. `qos` and `timestamp`
    (microseconds) are those of the frame it came in; `None` means the message's default, and none.
    """

    connection: int
    message: wire.Message
    why: Why
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
"""What becomes of an effect: itself for a sound router; nothing, another or several for a broken one.

It is called once an effect, in order, and may keep a state of its own between the calls.
"""
