from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clasp_e2e.commands.new_driver import LANGUAGES, TEMPLATES

from .conftest import Command, Invoke


def source_lines(template: Path) -> int:
    sources = [path for path in template.rglob("*") if path.suffix in (".py", ".mjs", ".rs", ".go")]
    return sum(len(path.read_text().splitlines()) for path in sources)


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: its template was left out")


def healthy(command: Command, driver: str) -> None:
    finished = command("doctor", driver)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("lang", LANGUAGES)
def test_template_is_short(lang: str) -> None:
    # Go has no tasks and no keyword arguments, so each call takes some lines.
    assert 0 < source_lines(TEMPLATES / lang) < (340 if lang == "go" else 150)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_template_is_copied_and_nothing_else(command: Command, tmp_path: Path, lang: str) -> None:
    finished = command("new-driver", "--lang", lang, "my adapter")
    assert finished.returncode == 0, finished.stderr
    built = ("__pycache__", "target", "Cargo.lock")
    expected = {
        path.relative_to(TEMPLATES / lang)
        for path in (TEMPLATES / lang).rglob("*")
        if not {*path.parts} & {*built}
    }
    assert {
        path.relative_to(tmp_path / "my adapter") for path in (tmp_path / "my adapter").rglob("*")
    } == expected
    own = LANGUAGES[lang][1]
    assert (tmp_path / "my adapter" / own).is_file()
    assert f"my adapter/{own}" in finished.stdout


def test_python_is_healthy_as_it_is(command: Command) -> None:
    command("new-driver", "--lang", "python", "mine")
    healthy(command, f"cmd:{sys.executable} mine/adapter.py")


def test_node_is_healthy_as_it_is(command: Command) -> None:
    needs("node")
    command("new-driver", "--lang", "node", "mine")
    healthy(command, "cmd:node mine/adapter.mjs")


@pytest.mark.long
def test_go_is_healthy_as_it_is(command: Command, tmp_path: Path) -> None:
    needs("go")
    command("new-driver", "--lang", "go", "mine")
    build = ["go", "build", "-C", "mine", "-o", "adapter", "."]
    subprocess.run(build, cwd=tmp_path, capture_output=True, check=True, timeout=100)
    healthy(command, "cmd:mine/adapter")


@pytest.mark.timeout(700)
@pytest.mark.long
def test_rust_is_healthy_as_it_is(command: Command, tmp_path: Path) -> None:
    needs("cargo")
    command("new-driver", "--lang", "rust", "mine")

    def cargo(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = ["nice", "-n", "19", "cargo", *arguments, "--quiet", "--manifest-path", "mine/Cargo.toml"]
        environment = os.environ | {"CARGO_NET_RETRY": "0", "CARGO_PROFILE_DEV_DEBUG": "0"}
        return subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
        )

    if (fetched := cargo("fetch")).returncode != 0:
        pytest.skip(f"its template was left out, as its crates could not be had: {fetched.stderr}")
    built = cargo("build")
    assert (built.returncode, built.stderr) == (0, "")
    healthy(command, "cmd:mine/target/debug/adapter")


def test_folder_that_is_not_empty_is_left_alone(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/adapter.py").write_text("mine")
    finished = command("new-driver", "--lang", "python", "mine")
    assert finished.returncode == 2
    assert "Error: mine exists and is not empty; name a new or empty folder" in finished.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["adapter.py"]
    assert (tmp_path / "mine/adapter.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mine"], "Missing option '--lang'"),
        (["--lang", "cobol", "mine"], "'cobol' is not one of"),
        (["--lang", "python"], "Missing argument 'DIR'"),
        (["--lang", "python", "file/mine"], "cannot be written (Not a directory); name another folder"),
    ],
)
def test_bad_usage(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    result = invoke("new-driver", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_empty_folder_is_accepted(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert command("new-driver", "--lang", "node", "mine").returncode == 0
    assert (tmp_path / "mine/adapter.mjs").is_file()
