"""`--attach`, and `clasp-e2e connect`: a run that waits for an adapter that the user starts."""

from __future__ import annotations

import json
import math
import re
import signal
import socket
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clasp_e2e.plugin import attach as plugin_attach

from .conftest import Command, Invoke, environment

CASE = "test_routing_mode.py::test_the_mode_is_prefer_p2p_until_it_is_set"
PAIR = "test_connecting.py::test_data_reaches_the_peer[iut-iut]"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def adapter_command(python_m: list[str]) -> list[str]:
    """The command line of the reference adapter."""
    return [*python_m, "clasp_e2e.drivers.adapters.reference"]


@pytest.fixture
def start(tmp_path: Path, clasp_e2e: list[str]) -> Iterator[Start]:
    """Start `clasp-e2e` in an empty folder; at the end none is left."""
    running: list[subprocess.Popen[str]] = []

    def started(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*clasp_e2e, *arguments],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield started
    for process in running:
        with process:
            process.kill()


def awaited(run: subprocess.Popen[str]) -> str:
    """Where the next adapter is awaited."""
    assert run.stderr is not None
    for line in run.stderr:
        if found := re.search(r"^Waiting for adapter \d+ at (\S+): clasp-e2e connect \1 -- ", line):
            return found[1]
    raise AssertionError(run.communicate()[0])


def test_attached_adapter_is_judged_as_any_other(
    start: Start, adapter_command: list[str], tmp_path: Path
) -> None:
    run = start("run", CASE, "--attach", "--seed", "7")
    address = awaited(run)
    adapter = start("connect", address, "--", *adapter_command)
    out, _ = run.communicate()
    assert run.returncode == 0, out
    assert "1 passed" in out
    assert adapter.wait() == 0
    results = json.loads((tmp_path / "reports/latest/results.json").read_text())
    [scenario] = results["scenarios"]
    assert scenario["replay"].endswith(" --peer cmd:ADAPTER --attach=127.0.0.1:0 --seed 7")
    assert results["subjects"]["offerer"]["name"] == "clasp-e2e reference"


def test_two_processes_of_an_adapter_attach_separately(start: Start, adapter_command: list[str]) -> None:
    run = start("run", PAIR, "--peer", "cmd:its words", "--attach", "localhost:0")
    command = (*adapter_command, "--processes", "per_peer")
    adapters = [start("connect", awaited(run), *command), start("connect", awaited(run), *command)]
    out, _ = run.communicate()
    assert (run.returncode, [adapter.wait() for adapter in adapters]) == (0, [0, 0]), out


def test_peers_that_share_a_process_attach_once(start: Start, adapter_command: list[str]) -> None:
    run = start("run", PAIR, "--peer", "cmd:its words", "--attach", "localhost:0")
    adapter = start("connect", awaited(run), *adapter_command)
    out, _ = run.communicate()
    assert (run.returncode, adapter.wait()) == (0, 0), out


def test_adapter_that_leaves_midway_is_an_error_and_no_verdict(start: Start) -> None:
    run = start("run", CASE, "--attach")
    adapter = start("connect", awaited(run), "--", sys.executable, "-c", "input(); exit(9)")
    out, _ = run.communicate()
    assert run.returncode == 3, out
    assert "its connection ended" in out
    assert "Traceback" not in out
    assert adapter.wait() == 9


def test_ctrl_c_ends_the_waiting(start: Start, adapter_command: list[str]) -> None:
    run = start("run", CASE, "--attach")
    address = awaited(run)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate()
    assert run.returncode == 2, out
    assert "KeyboardInterrupt" in out
    assert not [word for word in ("Traceback", "Warning", "INTERNAL") if word in out + err]
    late = start("connect", address, *adapter_command)
    assert late.communicate()[1].startswith(f"Error: no run waits at {address}; start the run")
    assert late.returncode == 3


def test_ctrl_c_is_left_to_the_command(start: Start) -> None:
    """A debugger lives on it; the terminal tells it by itself."""
    with socket.create_server(("127.0.0.1", 0)) as harness:
        address = f"127.0.0.1:{harness.getsockname()[1]}"
        adapter = start("connect", address, "--", sys.executable, "-c", "print('up', flush=True); input()")
        connected, _ = harness.accept()
        with connected, connected.makefile("rw") as lines:
            assert lines.readline() == "up\n"
            adapter.send_signal(signal.SIGINT)
            lines.write("x\n")
            lines.flush()
            assert lines.readline() == ""
    assert adapter.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--attach=192.0.2.1:1"], "--attach: 192.0.2.1 is not on the loopback interface"),
        (["--attach", "--peer", "reference"], "name yours, as in --peer"),
        (["--attach", "--", "-n", "2"], "--attach needs a single process: leave out -n"),
    ],
)
def test_bad_usage(command: Command, arguments: list[str], said: str) -> None:
    finished = command("run", CASE, *arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert said in finished.stderr


def test_port_that_is_taken_is_usage(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        finished = command("run", CASE, "--attach", address)
    assert finished.returncode == 2
    assert f"--attach: {address} cannot be listened on: Address already in use" in finished.stderr


def test_connect_needs_a_place_and_a_program(invoke: Invoke) -> None:
    for arguments, said in (
        (["nowhere", "cat"], "'nowhere' is not HOST:PORT"),
        (["127.0.0.1:1", "no-such-program"], "there is no program 'no-such-program'"),
        (["127.0.0.1:1"], "Missing argument 'COMMAND'"),
    ):
        result = invoke("connect", *arguments)
        assert result.exit_code == 2
        assert said in result.stderr


def test_patience_has_no_end_unless_one_is_given() -> None:
    def options(attach: str | None, scale: float | None) -> Namespace:
        return Namespace(attach=attach, deadline_scale=scale)

    assert plugin_attach.patience_of(options(None, None)) == 1
    assert plugin_attach.patience_of(options("127.0.0.1:0", None)) == math.inf
    assert plugin_attach.patience_of(options("127.0.0.1:0", 3)) == 3
