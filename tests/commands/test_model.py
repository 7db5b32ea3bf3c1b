"""`clasp-e2e model` in real runs: the reference passes the search, and mutants are found by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from .conftest import Invoke

SEND = {"step": "send", "who": "alice", "to": "bob", "size": 16000, "reliable": True}
ATTACHED = [{"step": "attach", "who": "alice"}, {"step": "attach", "who": "bob"}]
CONNECTED = [*ATTACHED, {"step": "connect", "who": "alice", "to": "bob"}, {"step": "quiesce"}]
BURST = {"step": "send", "who": "alice", "to": "bob", "size": 1000, "reliable": False}
SERVER_ONLY = {"step": "set_mode", "who": "alice", "mode": "server_only"}
PAIR = {"who": "alice", "to": "bob"}


@pytest.fixture
def model(invoke: Invoke, tmp_path: Path) -> Invoke:
    return lambda *arguments: invoke("model", "--results", str(tmp_path / "model"), *arguments)


@pytest.fixture
def replay(model: Invoke, tmp_path: Path) -> Invoke:
    def replayed(script: object, *arguments: str) -> Result:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(script))
        return model("--seed", "1", "--replay", str(path), *arguments)

    return replayed


def written(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "model/model.json").read_text())
    return found


def test_reference_does_not_contradict_the_model(model: Invoke, tmp_path: Path) -> None:
    finished = model("--steps", "150", "--seed", "1")
    assert finished.exit_code == 0, finished.output
    assert "No contradiction." in finished.output
    told = written(tmp_path)
    assert told["steps"] >= 150
    assert told["attempts"] > 0
    assert told["sends"] > told["open_sends"]
    assert told["findings"] == []


@pytest.mark.parametrize(
    ("mutant", "requirement", "steps"),
    [
        ("routing:RelaysInP2POnly", "RTE-8", 5),
        ("sending_mutants:SendsTwice", "SND-1", 5),
        ("sending_mutants:SaysP2PAlways", "RTE-9", 3),
        ("event_mutants:TellsConnectedTwice", "EVT-2", 4),
    ],
)
def test_mutant_is_found_and_shrinks_to_a_handful_of_steps(
    mutant: str, requirement: str, steps: int, model: Invoke, tmp_path: Path
) -> None:
    peer = f"clasp_e2e.scripted.{mutant}"
    finished = model("--peer", peer, "--steps", "300", "--seed", "2", "--strict", "--deadline-scale", "0.5")
    assert finished.exit_code == 1, finished.output
    (found,) = written(tmp_path)["findings"]
    assert found["requirement"] == requirement, found["message"]
    assert len(found["script"]) <= steps
    assert f"--replay {tmp_path / 'model/contradiction.json'}" in finished.output
    assert json.loads((tmp_path / "model/contradiction.json").read_text())["script"] == found["script"]
    assert Path(found["evidence"]).is_file()


def test_forgotten_change_of_mode_is_a_deviation_and_fails_where_that_is_asked(replay: Invoke) -> None:
    back = SERVER_ONLY | {"mode": "prefer_p2p"}
    script = [*CONNECTED, SERVER_ONLY, {"step": "await_calls"}, back, {"step": "await_calls"}, SEND]
    peer = ("--peer", "clasp_e2e.scripted.routing:StaysWithTheRouter")
    deviates, fails = replay(script, *peer), replay(script, *peer, "--strict")
    assert (deviates.exit_code, fails.exit_code) == (0, 1), deviates.output + fails.output
    assert "deviation-RTE-10" in deviates.output
    assert "A contradiction: RTE-10" in fails.output


def test_saved_script_is_performed_again(model: Invoke, tmp_path: Path) -> None:
    options = ("--peer", "clasp_e2e.scripted.sending_mutants:RelaysNothing", "--deadline-scale", "0.1")
    assert model(*options, "--steps", "100", "--seed", "1").exit_code == 1
    path = tmp_path / "model/contradiction.json"
    again = model(*options, "--replay", str(path))
    assert again.exit_code == 1, again.output
    assert "SND-3" in again.output
    assert model("--replay", str(path)).exit_code == 0


@pytest.mark.parametrize(
    "script",
    [
        [*CONNECTED, SEND, {"step": "cut", **PAIR}, SEND, SEND, {"step": "heal", **PAIR}, SEND],
        [*CONNECTED, {"step": "cut", **PAIR}, SEND, {"step": "quiesce"}, {"step": "heal", **PAIR}],
        [*ATTACHED, {"step": "cut", **PAIR}, {"step": "connect", **PAIR}, {"step": "quiesce"}, SEND],
        [*ATTACHED, {"step": "connect", **PAIR}, {"step": "connect", "who": "bob", "to": "alice"}, SEND],
        [*CONNECTED, SEND, {"step": "disconnect", **PAIR}, SEND, {"step": "quiesce"}, SEND],
        [*CONNECTED, SEND, {"step": "close_peer", "who": "bob"}, SEND, {"step": "quiesce"}, SEND],
        [*CONNECTED, SEND, {"step": "kill", "who": "bob"}, SEND, {"step": "attach", "who": "carol"}],
        [*CONNECTED, SERVER_ONLY, SEND, {"step": "await_calls"}, SEND],
        [*CONNECTED, BURST, BURST, {"step": "quiesce"}, {"step": "cut", **PAIR}, {"step": "heal", **PAIR}],
    ],
    ids=["recovers", "late", "no path", "glare", "parts", "closes", "dies", "changes its mode", "bursts"],
)
def test_reference_does_what_each_kind_of_step_demands(script: object, replay: Invoke) -> None:
    finished = replay(script)
    assert finished.exit_code == 0, finished.output


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("dance", "expected object, got str"),
        ([{"step": "dance"}], "[0].step: invalid value 'dance'"),
        ([SEND], "step 1, Send("),
        ([*ATTACHED, {"step": "heal", **PAIR}], "step 3, Heal("),
    ],
)
def test_file_without_a_script_is_a_usage_error(script: object, said: str, replay: Invoke) -> None:
    finished = replay(script)
    assert finished.exit_code == 2
    assert said in finished.output


def test_usage(model: Invoke) -> None:
    assert model("--peer", "nobody").exit_code == 2
    assert model("--steps", "0").exit_code == 2
    assert model("--deadline-scale", "0").exit_code == 2
    assert model("--replay", "missing.json").exit_code == 2


def test_driver_that_cannot_be_started_is_inconclusive(model: Invoke) -> None:
    finished = model("--peer", "cmd:false", "--steps", "1")
    assert finished.exit_code == 3
    assert finished.output.startswith("Error: ")
