from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .conftest import CHECKOUT, Command, Invoke

FAULTY = CHECKOUT / "tests/doctor/faulty_adapter.py"


def adapter(fault: str) -> str:
    return f"cmd:{sys.executable} {FAULTY} {fault}"


def test_adapter_without_faults_exits_with_0(command: Command) -> None:
    finished = command("doctor", adapter("none"))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    first, *_, last = finished.stdout.splitlines()
    assert first.split()[:3] == ["start", "ok", "a"]
    assert last.startswith("No fault of the driver was found")
    assert finished.stderr == ""


def test_each_check_has_a_line_and_a_fault_has_advice(command: Command) -> None:
    finished = command("doctor", adapter("crash"))
    assert finished.returncode == 1
    lines = finished.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("peer.open "))
    assert lines[at].split(maxsplit=2)[1:] == ["fault", "it exited with status 4"]
    assert lines[at + 1].strip().startswith("→ Run the same command by hand")
    assert lines[at + 3].strip() == "Segmentation fault, so to speak"
    assert lines[-1] == "1 fault found."


def test_adapter_that_exits_early_has_one_fault_and_skipped_checks(command: Command) -> None:
    finished = command("doctor", adapter("short_lines"))
    assert finished.returncode == 1
    assert "skipped  same fault as above: it exited with status 1" in finished.stdout
    assert finished.stderr == ""


@pytest.mark.parametrize("driver", ["cmd:no-such-program", adapter("early_exit")])
def test_driver_that_cannot_be_started_exits_with_3(invoke: Invoke, driver: str) -> None:
    result = invoke("doctor", driver)
    assert (result.exit_code, type(result.exception)) == (3, SystemExit)
    assert result.stderr.startswith("Error: the adapter `")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["refrence"], "did you mean 'reference'?"),
        ([], "Missing argument 'DRIVER'"),
        (["reference", "--deadline-scale", "0"], "give a number above 0"),
        (["reference", "--deadline-scale", "inf"], "give a number above 0"),
    ],
)
def test_bad_usage(invoke: Invoke, arguments: list[str], said: str) -> None:
    result = invoke("doctor", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_driver_in_this_process_that_cannot_be_initialized(command: Command, tmp_path: Path) -> None:
    source = "from clasp_e2e.drivers import DriverFault\nfrom clasp_e2e.drivers.reference import *\n"
    source += (
        "class Unready(ReferenceDriver):\n    async def initialize(self): raise DriverFault('no licence')\n"
    )
    (tmp_path / "unready.py").write_text(source)
    finished = command("doctor", "unready:Unready")
    assert finished.returncode == 3
    assert "no licence" in finished.stderr
