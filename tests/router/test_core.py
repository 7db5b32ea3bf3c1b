from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e import wire
from clasp_e2e.router import CloseConnection, Deliver, DeliveryRule, Effect, ErrorCode, RouterCore

A, B, C = 1, 2, 3


def core_with(*connections: int) -> RouterCore:
    """A core in which connection 1 is session `s1`, and so on."""
    ids = iter(f"s{connection}" for connection in connections)
    core = RouterCore(new_session_id=lambda: next(ids), clock=lambda: 7)
    for connection in connections:
        core.connected(connection)
        core.handle(connection, wire.Hello("test"))
    return core


def errors(effects: list[Effect]) -> list[tuple[int, int]]:
    """Who got which ERROR; fails if anything else happened."""
    found: list[tuple[int, int]] = []
    for effect in effects:
        assert isinstance(effect, Deliver)
        assert isinstance(effect.message, wire.Error)
        found.append((effect.connection, effect.message.code))
    return found


def signal(target: str) -> wire.Publish:
    offer = wire.Offer("s1", "v=0\r\n", "c1")
    return wire.Publish(wire.signal_address(target), wire.encode_signal(offer))


# Sessions


def test_hello_is_answered_with_welcome_and_empty_snapshot() -> None:
    core = RouterCore(clock=lambda: 7)
    core.connected(A)
    welcome, snapshot = core.handle(A, wire.Hello("test"))
    assert isinstance(welcome, Deliver)
    assert isinstance(welcome.message, wire.Welcome)
    assert uuid.UUID(welcome.message.session).version == 4
    assert welcome.message.time == 7
    assert core.session_of(A) == welcome.message.session
    assert snapshot == Deliver(A, wire.Snapshot(), DeliveryRule.REPLY, A)


def test_second_hello_is_error_without_effect() -> None:
    core = core_with(A)
    assert errors(core.handle(A, wire.Hello("again"))) == [(A, ErrorCode.INVALID_MESSAGE)]
    assert core.session_of(A) == "s1"


@pytest.mark.parametrize(
    "message",
    [wire.Ping(), wire.Get("/a"), wire.Publish("/a", 1), wire.Welcome("s", "n", 0), wire.Pong()],
)
def test_message_before_hello_ends_connection(message: wire.Message) -> None:
    core = RouterCore()
    core.connected(A)
    told, end = core.handle(A, message)
    assert errors([told]) == [(A, ErrorCode.INVALID_MESSAGE)]
    assert end == CloseConnection(A, 1002, "no HELLO")
    assert core.handle(A, wire.Hello("too late")) == []


def test_missing_hello_ends_connection() -> None:
    core = RouterCore()
    core.connected(A)
    told, end = core.hello_overdue(A)
    assert errors([told]) == [(A, ErrorCode.INVALID_MESSAGE)]
    assert isinstance(end, CloseConnection)


def test_bad_frame_ends_only_connection_without_session() -> None:
    core = core_with(A)
    assert errors(core.bad_frame(A, "senseless")) == [(A, ErrorCode.INVALID_FRAME)]
    core.connected(B)
    told, end = core.bad_frame(B, "senseless")
    assert errors([told]) == [(B, ErrorCode.INVALID_FRAME)]
    assert isinstance(end, CloseConnection)
    assert core.bad_frame(B, "after the end") == []
    assert core.session_of(A) == "s1"


def test_connection_with_used_id_does_not_replace_first() -> None:
    core = RouterCore(new_session_id=lambda: "same")
    for connection in (A, B, C):
        core.connected(connection)
        core.handle(connection, wire.Hello("test"))
    core.disconnected(A)
    (delivered,) = core.handle(B, signal("same"))
    assert delivered.connection == C


# Signals and announcements (RTR-1 to RTR-5, RTR-8)


def test_signal_goes_to_target_only() -> None:
    core = core_with(A, B, C)
    core.handle(C, wire.Subscribe(1, "/clasp/**"))
    core.handle(C, wire.Subscribe(2, "/clasp/p2p/signal/s2"))
    message = signal("s2")
    assert core.handle(A, message, wire.QoS.CONFIRM, 99) == [
        Deliver(B, message, DeliveryRule.SIGNAL, A, wire.QoS.CONFIRM, 99)
    ]


def test_signal_arrives_once_at_subscribed_target() -> None:
    core = core_with(A, B)
    core.handle(B, wire.Subscribe(1, "/clasp/p2p/signal/s2"))
    assert [effect.connection for effect in core.handle(A, signal("s2"))] == [B]


@pytest.mark.parametrize(
    "address",
    [
        "/clasp/p2p/signal/nobody",
        "/clasp/p2p/signal/",
        "/clasp/p2p/signal/s2/more",
        "/clasp/p2p/signal/s3",
    ],
)
def test_signal_to_unknown_session_is_error(address: str) -> None:
    core = core_with(A, B, C)
    core.handle(B, wire.Subscribe(1, "/**"))
    core.disconnected(C)
    assert errors(core.handle(A, wire.Publish(address, {"type": "offer"}))) == [
        (A, ErrorCode.SESSION_NOT_FOUND)
    ]


def test_announcement_reaches_subscribers_except_sender_and_is_not_kept() -> None:
    core = core_with(A, B, C)
    for connection in (A, B):
        core.handle(connection, wire.Subscribe(1, wire.ANNOUNCE_ADDRESS))
    message = wire.Publish(wire.ANNOUNCE_ADDRESS, wire.encode_announcement(wire.Announcement("s1")))
    assert core.handle(A, message) == [Deliver(B, message, DeliveryRule.ANNOUNCEMENT, A, wire.QoS.FIRE)]
    assert core.handle(C, wire.Subscribe(1, wire.ANNOUNCE_ADDRESS)) == []


# Publishing


def test_publication_carries_qos_and_time_of_frame() -> None:
    core = core_with(A, B)
    core.handle(B, wire.Subscribe(1, "/lights/*"))
    message = wire.Publish("/lights/one", 0.5, timestamp=3)
    assert core.handle(A, message, wire.QoS.COMMIT, 5) == [
        Deliver(B, message, DeliveryRule.SUBSCRIPTION, A, wire.QoS.COMMIT, 5)
    ]


segments = st.sampled_from(["a", "b", "c"])
addresses = st.lists(segments, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
patterns = st.lists(segments | st.sampled_from(["*", "**"]), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), patterns), max_size=8),
    addresses,
    st.integers(1, 4),
)
def test_publication_reaches_each_subscriber_except_sender_once(
    subscriptions: list[tuple[int, int, str]], address: str, sender: int
) -> None:
    core = core_with(1, 2, 3, 4)
    held: dict[tuple[int, int], str] = {}
    for connection, number, pattern in subscriptions:
        core.handle(connection, wire.Subscribe(number, pattern))
        held[connection, number] = pattern
    expected = {who for (who, _), pattern in held.items() if wire.matches(pattern, address)} - {sender}
    reached = [effect.connection for effect in core.handle(sender, wire.Publish(address, 1))]
    assert sorted(reached) == sorted(expected)


def test_unsubscribed_or_closed_session_gets_nothing() -> None:
    core = core_with(A, B, C)
    core.handle(B, wire.Subscribe(1, "/a"))
    core.handle(C, wire.Subscribe(1, "/a"))
    core.handle(B, wire.Unsubscribe(1))
    core.disconnected(C)
    assert core.handle(A, wire.Publish("/a", 1)) == []


def test_subscription_to_types_gets_only_these() -> None:
    core = core_with(A, B)
    core.handle(B, wire.Subscribe(1, "/a", frozenset({wire.SignalType.STREAM})))
    assert core.handle(A, wire.Publish("/a", 1)) == []
    assert core.handle(A, wire.Set("/a", 1)) == []
    assert len(core.handle(A, wire.Publish("/a", 1, wire.SignalType.STREAM))) == 1


def test_bad_addresses_and_patterns_are_errors() -> None:
    core = core_with(A)
    assert errors(core.handle(A, wire.Publish("a", 1))) == [(A, ErrorCode.INVALID_ADDRESS)]
    assert errors(core.handle(A, wire.Set("//a", 1))) == [(A, ErrorCode.INVALID_ADDRESS)]
    assert errors(core.handle(A, wire.Subscribe(1, "a/*"))) == [(A, ErrorCode.PATTERN_ERROR)]


def test_error_about_long_address_fits_into_frame() -> None:
    core = core_with(A)
    for message in (wire.Publish("é" * 32000, 1), wire.Get("/" + "a" * 65000)):
        (told,) = core.handle(A, message)
        assert isinstance(told, Deliver)
        assert len(wire.encode(told.message)) < 5000


def test_number_of_subscriptions_is_limited() -> None:
    core = core_with(A)
    for number in range(1000):
        assert core.handle(A, wire.Subscribe(number, "/a")) == []
    assert errors(core.handle(A, wire.Subscribe(1000, "/a"))) == [(A, ErrorCode.TOO_MANY)]
    assert core.handle(A, wire.Subscribe(0, "/b")) == []


# Parameters


def test_set_reaches_subscribers_including_sender() -> None:
    core = core_with(A, B)
    core.handle(A, wire.Subscribe(1, "/a"))
    core.handle(B, wire.Subscribe(1, "/**"))
    told = wire.Set("/a", 5, revision=1)
    assert core.handle(A, wire.Set("/a", 5)) == [
        Deliver(A, told, DeliveryRule.SUBSCRIPTION, A),
        Deliver(B, told, DeliveryRule.SUBSCRIPTION, A),
    ]


def test_set_is_acknowledged_on_request() -> None:
    core = core_with(A)
    assert core.handle(A, wire.Set("/a", 5), wire.QoS.FIRE) == []
    assert core.handle(A, wire.Set("/a", 6), wire.QoS.CONFIRM) == [
        Deliver(A, wire.Ack("/a", 2), DeliveryRule.REPLY, A)
    ]


def test_get_is_answered_with_snapshot_or_error() -> None:
    core = core_with(A, B)
    core.handle(A, wire.Set("/a", [1, "x"]))
    assert core.handle(B, wire.Get("/a")) == [
        Deliver(B, wire.Snapshot((wire.Param("/a", [1, "x"], 1, "s1", 7),)), DeliveryRule.REPLY, B)
    ]
    assert errors(core.handle(B, wire.Get("/b"))) == [(B, ErrorCode.ADDRESS_NOT_FOUND)]


def test_late_session_or_subscription_gets_snapshot() -> None:
    core = core_with(A)
    core.handle(A, wire.Set("/a/b", True))
    kept = wire.Snapshot((wire.Param("/a/b", True, 1, "s1", 7),))
    assert core.handle(A, wire.Subscribe(1, "/a/*")) == [Deliver(A, kept, DeliveryRule.REPLY, A)]
    assert core.handle(A, wire.Subscribe(2, "/b/*")) == []


def test_refused_set_is_error_and_reaches_no_subscriber() -> None:
    core = core_with(A, B)
    core.handle(A, wire.Subscribe(1, "/a"))
    core.handle(A, wire.Set("/a", 5, lock=True))
    assert errors(core.handle(B, wire.Set("/a", 6))) == [(B, ErrorCode.LOCK_HELD)]
    assert errors(core.handle(A, wire.Set("/a", 6, revision=9))) == [(A, ErrorCode.REVISION_CONFLICT)]
    core.disconnected(A)
    assert core.handle(B, wire.Set("/a", 6)) == []


# The rest


def test_ping_is_answered() -> None:
    assert core_with(A).handle(A, wire.Ping()) == [Deliver(A, wire.Pong(), DeliveryRule.REPLY, A)]


@pytest.mark.parametrize("message", [wire.Pong(), wire.Ack(), wire.Error(500, "mine")])
def test_pong_is_not_answered(message: wire.Message) -> None:
    assert core_with(A).handle(A, message) == []


@pytest.mark.parametrize(
    ("message", "code", "name"),
    [
        (wire.Welcome("s", "n", 0), ErrorCode.INVALID_MESSAGE, "WELCOME"),
        (wire.Snapshot(), ErrorCode.INVALID_MESSAGE, "SNAPSHOT"),
        (wire.Result(), ErrorCode.INVALID_MESSAGE, "RESULT"),
        (wire.Announce("n"), ErrorCode.UNAVAILABLE, "ANNOUNCE"),
        (wire.FederationSync(wire.FederationOp.SYNC_COMPLETE), ErrorCode.UNAVAILABLE, "FEDERATION_SYNC"),
        (wire.Replay("/a"), ErrorCode.UNAVAILABLE, "REPLAY"),
        (wire.Sync(1), ErrorCode.UNAVAILABLE, "SYNC"),
        (wire.Query("/a"), ErrorCode.UNAVAILABLE, "QUERY"),
    ],
)
def test_message_that_is_not_offered_is_answered_with_error(
    message: wire.Message, code: ErrorCode, name: str
) -> None:
    (told,) = core_with(A).handle(A, message)
    assert errors([told]) == [(A, code)]
    assert isinstance(told, Deliver)
    assert isinstance(told.message, wire.Error)
    assert told.message.message.startswith(name)


def test_messages_of_bundle_are_handled_one_by_one() -> None:
    signal = wire.Publish(wire.signal_address("s2"), {"type": "connected"})
    bundle = wire.Bundle((signal, wire.Set("/a", 1), wire.Publish(wire.signal_address("nobody"), 1)))
    effects = core_with(A, B).handle(A, bundle)
    assert effects[0] == Deliver(B, signal, DeliveryRule.SIGNAL, A, wire.QoS.FIRE)
    assert errors(effects[1:]) == [(A, ErrorCode.SESSION_NOT_FOUND)]


def test_session_id_may_contain_slash() -> None:
    ids = iter(["a/1", "a/2"])
    core = RouterCore(lambda: next(ids))
    for connection in (A, B):
        core.connected(connection)
        core.handle(connection, wire.Hello("x"))
    signal = wire.Publish(wire.signal_address("a/2"), {"type": "connected"})
    assert core.handle(A, signal) == [Deliver(B, signal, DeliveryRule.SIGNAL, A, wire.QoS.FIRE)]


def test_undeliverable_message_is_error_for_sender() -> None:
    core = core_with(A, B)
    message = wire.Publish("/a", 1)
    effect = Deliver(B, message, DeliveryRule.SUBSCRIPTION, A)
    assert errors(core.undeliverable(effect, wire.WireError("too large"))) == [(A, ErrorCode.INVALID_MESSAGE)]
    assert (
        core.undeliverable(Deliver(A, wire.Error(1, "x"), DeliveryRule.REPLY, A), wire.WireError("x")) == []
    )
