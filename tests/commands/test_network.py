"""The option `--network`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Command


def test_lab_judges_each_peer_on_a_host_of_its_own(command: Command, tmp_path: Path) -> None:
    finished = command("run", "test_nats.py", "--network", "lab")
    if "the lab needs" in finished.stderr + finished.stdout:
        pytest.skip(finished.stderr + finished.stdout)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (tmp_path / "reports/latest/results.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--network", "moon"], "use link or lab"),
        (["--network", "lab", "--attach"], "leave out --attach"),
        (["--network", "lab", "--router", "ws://127.0.0.1:9"], "no traffic leaves the lab"),
    ],
)
def test_what_the_lab_cannot_do_is_a_usage_error(command: Command, arguments: list[str], said: str) -> None:
    finished = command("run", *arguments)
    assert finished.returncode == 2
    assert said in finished.stdout + finished.stderr
