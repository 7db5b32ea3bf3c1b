from __future__ import annotations

import json
import shlex
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from clasp_e2e.execution.bundled_scenarios import scenarios_root
from clasp_e2e.plugin.invocation import targets

from .conftest import LIAR, Command, environment

ONE = "test_router.py::test_a_signal_reaches_its_session"


def test_run_judges_in_any_folder(command: Command, tmp_path: Path) -> None:
    finished = command("run", ONE, "--seed", "7", "--junitxml", "out.xml", "--", "-q")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    results = json.loads((tmp_path / "reports/latest/results.json").read_text())
    assert results["seed"] == 7
    assert results["command"].endswith(f"run {ONE} --seed 7 --junitxml out.xml -- -q")
    [scenario] = results["scenarios"]
    assert scenario["outcome"] == "passed"
    assert scenario["replay"] == f"clasp-e2e run '{ONE}[router-reference]' --seed 7"
    assert (tmp_path / "reports/latest" / "evidence").is_dir()
    assert ElementTree.parse(tmp_path / "out.xml").find(".//testcase") is not None


def test_settings_and_conftest_of_where_it_is_started_do_not_matter(command: Command, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["clasp_e2e.plugin"]\n')
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = ["--no-such-option"]\n')
    finished = command("run", "-k", "test_a_signal_reaches_its_session", "--results", "elsewhere")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (tmp_path / "elsewhere/results.json").is_file()


def test_command_that_a_failure_names_repeats_it(command: Command, tmp_path: Path) -> None:
    (tmp_path / "liar.py").write_text(LIAR)
    finished = command("run", "-k", "until_it_is_set", "--offerer", "liar:Liar")
    assert finished.returncode == 1, finished.stdout + finished.stderr
    repeat = next(line for line in finished.stdout.splitlines() if line.startswith("Repeat with"))
    program, *arguments = shlex.split(repeat.removeprefix("Repeat with"))
    assert program == "clasp-e2e"
    again = command(*arguments)
    assert again.returncode == 1
    assert repeat in again.stdout
    assert "1 failed" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--peer", "refrence"], "did you mean 'reference'?"),
        (["--no-such-option"], "No such option '--no-such-option'"),
        (["--seed", "many"], "'many' is not a valid int"),
        (["--", "--no-such-option"], "unrecognized arguments: --no-such-option"),
        (["test_nothing.py"], "there is no scenario file 'test_nothing.py'"),
        (["--deadline-scale", "0"], "give a number above 0"),
    ],
)
def test_bad_usage(command: Command, arguments: list[str], said: str) -> None:
    finished = command("run", *arguments)
    assert finished.returncode == 2
    assert said in finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr


def test_names_of_scenario_files_are_found() -> None:
    root = scenarios_root()
    file = str(root / "scenarios/test_ice.py")
    for name in ("test_ice.py", "scenarios/test_ice.py", file):
        assert targets(root, [name, "-x"]) == [file, "-x"]
    assert targets(root, ["test_ice.py::test_x[a-b]"]) == [f"{file}::test_x[a-b]"]


def test_without_a_file_all_scenarios_are_meant() -> None:
    root = scenarios_root()
    assert targets(root, ["-n", "2"]) == ["-n", "2", str(root / "scenarios")]


def test_ctrl_c_keeps_what_was_found_and_is_no_verdict(clasp_e2e: list[str], tmp_path: Path) -> None:
    journal = tmp_path / "reports/latest/journal.jsonl"
    arguments = [*clasp_e2e, "run", "test_connecting.py", "test_routing_mode.py", "--", "-q"]
    with subprocess.Popen(
        arguments,
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)  # The letter of the first case that ended.
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Traceback" not in rest
    assert "PARTIAL" in rest
    assert journal.exists()
    assert json.loads((tmp_path / "reports/latest/results.json").read_text())["verdict"] == "partial"
