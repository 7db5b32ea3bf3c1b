"""Routing without I/O: it maps a message and its connection to effects.

Sources: the wire protocol page of the CLASP documentation for sessions, subscriptions and parameters;
the reference router for P2P signaling, which that page does not define (requirements RTR-1 to RTR-5
and RTR-8).
"""

import time
import uuid
from collections.abc import Callable

from clasp_e2e import wire
from clasp_e2e.router.codes import ErrorCode
from clasp_e2e.router.effects import CloseConnection, Deliver, DeliveryRule, Effect
from clasp_e2e.router.state import Params, SetRefusedError
from clasp_e2e.router.subscriptions import MAX_PER_CONNECTION, Subscriptions

NAME = "clasp-e2e router"
FEATURES = frozenset({"param", "event", "stream", "gesture", "timeline"})

PROTOCOL_ERROR = 1002
"""WebSocket close code (RFC 6455, section 7.4.1)."""

MAX_TEXT = 500
"""Characters of an ERROR's text or address, so that client input cannot make an ERROR too long."""


def _session_id() -> str:
    return str(uuid.uuid4())


def _microseconds() -> int:
    return time.time_ns() // 1000


class RouterCore:
    """All sessions of a router, and the message flow between them.

    The shell assigns each connection a number that it never reuses, passes its messages to the core, and
    executes the effects in order. `clock` returns microseconds since the epoch.
    """

    def __init__(
        self,
        new_session_id: Callable[[], str] = _session_id,
        clock: Callable[[], int] = _microseconds,
    ) -> None:
        self._new_session_id = new_session_id
        self._clock = clock
        self._sessions: dict[int, str | None] = {}
        self._connections: dict[str, int] = {}
        self._subscriptions = Subscriptions()
        self._params = Params(clock)

    def session_of(self, connection: int) -> str | None:
        """Return the session id of a connection, `None` before its HELLO and after its end."""
        return self._sessions.get(connection)

    def connected(self, connection: int) -> None:
        """Register a new connection, which must send HELLO first."""
        self._sessions[connection] = None

    def disconnected(self, connection: int) -> None:
        """Remove a connection that has ended for any reason."""
        session = self._sessions.pop(connection, None)
        self._subscriptions.drop(connection)
        if session is not None:
            self._params.release(session)
            if self._connections.get(session) == connection:
                del self._connections[session]

    def hello_overdue(self, connection: int) -> list[Effect]:
        """Close a connection that has not sent HELLO in time."""
        return self._expel(connection, "no HELLO arrived in time; send HELLO first, right after connecting")

    def bad_frame(
        self, connection: int, error: Exception | str, code: ErrorCode = ErrorCode.INVALID_FRAME
    ) -> list[Effect]:
        """Handle a frame that cannot be decoded: a session gets an ERROR, a connection before HELLO ends."""
        if connection not in self._sessions:
            return []
        if self._sessions[connection] is None:
            return self._expel(connection, f"HELLO is required, and this is not a message: {error}", code)
        return [_error(connection, code, str(error))]

    def undeliverable(self, effect: Deliver, error: Exception) -> list[Effect]:
        """Handle a valid message that cannot be forwarded because it does not fit CLASP's binary encoding.

        MessagePack is the denser of the two encodings, so a message that fits into one frame as MessagePack
        may not fit as binary.
        """
        if isinstance(effect.message, wire.Error):
            return []
        return [_error(effect.origin, ErrorCode.INVALID_MESSAGE, f"the message cannot be forwarded: {error}")]

    def handle(
        self,
        connection: int,
        message: wire.Message,
        qos: wire.QoS = wire.QoS.FIRE,
        timestamp: int | None = None,
    ) -> list[Effect]:
        """Return the effects of one message. `qos` and `timestamp` are those of its frame.

        The messages of a BUNDLE are handled as if each had a frame of its own.
        """
        if connection not in self._sessions:
            # The message was in transit when the connection was closed.
            return []
        session = self._sessions[connection]
        if isinstance(message, wire.Hello):
            return self._hello(connection)
        if session is None:
            return self._expel(connection, f"{_name(message)} arrived before HELLO; send HELLO first")
        match message:
            case wire.Publish():
                return self._publish(connection, message, qos, timestamp)
            case wire.Subscribe():
                return self._subscribe(connection, message)
            case wire.Unsubscribe():
                self._subscriptions.remove(connection, message.id)
                return []
            case wire.Set():
                return self._set(connection, session, message, qos)
            case wire.Get():
                return self._get(connection, message)
            case wire.Bundle():
                return [
                    effect
                    for inner in message.messages
                    for effect in self.handle(connection, inner, qos, timestamp)
                ]
            case wire.Ping():
                return [_reply(connection, wire.Pong())]
            case wire.Pong() | wire.Ack() | wire.Error():
                # Replies get no reply; above all, an ERROR gets no ERROR.
                return []
            case wire.Welcome() | wire.Snapshot() | wire.Result():
                return [
                    _error(
                        connection,
                        ErrorCode.INVALID_MESSAGE,
                        f"{_name(message)} is sent by routers only, not by clients",
                    )
                ]
            case _:
                return [
                    _error(
                        connection,
                        ErrorCode.UNAVAILABLE,
                        f"{_name(message)} is not supported by this router, which supports "
                        "SUBSCRIBE, UNSUBSCRIBE, PUBLISH, SET, GET, BUNDLE and PING",
                    )
                ]

    def _hello(self, connection: int) -> list[Effect]:
        # The requested version is ignored: the reference router accepts any.
        if self._sessions[connection] is not None:
            return [_error(connection, ErrorCode.INVALID_MESSAGE, "second HELLO: the session is established")]
        session = self._new_session_id()
        self._sessions[connection] = session
        self._connections[session] = connection
        welcome = wire.Welcome(session, NAME, self._clock(), FEATURES)
        # The reference router sends a SNAPSHOT here even if it is empty.
        snapshots = self._params.snapshots() or [wire.Snapshot()]
        return [_reply(connection, message) for message in (welcome, *snapshots)]

    def _publish(
        self, connection: int, message: wire.Publish, qos: wire.QoS, timestamp: int | None
    ) -> list[Effect]:
        address = message.address
        try:
            wire.check_address(address)
        except wire.WireError as error:
            return [_error(connection, ErrorCode.INVALID_ADDRESS, str(error), address)]
        if address.startswith(wire.SIGNAL_PREFIX):
            # Addresses below the prefix are never matched with subscriptions (RTR-8).
            target = self._connections.get(wire.signal_target(address) or "")
            if target is None:
                return [
                    _error(
                        connection,
                        ErrorCode.SESSION_NOT_FOUND,
                        "no session with that id is connected; the signal was not delivered",
                        address,
                    )
                ]
            return [Deliver(target, message, DeliveryRule.SIGNAL, connection, qos, timestamp)]
        if address == wire.ANNOUNCE_ADDRESS:
            rule, wanted = DeliveryRule.ANNOUNCEMENT, None
        else:
            rule, wanted = DeliveryRule.SUBSCRIPTION, message.signal
        return [
            Deliver(subscriber, message, rule, connection, qos, timestamp)
            for subscriber in self._subscriptions.subscribers(address, wanted)
            if subscriber != connection
        ]

    def _subscribe(self, connection: int, message: wire.Subscribe) -> list[Effect]:
        try:
            wire.check_pattern(message.pattern)
        except wire.WireError as error:
            return [_error(connection, ErrorCode.PATTERN_ERROR, str(error), message.pattern)]
        if not self._subscriptions.add(connection, message):
            return [
                _error(
                    connection,
                    ErrorCode.TOO_MANY,
                    f"this session has {MAX_PER_CONNECTION} subscriptions, which is the limit; "
                    "unsubscribe from one first",
                    message.pattern,
                )
            ]
        # The documentation shows an ACK here. The reference router sends none, and a public
        # client (clasp-to 4.2) stops receiving when it gets one.
        if message.types and wire.SignalType.PARAM not in message.types:
            return []
        return [_reply(connection, snapshot) for snapshot in self._params.snapshots(message.pattern)]

    def _set(self, connection: int, session: str, message: wire.Set, qos: wire.QoS) -> list[Effect]:
        address = message.address
        try:
            wire.check_address(address)
        except wire.WireError as error:
            return [_error(connection, ErrorCode.INVALID_ADDRESS, str(error), address)]
        try:
            revision = self._params.set(message, session)
        except SetRefusedError as refusal:
            return [_error(connection, refusal.code, str(refusal), address)]
        told = wire.Set(address, message.value, revision, message.lock, message.unlock, message.ttl)
        effects: list[Effect] = [
            Deliver(subscriber, told, DeliveryRule.SUBSCRIPTION, connection)
            for subscriber in self._subscriptions.subscribers(address, wire.SignalType.PARAM)
        ]
        # A SET sent as FIRE gets no ACK (clasp-to 4.2 sends it so, and cannot read an ACK).
        if qos is not wire.QoS.FIRE:
            effects.append(_reply(connection, wire.Ack(address, revision)))
        return effects

    def _get(self, connection: int, message: wire.Get) -> list[Effect]:
        param = self._params.get(message.address)
        if param is None:
            return [
                _error(
                    connection,
                    ErrorCode.ADDRESS_NOT_FOUND,
                    "no parameter is set at this address",
                    message.address,
                )
            ]
        return [_reply(connection, wire.Snapshot((param,)))]

    def _expel(self, connection: int, text: str, code: ErrorCode = ErrorCode.INVALID_MESSAGE) -> list[Effect]:
        self.disconnected(connection)
        return [_error(connection, code, text), CloseConnection(connection, PROTOCOL_ERROR, "no HELLO")]


def _reply(connection: int, message: wire.Message) -> Deliver:
    return Deliver(connection, message, DeliveryRule.REPLY, connection)


def _error(connection: int, code: ErrorCode, text: str, address: str | None = None) -> Deliver:
    if address is not None and len(address) > MAX_TEXT:
        address = None
    return _reply(connection, wire.Error(code, text[:MAX_TEXT], address))


def _name(message: wire.Message) -> str:
    """Return the message's name in the documentation: FEDERATION_SYNC for `FederationSync`."""
    name = type(message).__name__
    return "FEDERATION_SYNC" if name == "FederationSync" else name.upper()
