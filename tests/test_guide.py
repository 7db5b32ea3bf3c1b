"""The guides: their commands are run in an empty folder, and their statements are compared with the code."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from jsonschema import Draft202012Validator
from test_package import MAY_USE

from clasp_e2e import wire
from clasp_e2e.commands import main

ROOT = Path(__file__).parents[1]
GUIDES = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))

SHOWN = {
    "verdict": (
        "exit status 1",
        "Proven by",
        "",
        "iut-reference.html",
        "same: test_routing_mode::test_p2p_only_refuses_to_relay",
    ),
    "scenario": ("1 passed", "1 passed", "1 passed", "exit status 1"),
    "packets": ("clasp.lua",),
    "network": ("1 passed", "1 passed", "2 passed", "1 passed", "MUST 10 of 10"),
    "compare": (
        "no difference",
        "2 versions: PARTIAL in 1.1.0",
        "First bad version: 4\nLast good version: 3",
    ),
    "cli": (
        "1 passed",
        "Gate: passed: no unexpected result",
        "Results: reports/latest/matrix/matrix.json",
        "## CLASP P2P: partial",
        "Proven by",
        "No fault of the driver was found",
        "peer, by signals (reference): 50 inputs",
        "No contradiction",
    ),
}
"""For each guide, what its commands print, in order."""

CI = (
    "",
    "The adapter is in adapter",
    "No fault of the driver was found",
    "Gate: passed: no unexpected result",
    "exit status 1",
    "entries deleted or narrowed: 0; added: 1",
    "entries deleted or narrowed: 1; added: 0",
    "A  clasp-baseline.toml",
    "Results: shards/2/results.json",
    "same: ",
)
"""The same for `ci`, whose commands get the scenarios `FEW` where they would run all."""
FEW = "test_direct_data.py"

AWAITED = re.compile(
    r"Waiting for adapter 1 at (\S+): clasp-e2e connect \1 -- python my-adapter/adapter\.py$"
)
SHOWN_ADDRESS = "127.0.0.1:43127"


def text_of(guide: str) -> str:
    return (ROOT / "docs" / f"{guide}.md").read_text()


def commands(guide: str = "adapter") -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", text_of(guide), re.DOTALL | re.MULTILINE)


@pytest.fixture
def environment(tmp_path: Path, python_m: list[str]) -> dict[str, str]:
    """A PATH with this Python on it, and `clasp-e2e` as this checkout has it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "clasp-e2e"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(python_m)} clasp_e2e "$@"\n')
    command.chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    return inherited | {"PATH": path, "PYTHONPATH": str(ROOT)}


def output_of(command: str, folder: Path, environment: dict[str, str]) -> str:
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


def output_of_attached(attach: str, connect: str, folder: Path, environment: dict[str, str]) -> str:
    """Return what `attach` prints, with `connect` started at the address where it waits."""
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
            output_of(connect.replace(SHOWN_ADDRESS, awaited), folder, environment)
            return run.communicate()[0]
        finally:
            run.kill()


@pytest.mark.timeout(1600)
@pytest.mark.subprocess
@pytest.mark.long
def test_adapter_guide_leads_to_a_verdict(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    *python, whole_run, attach, connect, _ = commands()
    template, stub, real, first = (output_of(command, folder, environment) for command in python)
    attached = output_of_attached(attach, connect, folder, environment)
    # A part of the scenarios shows that the command leads to a verdict: .ci/run judges the reference by all.
    whole = output_of(whole_run.replace("clasp-e2e run", f"clasp-e2e run {FEW}"), folder, environment)
    assert "my-adapter" in template
    assert "a stub, my implementation" in stub
    assert "attached to the given router" in real
    assert "1 passed" in first
    assert "1 passed" in attached
    assert "\nPARTIAL" in whole
    assert (folder / "reports/latest/results.json").is_file()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: its template is left out")
@pytest.mark.subprocess
def test_adapter_guide_works_in_node(tmp_path: Path, environment: dict[str, str]) -> None:
    assert "a stub, my implementation" in output_of(commands()[-1], tmp_path, environment)


@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed: the guide's peer is left out")
@pytest.mark.subprocess
@pytest.mark.long
def test_ci_guide_leads_to_a_gate(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for command, shown in zip(commands("ci"), CI, strict=True):
        few = re.sub(
            r"^clasp-e2e (gate|run)(?= --(?!of))", rf"clasp-e2e \1 {FEW}", command, flags=re.MULTILINE
        )
        if "FILE.json" in few:
            few = few.replace("FILE", next((folder / "reports/latest/evidence").iterdir()).stem)
        assert shown in output_of(few, folder, environment)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("guide", SHOWN)
@pytest.mark.subprocess
@pytest.mark.long
def test_commands_of_a_guide_print_what_it_says(
    guide: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    for command, shown in zip(commands(guide), SHOWN[guide], strict=True):
        if "faketime" in command and shutil.which("faketime") is None:
            pytest.skip("faketime is not installed: the last command is left out")
        assert shown in output_of(command, tmp_path, environment)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_of_a_guide_is_run(guide: str) -> None:
    """A block that begins with a command of ours is run; other blocks show what is printed."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text_of(guide), re.DOTALL | re.MULTILINE)
    assert [text for language, text in blocks if language != "sh" and text.startswith("clasp-e2e ")] == []
    assert guide in ("adapter", "ci", *SHOWN) or commands(guide) == []


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings in a Markdown file, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ["README", "CONTRIBUTING", *(f"docs/{guide}" for guide in GUIDES)])
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    path = ROOT / f"{page}.md"
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" not in link:
            place, _, anchor = link.partition("#")
            target = path.parent / place if place else path
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_reference_of_commands_names_every_command_and_option() -> None:
    text = text_of("cli")
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert f"`clasp-e2e {name}" in text
        parts = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
        options = (each for part in parts for each in part.params if isinstance(each, click.Option))
        for option in (opt for each in options for opt in each.opts):
            assert re.search(rf"{option}\b", text), option


def test_example_conversation_follows_the_schema() -> None:
    schema = json.loads((ROOT / "clasp_e2e/drivers/protocol.schema.json").read_text())

    def check(message: object, place: str) -> None:
        Draft202012Validator({"$ref": f"#/$defs/{place}", "$defs": schema["$defs"]}).validate(message)

    methods: dict[int, str] = {}
    for direction, line in re.findall(r"^([→←]) (.+)$", text_of("driver-protocol"), re.MULTILINE):
        message = json.loads(line)
        check(message, "request" if direction == "→" else "adapter_to_harness")
        if direction == "→":
            methods[message["id"]] = message["method"]
        elif "result" in message:
            check(message["result"], f"results/{methods[message['id']]}")
    assert {"initialize", "peer.open", "peer.send_p2p", "shutdown"} <= set(methods.values())


def test_example_frames_are_what_they_are_called() -> None:
    frames = re.findall(r"^([A-Z]+) +([0-9a-f ]+)$", text_of("wire"), re.MULTILINE)
    assert len(frames) > 3
    for name, text in frames:
        message, _ = wire.decode(bytes.fromhex(text))
        assert type(message).__name__.upper() == name
        assert wire.encode(message) == bytes.fromhex(text)


def test_table_of_packages_is_the_one_that_is_checked() -> None:
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \|.*\| (.*?) ?\|$", text_of("architecture"), re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", uses)) for name, uses in rows}
    assert documented == {name: uses - {"*"} for name, uses in MAY_USE.items()}
