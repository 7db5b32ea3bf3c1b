from __future__ import annotations

from typing import Any

import pytest
from aioice import stun
from aioice.turn import make_integrity_key
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.network.stun_messages import channel_data, read_channel_data, read_stun
from clasp_e2e.network.turn_core import (
    DEFAULT_LIFETIME,
    MOST_ALLOCATIONS,
    PERMISSION_LIFETIME,
    REALM,
    CloseRelay,
    Effect,
    OpenRelay,
    ToClient,
    ToPeer,
    TurnCore,
)

CLIENT, OTHER = ("127.0.0.1", 5000), ("127.0.0.1", 5001)
RELAYED, PEER = ("127.0.0.2", 6000), ("127.0.0.2", 6001)
UDP = 17 << 24


class Conversation:
    """A client before the core, with a clock in its hand."""

    def __init__(self, user: str = "u", password: str = "p") -> None:
        self.core = TurnCore({"u": "p", "v": "q"})
        self.now = 0.0
        self.user = user
        self.key = make_integrity_key(user, REALM, password)
        self.nonce: bytes = b""

    def hand(self, data: bytes, client: tuple[str, int] = CLIENT) -> list[Effect]:
        return self.core.from_client(data, client, self.now)

    def ask(self, method: stun.Method, client: tuple[str, int] = CLIENT, **given: Any) -> stun.Message:
        """The answer to a request with credentials; sockets open where they are asked for."""
        return self.answer(self.request(method, **given), client)

    def request(self, method: stun.Method, **given: Any) -> bytes:
        if not self.nonce:
            unsigned = bytes(stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST))
            self.nonce = self.answer(unsigned).attributes["NONCE"]
        attributes = {name.replace("_", "-"): value for name, value in given.items()}
        message = stun.Message(method, stun.Class.REQUEST, None, attributes)
        message.attributes |= {"USERNAME": self.user, "REALM": REALM, "NONCE": self.nonce}
        message.add_message_integrity(self.key)
        return bytes(message)

    def answer(self, request: bytes, client: tuple[str, int] = CLIENT) -> stun.Message:
        effects = self.hand(request, client)
        if effects[-1:] == [OpenRelay(client)]:
            effects = self.core.relay_opened(client, RELAYED, self.now)
        (data,) = [effect.data for effect in effects if isinstance(effect, ToClient)]
        message = read_stun(data)
        assert message is not None
        assert message.transaction_id == request[8:20]
        return message

    def allocate(self, client: tuple[str, int] = CLIENT, **given: Any) -> stun.Message:
        return self.ask(stun.Method.ALLOCATE, client, **{"REQUESTED_TRANSPORT": UDP, **given})

    def indication(self, peer: tuple[str, int], data: bytes) -> bytes:
        message = stun.Message(stun.Method.SEND, stun.Class.INDICATION)
        message.attributes = {"XOR-PEER-ADDRESS": peer, "DATA": data}
        return bytes(message)


@pytest.fixture
def talk() -> Conversation:
    return Conversation()


def code(message: stun.Message) -> int | None:
    return message.error_code


def test_without_credentials_it_tells_realm_and_nonce(talk: Conversation) -> None:
    answer = talk.answer(bytes(stun.Message(stun.Method.ALLOCATE, stun.Class.REQUEST)))
    assert code(answer) == 401
    assert answer.attributes["REALM"] == REALM
    assert answer.attributes["NONCE"]
    assert "MESSAGE-INTEGRITY" not in answer.attributes


def test_allocation_has_a_signed_answer(talk: Conversation) -> None:
    answer = talk.allocate()
    assert answer.message_class is stun.Class.RESPONSE
    assert answer.attributes["XOR-RELAYED-ADDRESS"] == RELAYED
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == CLIENT
    assert answer.attributes["LIFETIME"] == DEFAULT_LIFETIME
    assert answer.check_message_integrity(talk.key)


@pytest.mark.parametrize(("user", "password"), [("u", "wrong"), ("nobody", "p")])
def test_wrong_credentials_are_refused(user: str, password: str) -> None:
    assert code(Conversation(user, password).allocate()) == 401


def test_stale_nonce_is_refused_with_the_new_one(talk: Conversation) -> None:
    talk.nonce = b"of yesterday"
    answer = talk.allocate()
    assert code(answer) == 438
    assert answer.attributes["NONCE"] != b"of yesterday"


def test_repeated_request_gets_the_same_answer_and_a_second_one_is_refused(talk: Conversation) -> None:
    request = talk.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)
    first = talk.answer(request)
    assert bytes(talk.answer(request)) == bytes(first)
    assert code(talk.allocate()) == 437


@pytest.mark.parametrize(
    ("method", "given", "expected"),
    [
        (stun.Method.ALLOCATE, {}, 400),
        (stun.Method.ALLOCATE, {"REQUESTED_TRANSPORT": 6 << 24}, 442),
        (stun.Method.REFRESH, {}, 437),
        (stun.Method.CREATE_PERMISSION, {"XOR_PEER_ADDRESS": PEER}, 437),
        (stun.Method.CHANNEL_BIND, {"XOR_PEER_ADDRESS": PEER, "CHANNEL_NUMBER": 0x4000}, 437),
    ],
)
def test_unsupported_request_is_refused(
    talk: Conversation, method: stun.Method, given: dict[str, Any], expected: int
) -> None:
    assert code(talk.ask(method, **given)) == expected


@pytest.mark.parametrize(
    ("method", "given", "expected"),
    [
        (stun.Method.CREATE_PERMISSION, {}, 400),
        (stun.Method.CREATE_PERMISSION, {"XOR_PEER_ADDRESS": ("192.0.2.1", 1)}, 403),
        (stun.Method.CREATE_PERMISSION, {"XOR_PEER_ADDRESS": ("::1", 1)}, 443),
        (stun.Method.CHANNEL_BIND, {"XOR_PEER_ADDRESS": PEER, "CHANNEL_NUMBER": 0x3FFF}, 400),
        (stun.Method.CHANNEL_BIND, {"CHANNEL_NUMBER": 0x4000}, 400),
        (stun.Method.CHANNEL_BIND, {"XOR_PEER_ADDRESS": OTHER, "CHANNEL_NUMBER": 0x4001}, 400),
        (stun.Method.CHANNEL_BIND, {"XOR_PEER_ADDRESS": PEER, "CHANNEL_NUMBER": 0x4002}, 400),
        (stun.Method.SHARED_SECRET, {}, 400),
    ],
)
def test_invalid_request_of_an_allocation_is_refused(
    talk: Conversation, method: stun.Method, given: dict[str, Any], expected: int
) -> None:
    talk.allocate()
    bound = talk.ask(stun.Method.CHANNEL_BIND, XOR_PEER_ADDRESS=PEER, CHANNEL_NUMBER=0x4001)
    assert bound.message_class is stun.Class.RESPONSE
    assert code(talk.ask(method, **given)) == expected


def test_allocation_belongs_to_its_user(talk: Conversation) -> None:
    talk.allocate()
    talk.user, talk.key = "v", make_integrity_key("v", REALM, "q")
    assert code(talk.ask(stun.Method.REFRESH, LIFETIME=0)) == 441


def test_data_passes_with_a_permission_alone(talk: Conversation) -> None:
    talk.allocate()
    to_peer = talk.indication(PEER, b"there")
    assert talk.hand(to_peer) == talk.core.from_peer(b"back", CLIENT, PEER, talk.now) == []
    talk.ask(stun.Method.CREATE_PERMISSION, XOR_PEER_ADDRESS=PEER)
    assert talk.hand(to_peer) == [ToPeer(b"there", CLIENT, PEER)]
    (effect,) = talk.core.from_peer(b"back", CLIENT, PEER, talk.now)
    assert isinstance(effect, ToClient)
    got = read_stun(effect.data)
    assert got is not None
    assert (got.message_method, got.message_class) == (stun.Method.DATA, stun.Class.INDICATION)
    assert got.attributes == {"XOR-PEER-ADDRESS": PEER, "DATA": b"back"}
    # Of another host: no permission, whatever its port.
    assert talk.core.from_peer(b"back", CLIENT, OTHER, talk.now) == []
    talk.now += PERMISSION_LIFETIME
    assert talk.hand(to_peer) == talk.core.from_peer(b"back", CLIENT, PEER, talk.now) == []


def test_every_address_of_a_request_gets_its_permission(talk: Conversation) -> None:
    talk.allocate()
    with_two = stun.Message(stun.Method.CREATE_PERMISSION, stun.Class.REQUEST)
    with_two.attributes = {"XOR-PEER-ADDRESS": OTHER}
    second = bytes(with_two)[20:]
    with_two.attributes = {
        "XOR-PEER-ADDRESS": PEER,
        "USERNAME": "u",
        "REALM": REALM,
        "NONCE": talk.nonce,
    }
    head = bytes(with_two)[:20] + second + bytes(with_two)[20:]
    head = stun.set_body_length(head, len(head) - 20)
    integrity = stun.message_integrity(head, talk.key)
    whole = stun.set_body_length(head + b"\0\x08\0\x14" + integrity, len(head) + 4)
    assert talk.answer(whole).message_class is stun.Class.RESPONSE
    for peer in (PEER, OTHER):
        assert talk.hand(talk.indication(peer, b"x")) == [ToPeer(b"x", CLIENT, peer)]


def test_channel_carries_data_both_ways(talk: Conversation) -> None:
    talk.allocate()
    assert talk.hand(channel_data(0x4001, b"there")) == []
    talk.ask(stun.Method.CHANNEL_BIND, XOR_PEER_ADDRESS=PEER, CHANNEL_NUMBER=0x4001)
    assert talk.hand(channel_data(0x4001, b"there")) == [ToPeer(b"there", CLIENT, PEER)]
    assert talk.core.from_peer(b"back", CLIENT, PEER, talk.now) == [
        ToClient(channel_data(0x4001, b"back"), CLIENT)
    ]


def test_allocation_ends_by_refresh_or_expiry(talk: Conversation) -> None:
    talk.allocate()
    request = talk.request(stun.Method.REFRESH, LIFETIME=0)
    assert talk.hand(request)[0] == CloseRelay(CLIENT)
    assert talk.core.from_peer(b"late", CLIENT, PEER, talk.now) == []
    talk.allocate()
    talk.now += DEFAULT_LIFETIME - 1
    assert talk.ask(stun.Method.REFRESH, LIFETIME=1000).attributes["LIFETIME"] == 1000
    talk.now += 999
    assert talk.hand(b"") == []
    talk.now += 1
    assert talk.hand(b"") == [CloseRelay(CLIENT)]


def test_its_allocations_are_bounded(talk: Conversation) -> None:
    for number in range(MOST_ALLOCATIONS):
        assert code(talk.allocate(("127.0.0.1", 7000 + number))) is None
    assert code(talk.allocate(("127.0.0.1", 6999))) == 486


def test_allocation_without_a_socket_is_refused(talk: Conversation) -> None:
    request = talk.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)
    assert talk.hand(request) == [OpenRelay(CLIENT)]
    (effect,) = talk.core.relay_refused(CLIENT)
    assert isinstance(effect, ToClient)
    answer = read_stun(effect.data)
    assert answer is not None
    assert code(answer) == 508


def test_binding_request_is_answered(talk: Conversation) -> None:
    answer = talk.answer(bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST)))
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == CLIENT


@given(st.integers(0x4000, 0x7FFF), st.binary(max_size=2000), st.binary(max_size=3))
def test_channel_data_is_read_as_it_was_written(channel: int, payload: bytes, padding: bytes) -> None:
    assert read_channel_data(channel_data(channel, payload) + padding) == (channel, payload)


def mutated(data: bytes, changes: list[tuple[int, int]], length: int) -> bytes:
    changed = bytearray(data)
    for place, byte in changes:
        changed[place % len(changed)] = byte
    return bytes(changed[: length or None])


@given(
    st.sampled_from(["allocate", "bind", "send", "channel"]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
    st.integers(0, 120),
)
def test_broken_datagrams_do_no_harm(which: str, changes: list[tuple[int, int]], length: int) -> None:
    talk = Conversation()
    talk.allocate()
    valid = {
        "allocate": talk.request(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP),
        "bind": talk.request(stun.Method.CHANNEL_BIND, XOR_PEER_ADDRESS=PEER, CHANNEL_NUMBER=0x4000),
        "send": talk.indication(PEER, b"data"),
        "channel": channel_data(0x4000, b"data"),
    }[which]
    for effect in talk.hand(mutated(valid, changes, length)):
        assert isinstance(effect, ToClient)  # No permission was given: nothing leaves for a peer.
    assert talk.ask(stun.Method.REFRESH).message_class is stun.Class.RESPONSE
