from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e import wire
from clasp_e2e.network.rewriting import DROP, contents_of, rewrite_message, rewrite_value
from clasp_e2e.network.session_description import ToLink, rewrite_sdp

from . import samples

LINK = ("127.0.0.1", 40404)
REWRITTEN_HOST = samples.HOST.replace("192.168.1.4 51000", "127.0.0.1 40404")

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=20)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_value_without_ice_is_the_very_same(value: wire.Value) -> None:
    assert rewrite_value(value, ToLink(LINK)) is value


@given(values)
def test_candidate_is_found_in_any_place(other: wire.Value) -> None:
    value: wire.Value = {"deep": [other, {"x": samples.HOST}], "other": other}
    assert rewrite_value(value, ToLink(LINK)) == {"deep": [other, {"x": REWRITTEN_HOST}], "other": other}


@pytest.mark.parametrize("prefix", ["", "a="])
def test_plain_candidate(prefix: str) -> None:
    assert rewrite_value(prefix + samples.HOST, ToLink(LINK)) == prefix + REWRITTEN_HOST


def test_candidate_in_json_text_as_the_rust_client_sends_it() -> None:
    sent = json.dumps({"candidate": samples.HOST, "sdpMid": "", "sdpMLineIndex": 0, "usernameFragment": None})
    rewritten = rewrite_value({"type": "ice_candidate", "candidate": sent}, ToLink(LINK))
    assert isinstance(rewritten, dict)
    inner = rewritten["candidate"]
    assert isinstance(inner, str)
    assert json.loads(inner) == {
        "candidate": REWRITTEN_HOST,
        "sdpMid": "",
        "sdpMLineIndex": 0,
        "usernameFragment": None,
    }


def test_description_in_json_text() -> None:
    sent = json.dumps({"type": "offer", "sdp": samples.AIORTC})
    rewritten = rewrite_value(sent, ToLink(LINK))
    assert isinstance(rewritten, str)
    assert json.loads(rewritten)["sdp"] == rewrite_sdp(samples.AIORTC, ToLink(LINK))


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("encode", [str.encode, in_base64], ids=["bytes", "base64"])
def test_description_and_candidate_in_other_encodings(encode: Callable[[str], wire.Value]) -> None:
    sdp, host = encode(samples.AIORTC), encode(json.dumps({"candidate": samples.HOST}))
    judge = ToLink(LINK)
    assert rewrite_value({"sdp": sdp}, judge) == {"sdp": encode(rewrite_sdp(samples.AIORTC, ToLink(LINK)))}
    rewritten = rewrite_value(host, ToLink(LINK))
    assert rewritten == encode(json.dumps({"candidate": REWRITTEN_HOST}, separators=(",", ":")))
    contents = contents_of(wire.Publish("/x", {"sdp": sdp, "candidate": host}))
    assert contents.descriptions == [samples.AIORTC]
    assert [str(each) for each in contents.candidates] == [samples.HOST]


def test_description_as_a_list_of_lines() -> None:
    lines: list[wire.Value] = [*samples.AIORTC.splitlines()]
    assert contents_of(wire.Publish("/x", {"sdp": lines})).descriptions == [samples.AIORTC]
    rewritten = rewrite_value(lines, ToLink(LINK))
    assert rewritten == rewrite_sdp(samples.AIORTC, ToLink(LINK)).splitlines()


@pytest.mark.parametrize("value", [samples.TCP, {"candidate": samples.TCP}, json.dumps({"c": samples.TCP})])
def test_signal_of_a_removed_candidate_is_removed(value: wire.Value) -> None:
    assert rewrite_value(value, ToLink(LINK)) is DROP
    assert rewrite_message(wire.Publish("/x", value), ToLink(LINK)) is None


def test_removed_candidate_leaves_the_rest_of_its_list() -> None:
    value: wire.Value = {"candidates": [samples.TCP, samples.HOST, samples.SECOND_HOST]}
    assert rewrite_value(value, ToLink(LINK)) == {"candidates": [REWRITTEN_HOST]}


@pytest.mark.parametrize("text", ["", "candidate:", "a=end-of-candidates", "[candidate:", '{"candidate:'])
def test_end_markers_and_broken_candidates_pass(text: str) -> None:
    value: wire.Value = {"candidate": text}
    assert rewrite_value(value, ToLink(LINK)) is value


def test_sets_snapshots_and_bundles_are_searched() -> None:
    parameter = wire.Set("/signal", samples.HOST)
    lost = wire.Publish("/signal", samples.TCP)
    kept = wire.Publish("/other", 1)
    snapshot = wire.Snapshot((wire.Param("/signal", samples.HOST, 1), wire.Param("/b", samples.TCP, 2)))
    assert rewrite_message(parameter, ToLink(LINK)) == wire.Set("/signal", REWRITTEN_HOST)
    assert rewrite_message(wire.Bundle((lost, kept)), ToLink(LINK)) == wire.Bundle((kept,))
    assert rewrite_message(wire.Bundle((lost,)), ToLink(LINK)) is None
    assert rewrite_message(snapshot, ToLink(LINK)) == wire.Snapshot(
        (wire.Param("/signal", REWRITTEN_HOST, 1),)
    )


@pytest.mark.parametrize(
    "message",
    [
        wire.Ping(),
        wire.Publish("/a", "text"),
        wire.Set("/a", [1, {"b": "c"}]),
        wire.Bundle((wire.Publish("/a", 1),)),
        wire.Snapshot((wire.Param("/a", "b", 1),)),
    ],
)
def test_message_without_ice_is_the_very_same(message: wire.Message) -> None:
    assert rewrite_message(message, ToLink(LINK)) is message
    assert not contents_of(message)


def test_contents_of_a_signal() -> None:
    found = contents_of(
        wire.Publish("/s", {"type": "offer", "sdp": samples.AIORTC, "id": "c-1", "more": [samples.HOST]})
    )
    assert found.descriptions == [samples.AIORTC]
    assert [str(each) for each in found.candidates] == [samples.HOST]
    assert found.strings == {"offer", "c-1", "ChRm"}
