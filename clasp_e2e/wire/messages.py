"""The 19 messages of CLASP as immutable values.

Source: the wire protocol page of the CLASP documentation, "Message Types" and "Key Message
Structures". Times are microseconds since the epoch, unless noted otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str | bytes | list["Value"] | dict[str, "Value"] | None
"""A CLASP value. Integers are 64 bit and signed."""


class SignalType(IntEnum):
    """The kind of data at an address; PUBLISH contains the code, SUBSCRIBE its bit."""

    PARAM = 0
    EVENT = 1
    STREAM = 2
    GESTURE = 3
    TIMELINE = 4


class GesturePhase(IntEnum):
    """The phase of a gesture."""

    START = 0
    MOVE = 1
    END = 2
    CANCEL = 3


class FederationOp(IntEnum):
    """The operation of a FEDERATION_SYNC."""

    DECLARE_NAMESPACES = 1
    REQUEST_SYNC = 2
    REVISION_VECTOR = 3
    SYNC_COMPLETE = 4


class TtlMode(Enum):
    """Whether each use of a parameter restarts its time to live."""

    SLIDING = "sliding"
    ABSOLUTE = "absolute"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Ttl:
    """A parameter's time to live: `seconds` is 0 with `NEVER`, otherwise below 2**31."""

    mode: TtlMode
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Hello:
    """Client to router: the first message of a session."""

    name: str
    features: frozenset[str] = frozenset()
    token: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Welcome:
    """Router to client: the session is established; `session` is its id."""

    session: str
    name: str
    time: int
    features: frozenset[str] = frozenset()
    token: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class SignalMeta:
    """The metadata of an announced signal."""

    unit: str | None = None
    range: tuple[float, float] | None = None
    default: Value = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class SignalDefinition:
    """One signal of an ANNOUNCE or a RESULT (which does not contain `meta`)."""

    address: str
    type: SignalType
    datatype: str | None = None
    access: str | None = None
    meta: SignalMeta | None = None


@dataclass(frozen=True, slots=True)
class Announce:
    """Router to client: the signals of a namespace."""

    namespace: str
    signals: tuple[SignalDefinition, ...] = ()


@dataclass(frozen=True, slots=True)
class FederationSync:
    """Router to router: namespaces and revisions."""

    op: FederationOp
    patterns: tuple[str, ...] = ()
    revisions: dict[str, int] = field(default_factory=dict[str, int])
    since_revision: int | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class SubscribeOptions:
    """Limits on the updates that a subscriber receives."""

    max_rate: int | None = None
    epsilon: float | None = None
    history: int | None = None
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Client to router. `types` empty means all of them."""

    id: int
    pattern: str
    types: frozenset[SignalType] = frozenset()
    options: SubscribeOptions = SubscribeOptions()


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Client to router: ends the subscription `id`."""

    id: int


@dataclass(frozen=True, slots=True)
class Publish:
    """An event, stream, gesture or timeline, in either direction. At most one of `value` and `samples`.

    A PUBLISH without value and samples is allowed; `null_value` distinguishes a null value from none.
    """

    address: str
    value: Value = None
    signal: SignalType = SignalType.EVENT
    samples: tuple[float, ...] | None = None
    timestamp: int | None = None
    id: int | None = None
    phase: GesturePhase = GesturePhase.START
    rate: int | None = None
    null_value: bool = False
    """Whether the value is present and null."""


@dataclass(frozen=True, slots=True)
class Set:
    """Client to router, and router to subscribers: the new value of a parameter."""

    address: str
    value: Value
    revision: int | None = None
    lock: bool = False
    unlock: bool = False
    ttl: Ttl | None = None


@dataclass(frozen=True, slots=True)
class Get:
    """Client to router: requests a parameter's value, which arrives as a SNAPSHOT."""

    address: str


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a SNAPSHOT."""

    address: str
    value: Value
    revision: int
    writer: str | None = None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Router to client: parameters and their values."""

    params: tuple[Param, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """Client to router: requests the contents of the journal. `types` empty means all of them."""

    pattern: str
    since: int | None = None
    until: int | None = None
    limit: int | None = None
    types: frozenset[SignalType] = frozenset()


@dataclass(frozen=True, slots=True)
class Bundle:
    """Client to router: messages that take effect together."""

    messages: tuple[Message, ...] = ()
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """Clock synchronization; `t1` to `t3` as in NTP."""

    t1: int
    t2: int | None = None
    t3: int | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Either direction: requests a PONG."""


@dataclass(frozen=True, slots=True)
class Pong:
    """Either direction: answers a PING."""


@dataclass(frozen=True, slots=True)
class Ack:
    """Router to client: a message was accepted."""

    address: str | None = None
    revision: int | None = None
    locked: bool | None = None
    holder: str | None = None
    correlation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """Router to client: a message was refused. The codes are those of the wire protocol page."""

    code: int
    message: str
    address: str | None = None
    correlation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Client to router: requests the signals that match `pattern`."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Result:
    """Router to client: the signals that match a QUERY."""

    signals: tuple[SignalDefinition, ...] = ()


Message: TypeAlias = (
    Hello
    | Welcome
    | Announce
    | FederationSync
    | Subscribe
    | Unsubscribe
    | Publish
    | Set
    | Get
    | Snapshot
    | Replay
    | Bundle
    | Sync
    | Ping
    | Pong
    | Ack
    | Error
    | Query
    | Result
)


def unbundled(message: Message) -> Iterator[Message]:
    """Yield the messages in a BUNDLE, at any depth; `message` itself if it is none."""
    if isinstance(message, Bundle):
        for inner in message.messages:
            yield from unbundled(inner)
    else:
        yield message
