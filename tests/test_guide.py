"""The guides do what they say: their commands, one after the other, in an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SHOWN = {
    "verdict": ("exit status 1", "Proven by", "", "same: test_routing_mode::test_p2p_only_refuses_to_relay"),
    "scenario": ("1 passed", "1 passed", "1 passed", "exit status 1"),
    "network": ("1 passed", "1 passed", "2 passed", "1 passed"),
}
"""What each command of a guide shows, in order."""

CI = (
    "",
    "The adapter is in adapter",
    "No fault of the driver was found",
    "Gate: passed: no unexpected result",
    "Gate: passed: no unexpected result",
    "exit status 1",
    "entries deleted or narrowed: 0; added: 1",
    "entries deleted or narrowed: 1; added: 0",
    "A  clasp-baseline.toml",
    "Results: shards/2/results.json",
    "same: ",
)
"""The same for the guide to a gate, whose commands get `FEW` scenarios where they would run all."""
FEW = "test_direct_data.py"

AWAITED = re.compile(r"Adapter 1 is awaited at (\S+): clasp-e2e connect \1 -- python my-adapter/adapter\.py$")
SHOWN_ADDRESS = "127.0.0.1:43127"


def text_of(guide: str) -> str:
    return (ROOT / "docs" / f"{guide}.md").read_text()


def commands(guide: str = "adapter") -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", text_of(guide), re.DOTALL | re.MULTILINE)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A PATH with this Python on it, and `clasp-e2e` as this checkout has it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "clasp-e2e"
    command.write_text(
        f"#!{sys.executable}\nfrom clasp_e2e.commands import main\nmain(prog_name='clasp-e2e')\n"
    )
    command.chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    return inherited | {"PATH": path, "PYTHONPATH": str(ROOT)}


def told(command: str, folder: Path, environment: dict[str, str]) -> str:
    finished = subprocess.run(
        ["sh", "-ec", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert finished.returncode == 0, f"{command}\n{finished.stdout}{finished.stderr}"
    return finished.stdout


def debugged(attach: str, connect: str, folder: Path, environment: dict[str, str]) -> str:
    """What `attach` prints, when `connect` was started where it says that it waits."""
    run = subprocess.Popen(
        ["sh", "-ec", f"exec {attach}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with run:
        try:
            assert run.stderr is not None
            awaited = next((found[1] for line in run.stderr if (found := AWAITED.match(line))), None)
            assert awaited is not None, run.communicate()[0]
            assert connect.count(SHOWN_ADDRESS) == 1
            told(connect.replace(SHOWN_ADDRESS, awaited), folder, environment)
            return run.communicate()[0]
        finally:
            run.kill()


@pytest.mark.timeout(1600)
@pytest.mark.subprocess
@pytest.mark.long
def test_the_guide_leads_to_a_verdict(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    *python, whole_run, attach, connect, _ = commands()
    template, stub, real, first = (told(command, folder, environment) for command in python)
    attached = debugged(attach, connect, folder, environment)
    # A part of the scenarios shows that the command leads to a verdict: .ci/run judges the reference by all.
    whole = told(whole_run.replace("clasp-e2e run", f"clasp-e2e run {FEW}"), folder, environment)
    assert "my-adapter" in template
    assert "a stub, my implementation" in stub
    assert "attached to the given router" in real
    assert "1 passed" in first
    assert "1 passed" in attached
    assert "\nPARTIAL" in whole
    assert (folder / "reports/latest/results.json").is_file()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: its template is left out")
@pytest.mark.subprocess
def test_the_guide_in_node(tmp_path: Path, environment: dict[str, str]) -> None:
    assert "a stub, my implementation" in told(commands()[-1], tmp_path, environment)


@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed: the guide's peer is left out")
@pytest.mark.subprocess
@pytest.mark.long
def test_the_guide_leads_to_a_gate(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for command, shown in zip(commands("ci"), CI, strict=True):
        few = re.sub(
            r"^clasp-e2e (gate|run)(?= --(?!of))", rf"clasp-e2e \1 {FEW}", command, flags=re.MULTILINE
        )
        if "FILE.json" in few:
            few = few.replace("FILE", next((folder / "reports/latest/evidence").iterdir()).stem)
        assert shown in told(few, folder, environment)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("guide", SHOWN)
@pytest.mark.subprocess
@pytest.mark.long
def test_each_command_of_a_guide_shows_what_it_says(
    guide: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    for command, shown in zip(commands(guide), SHOWN[guide], strict=True):
        assert shown in told(command, tmp_path, environment)


@pytest.mark.parametrize("guide", ["adapter", "ci", *SHOWN])
def test_every_command_of_a_guide_is_run(guide: str) -> None:
    """What begins with a command of ours stands in a block that is run; other blocks show what is seen."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text_of(guide), re.DOTALL | re.MULTILINE)
    assert [text for language, text in blocks if language != "sh" and text.startswith("clasp-e2e ")] == []


@pytest.mark.parametrize("guide", ["adapter", "ci", *SHOWN])
def test_what_a_guide_points_at_is_there(guide: str) -> None:
    places = re.findall(r"\]\(([^)#]+)\)", text_of(guide))
    assert [place for place in places if "://" not in place and not (ROOT / "docs" / place).exists()] == []
