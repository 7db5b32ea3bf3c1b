from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from clasp_e2e.drivers.interface import CAPABILITIES
from clasp_e2e.modelbased import Script, ScriptError, read_script
from clasp_e2e.modelbased.generation import scripts
from clasp_e2e.results.documents import encode

SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SOME
@given(scripts(CAPABILITIES))
def test_script_survives_its_file(script: Script) -> None:
    assert read_script(encode(script)).script == script
    saved = read_script(encode({"script": script, "seed": 7, "outcome": "failed"}))
    assert (saved.script, saved.seed) == (script, 7)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "missing required field script"),
        ([1], r"\[0\]: expected object, got int"),
        ([{"step": "dance"}], r"\[0\].step: invalid value 'dance'"),
        ([{"step": "quiesce"}, {"step": "connect", "who": "alice"}], r"\[1\]: .* missing required field to"),
        ([{"step": "attach", "who": "mallory"}], "who: .*alice|bob|carol"),
        ([{"step": "attach", "who": "bob", "to": "alice"}], "unknown field to"),
        ([{"step": "set_mode", "who": "bob", "mode": "fast"}], "mode: invalid enum value 'fast'"),
        ([{"step": "send", "who": "bob", "to": "alice", "size": 1, "reliable": True}], "size: .*>= 16"),
        ([{"step": "send", "who": "bob", "to": "alice", "size": 16, "reliable": 1}], "expected bool"),
    ],
)
def test_malformed_script_is_refused_with_the_place(document: object, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        read_script(json.dumps(document).encode())
