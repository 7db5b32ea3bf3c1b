"""Lines and shapes of the driver protocol, without a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.drivers.adapters.reference import config, event_object
from clasp_e2e.drivers.stdio import shapes
from clasp_e2e.drivers.stdio.jsonrpc import (
    MAX_LINE,
    BadLine,
    ErrorResponse,
    Notification,
    ResultResponse,
    parse,
    request,
)
from clasp_e2e.drivers.stdio.shapes import WrongShape, config_params, encode_data, peer_event
from clasp_e2e.p2p_types import (
    Connected,
    ConnectionFailed,
    Data,
    Disconnected,
    P2PConfig,
    P2PEvent,
    PeerAnnounced,
    TurnServer,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
words = st.sampled_from(["jsonrpc", "id", "result", "error", "method", "params", "code", "message"])
near_messages = st.dictionaries(words, json_values | st.just("2.0") | st.dictionaries(words, json_values))
keys = st.sampled_from(
    [
        "peer",
        "event",
        "type",
        "data",
        "reliable",
        "reason",
        "features",
        "peer_session_id",
        "protocol",
        "roles",
    ]
)
kinds = st.sampled_from(["connected", "data", "disconnected", "connection_failed", "peer_announced"])
near_events = st.dictionaries(keys, json_values | kinds)
events: st.SearchStrategy[P2PEvent] = st.one_of(
    st.builds(Connected, text),
    st.builds(Data, st.none() | text, st.binary(max_size=40), st.none() | st.booleans()),
    st.builds(Disconnected, text, st.none() | text),
    st.builds(ConnectionFailed, text, text),
    st.builds(PeerAnnounced, text, st.lists(text, max_size=3).map(tuple)),
)
configs = st.builds(
    P2PConfig,
    ice_servers=st.lists(text, max_size=2).map(tuple),
    turn_servers=st.none() | st.lists(st.builds(TurnServer, text, text, text), max_size=2).map(tuple),
    connection_timeout_secs=st.none() | st.integers(0, 100),
    max_retries=st.none() | st.integers(0, 9),
    auto_fallback=st.none() | st.booleans(),
)


@given(st.binary(max_size=60) | near_messages.map(lambda message: json.dumps(message).encode()))
def test_any_line_is_a_message_or_a_bad_line(line: bytes) -> None:
    try:
        message = parse(line)
    except BadLine:
        return
    assert isinstance(message, ResultResponse | ErrorResponse | Notification)
    assert json.loads(line)["jsonrpc"] == "2.0"


@given(json_values | near_events)
def test_arbitrary_value_is_not_decoded_as_a_result(value: object) -> None:
    for decode in (
        shapes.description,
        shapes.session_id,
        shapes.send_result,
        shapes.routing_mode,
        shapes.connected,
        shapes.router_url,
    ):
        with pytest.raises(WrongShape):
            decode(value)


DESCRIPTION = {
    "protocol": 1,
    "implementation": {"name": "n", "version": "1", "language": "C"},
    "roles": ["peer"],
    "capabilities": [],
    "processes": "shared",
}


@pytest.mark.parametrize(
    ("decode", "result", "words"),
    [
        (shapes.description, DESCRIPTION | {"protocol": True}, "speaks protocol True"),
        (shapes.description, DESCRIPTION | {"roles": []}, "roles is empty"),
        (shapes.description, DESCRIPTION | {"roles": ["per"]}, "word 'per' in roles; did you mean 'peer'"),
        (shapes.description, DESCRIPTION | {"capabilities": ["trn"]}, "did you mean 'turn'"),
        (shapes.description, DESCRIPTION | {"processes": 1}, 'must be "per_peer" or "shared"'),
        (shapes.description, DESCRIPTION | {"implementation": {}}, "name is missing; it must be a string"),
        (shapes.send_result, {"result": "sideways"}, "result is 'sideways'; it must be one of p2p, relay"),
        (shapes.connected, {"connected": "yes"}, "connected is 'yes'"),
        (shapes.session_id, {"session_id": 5}, "session_id is 5; it must be a string"),
        (shapes.router_url, {"url": "http://nope"}, "must start with ws://"),
    ],
)
def test_wrong_result_is_explained(decode: Callable[[Any], object], result: object, words: str) -> None:
    with pytest.raises(WrongShape, match=words):
        decode(result)


@given(near_events, near_events)
def test_any_event_has_a_shape_or_a_wrong_one(params: dict[str, object], event: dict[str, object]) -> None:
    try:
        handle, event_read = peer_event({**params, "event": event})
    except WrongShape:
        return
    assert isinstance(handle, str)
    assert isinstance(event_read, P2PEvent)


@given(text, events)
def test_event_of_the_adapter_is_decoded_by_the_driver(handle: str, event: P2PEvent) -> None:
    line = json.dumps({"peer": handle, "event": event_object(event)})
    assert peer_event(json.loads(line)) == (handle, event)


@given(st.none() | configs)
def test_configuration_arrives_as_it_was_set(given_config: P2PConfig | None) -> None:
    assert config(json.loads(json.dumps(config_params(given_config)))) == given_config


def test_values_that_are_not_set_are_absent_from_the_configuration() -> None:
    assert config_params(P2PConfig()) == {"ice_servers": []}
    assert config_params(None) is None


@given(st.binary())
def test_bytes_are_base64_with_padding(data: bytes) -> None:
    encoded = encode_data(data)
    assert len(encoded) % 4 == 0
    assert peer_event({"peer": "p", "event": {"type": "data", "data": encoded}})[1] == Data(None, data, None)


def test_request_is_one_line_of_ascii() -> None:
    line = request(3, "peer.send_p2p", {"target": "Jürgen\n"})
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "jsonrpc": "2.0",
        "id": 3,
        "method": "peer.send_p2p",
        "params": {"target": "Jürgen\n"},
    }


def test_line_of_one_mebibyte_is_the_longest() -> None:
    room = MAX_LINE - len(request(1, "m", {"x": ""})) + 1
    assert len(request(1, "m", {"x": "y" * room})) == MAX_LINE + 1
    with pytest.raises(ValueError, match="the protocol allows"):
        request(1, "m", {"x": "y" * (room + 1)})
