from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings

from clasp_e2e.drivers.interface import CAPABILITIES
from clasp_e2e.modelbased import Script, ScriptError, read_script, script_to_json
from clasp_e2e.modelbased.generation import scripts

SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SOME
@given(scripts(CAPABILITIES))
def test_a_script_survives_its_file(script: Script) -> None:
    written = json.loads(json.dumps({"script": script_to_json(script)}))
    assert read_script(written) == script
    assert read_script(written["script"]) == script


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "a list of steps"),
        ([1], "step 1 is not an object"),
        ([{"step": "dance"}], "it is one of attach, connect"),
        ([{"step": ["send"]}], "it is one of attach, connect"),
        ([{"step": "quiesce"}, {"step": "connect", "who": "alice"}], "step 2: connect takes to, who"),
        ([{"step": "attach", "who": "mallory"}], "'who' is 'mallory'; it is one of alice"),
        ([{"step": "set_mode", "who": "bob", "mode": "fast"}], "one of prefer_p2p"),
        ([{"step": "send", "who": "bob", "to": "alice", "size": 1, "reliable": True}], "from 16 to 16000"),
        ([{"step": "send", "who": "bob", "to": "alice", "size": 16, "reliable": 1}], "true or false"),
    ],
)
def test_what_is_no_script_is_said_to_be_none(document: object, said: str) -> None:
    with pytest.raises(ScriptError, match=said):
        read_script(document)
