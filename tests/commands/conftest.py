from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clasp_e2e.commands import main

CHECKOUT = Path(__file__).parents[2]

LIAR = """
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.p2p_types import RoutingMode

class Liar(ReferenceDriver):
    async def open_peer(self, **how):
        peer = await super().open_peer(**how)
        async def mode():
            return RoutingMode.SERVER_ONLY
        peer.p2p_routing_mode = mode
        return peer
"""
"""A driver with one fault, as a user keeps one in a file: its peers say that they have another mode."""

Finished = subprocess.CompletedProcess[str]
Command = Callable[..., Finished]
Invoke = Callable[..., Result]


def environment(package: Path = CHECKOUT) -> dict[str, str]:
    """Where `clasp_e2e` is to be found, and nothing of the pytest that runs this test."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return inherited | {"PYTHONPATH": str(package)}


@pytest.fixture
def clasp_e2e(python_m: list[str]) -> list[str]:
    """The words that replace `clasp-e2e` in a command."""
    return [*python_m, "clasp_e2e"]


@pytest.fixture
def command(tmp_path: Path, clasp_e2e: list[str]) -> Command:
    """`clasp-e2e` in a process of its own, started in an empty folder."""

    def finish(*arguments: str) -> Finished:
        return subprocess.run(
            [*clasp_e2e, *arguments],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    return finish


@pytest.fixture
def invoke() -> Invoke:
    """`clasp-e2e` in this process."""

    def invoked(*arguments: str, **env: str) -> Result:
        return CliRunner().invoke(main, arguments, prog_name="clasp-e2e", env=env)

    return invoked
