"""The published JSON Schema, and the harness's own checks: each accepts what the other does."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import clasp_e2e
from clasp_e2e.drivers.interface import CAPABILITIES
from clasp_e2e.drivers.stdio import shapes
from clasp_e2e.drivers.stdio.jsonrpc import BadLine, Notification, parse, request
from clasp_e2e.drivers.stdio.shapes import WrongShape
from clasp_e2e.p2p_types import P2PConfig, RoutingMode

from .clients import Events
from .conftest import MakeDriver
from .test_protocol import configs, text

SCHEMA: dict[str, Any] = json.loads(
    (Path(clasp_e2e.__file__).parent / "drivers/protocol.schema.json").read_text()
)

RESULTS: dict[str, tuple[Callable[[Any], object], object]] = {
    "initialize": (
        shapes.description,
        {
            "protocol": 1,
            "implementation": {"name": "n", "version": "1", "language": "l", "url": None, "stub": True},
            "roles": ["peer", "router"],
            "capabilities": ["turn", "close"],
            "processes": "shared",
        },
    ),
    "peer.open": (shapes.session_id, {"session_id": "s"}),
    "peer.send_p2p": (shapes.send_result, {"result": "relay"}),
    "peer.p2p_routing_mode": (shapes.routing_mode, {"mode": "p2p_only"}),
    "peer.is_peer_connected": (shapes.connected, {"connected": True}),
    "router.open": (shapes.router_url, {"url": "ws://127.0.0.1:7330"}),
} | {
    method: (shapes.nothing, {})
    for method in (
        "peer.connect_to_peer",
        "peer.set_p2p_routing_mode",
        "peer.disconnect_peer",
        "peer.close",
        "router.close",
        "shutdown",
    )
}
"""For each method, what reads its result, and a result that is right."""

EVENTS: list[dict[str, Any]] = [
    {"type": "connected", "peer_session_id": "s"},
    {"type": "data", "peer_session_id": "s", "data": "AA==", "reliable": True},
    {"type": "disconnected", "peer_session_id": "s", "reason": None},
    {"type": "connection_failed", "peer_session_id": "s", "reason": "no path"},
    {"type": "peer_announced", "peer_session_id": "s", "features": ["p2p"]},
]
MESSAGES: list[dict[str, Any]] = [
    {"jsonrpc": "2.0", "id": 1, "result": {}},
    {"jsonrpc": "2.0", "id": 1, "error": {"code": 1000, "message": "refused"}},
    *(
        {"jsonrpc": "2.0", "method": "peer.event", "params": {"peer": "p", "event": event}}
        for event in EVENTS
    ),
]

strays = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(
        [1.0, 1.5, [], {}, "", "peer", "close", "relay", "ws://", "AA==\n", "A", "AB==", "====="]
    )
    | st.lists(st.sampled_from(["peer", "close", 1]), max_size=2)
    | text
)
base64_like = st.text("AB+/=\n -_", max_size=9)


def paths(value: object, here: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The way to each member of an object, and of those within it."""
    found: list[tuple[str, ...]] = []
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            found += [(*here, key), *paths(inner, (*here, key))]
    return found


@st.composite
def damaged(draw: st.DrawFn, sound: dict[str, Any]) -> object:
    """`sound` with some members away, changed or added: often still right, often just not."""
    value: object = json.loads(json.dumps(sound))
    for path in draw(st.lists(st.sampled_from([(), *paths(sound)]), max_size=2)):
        within = value
        for key in path[:-1]:
            within = cast("dict[str, Any]", within).get(key) if isinstance(within, dict) else None
        if not path:
            value = draw(st.just(value) | strays)
        elif isinstance(within, dict):
            fields = cast("dict[str, Any]", within)
            fields.pop(path[-1], None)
            if draw(st.booleans()):
                fields[path[-1]] = draw(strays | base64_like)
            if draw(st.booleans()):
                fields[draw(st.sampled_from(["extra", "id", "method", "result", "error"]))] = draw(strays)
    return value


@cache
def validator(where: str) -> Draft202012Validator:
    return Draft202012Validator({**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{where}"}]})


def fits(value: object, where: str) -> bool:
    return validator(where).is_valid(value)


def harness_takes(message: object) -> bool:
    """Whether the harness finds nothing wrong with the line itself."""
    try:
        match parse(json.dumps(message).encode()):
            case Notification(method, params):
                shapes.peer_event(params)
                return method == "peer.event"
            case answer:
                return answer.id is not None
    except (BadLine, WrongShape):
        return False


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_schema_and_harness_have_the_same_words() -> None:
    results = SCHEMA["$defs"]["results"]
    assert set(results) == set(SCHEMA["$defs"]["params"]) == set(RESULTS)
    described = results["initialize"]["properties"]
    assert set(described["capabilities"]["items"]["enum"]) == CAPABILITIES
    assert set(described["roles"]["items"]["enum"]) == shapes.ROLES
    assert SCHEMA["$defs"]["mode"]["enum"] == [mode.value for mode in RoutingMode]


@pytest.mark.parametrize("method", sorted(RESULTS))
def test_result_is_right_by_both_or_by_neither(method: str) -> None:
    decode, sound = RESULTS[method]
    assert fits(sound, f"results/{method}")

    @given(damaged(cast("dict[str, Any]", sound)))
    def check(result: object) -> None:
        try:
            decode(result)
        except WrongShape:
            assert not fits(result, f"results/{method}")
        else:
            assert fits(result, f"results/{method}")

    check()


@pytest.mark.parametrize("number", range(len(MESSAGES)))
def test_message_is_right_by_both_or_by_neither(number: int) -> None:
    sound = MESSAGES[number]
    assert harness_takes(sound)

    @given(damaged(sound))
    def check(message: object) -> None:
        assert harness_takes(message) == fits(message, "adapter_to_harness")

    check()


@given(base64_like)
def test_base64_is_right_by_both_or_by_neither(encoded: str) -> None:
    message = {
        "jsonrpc": "2.0",
        "method": "peer.event",
        "params": {"peer": "p", "event": {"type": "data", "data": encoded}},
    }
    assert harness_takes(message) == fits(message, "adapter_to_harness")


@given(text, st.none() | configs)
def test_any_configuration_is_a_right_request(name: str, config: P2PConfig | None) -> None:
    params = {"peer": "p", "url": "ws://x", "name": name, "p2p": shapes.config_params(config)}
    assert fits(json.loads(request(1, "peer.open", params)), "request")


def test_request_with_wrong_params_is_none() -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "peer.open", "params": {"peer": "p", "target": "s"}}
    assert not fits(message, "request")


async def test_messages_of_the_harness_follow_the_schema(
    make_driver: MakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clasp_e2e.drivers.stdio.process import AdapterProcess

    written: list[bytes] = []
    write = AdapterProcess.write

    def noted(self: AdapterProcess, line: bytes) -> None:
        written.append(line)
        write(self, line)

    monkeypatch.setattr(AdapterProcess, "write", noted)
    driver = make_driver("offers_all", catalogue="abc")
    await driver.initialize()
    peer = await driver.open_peer(url="ws://x", name="x", p2p=P2PConfig(), on_event=Events(), token="t")
    await peer.connect_to_peer("bob")
    await peer.send_p2p("bob", b"data", True)
    await peer.set_p2p_routing_mode(RoutingMode.P2P_ONLY)
    await peer.p2p_routing_mode()
    await peer.is_peer_connected("bob")
    await peer.disconnect_peer("bob")
    await peer.close()
    await peer.end()
    await (await driver.open_router(host="127.0.0.1", port=0)).close()
    messages = [json.loads(line) for line in written]
    assert {message["method"] for message in messages} == set(RESULTS)
    assert [message for message in messages if not fits(message, "request")] == []
