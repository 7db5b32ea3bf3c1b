from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from .conftest import Invoke, environment


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_the_command(invoke: Invoke, shell: str) -> None:
    result = invoke("completion", shell)
    assert result.exit_code == 0
    assert f"_CLASP_E2E_COMPLETE={shell}_complete" in result.stdout


def test_help_of_completion_shows_a_line_for_each_shell(invoke: Invoke) -> None:
    text = invoke("completion", "--help").stdout
    assert "\\b" not in text
    assert "\b" not in text
    assert '\n  bash   eval "$(clasp-e2e completion bash)"     in ~/.bashrc\n' in text


def test_script_for_bash_completes_a_subcommand(invoke: Invoke, clasp_e2e: list[str], tmp_path: Path) -> None:
    command = tmp_path / "clasp-e2e"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(clasp_e2e)} "$@"\n')
    command.chmod(0o755)
    script = invoke("completion", "bash").stdout + (
        '\nCOMP_WORDS=(clasp-e2e repl); COMP_CWORD=1; _clasp_e2e_completion clasp-e2e\necho "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment() | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["replay"], done.stderr
