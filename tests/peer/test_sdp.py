from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.peer.sdp import candidate_attribute, flaw, without_candidates

from .world import sdp

HOST = "1 1 udp 2130706431 127.0.0.1 5000 typ host"


@pytest.mark.parametrize("text", [
    f"candidate:{HOST}",
    f"a=candidate:{HOST}",
    f" candidate:{HOST}\r\n",
    json.dumps({"candidate": f"candidate:{HOST}", "sdpMid": "", "sdpMLineIndex": 0}),
    json.dumps({"candidate": f"a=candidate:{HOST}", "sdpMid": "0"}),
])  # fmt: skip
def test_each_public_form_of_candidate_is_read(text):
    assert candidate_attribute(text) == HOST


@pytest.mark.parametrize("text", [
    "", "{}", "{", "[]", '{"candidate": ""}', '{"candidate": null}', "candidate:", "candidate:1 1 udp",
    "candidate:1 1 udp 1 f00.local 5000 typ host", "candidate:1 1 udp 1 127.0.0.1 65536 typ host",
    "candidate:1 1 udp 1 127.0.0.1 none typ host", f"candidate:1 1 udp 1 127.0.0.1 {'9' * 5000} typ host",
])  # fmt: skip
def test_unusable_candidate_is_none(text):
    assert candidate_attribute(text) is None


@given(st.text())
def test_checks_accept_any_text(text):
    candidate_attribute(text)
    flaw(text)
    without_candidates(text)


def test_datachannel_description_has_no_flaw():
    assert flaw(sdp("x")) is None


@pytest.mark.parametrize("missing", ["v=", "m=", "a=ice-ufrag", "a=ice-pwd", "a=fingerprint"])
def test_description_without_needed_line_is_flawed(missing):
    lines = [line for line in sdp("x").splitlines() if not line.startswith(missing)]
    assert flaw("\r\n".join(lines)) is not None


def test_without_candidates_keeps_other_lines():
    text = sdp("x") + f"a=candidate:{HOST}\r\na=end-of-candidates\r\na=ice-lite\r\na=mid:0\r\n"
    rest, candidates = without_candidates(text)
    assert candidates == [f"a=candidate:{HOST}"]
    assert rest == sdp("x") + "a=mid:0\r\n"


def test_deeply_nested_candidate_is_none() -> None:
    assert candidate_attribute('{"candidate": ' + "[" * 20_000) is None
