"""The installed command, outside of any checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import CHECKOUT, environment

pytestmark = pytest.mark.subprocess


def test_installed_wheel_judges(tmp_path: Path) -> None:
    wheels, site, elsewhere = (tmp_path / name for name in ("wheels", "site", "elsewhere"))
    elsewhere.mkdir()
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True, timeout=60)
    [wheel] = wheels.glob("clasp_e2e-*.whl")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*install, "--target", str(site), str(wheel)], check=True, capture_output=True, timeout=60)
    finished = subprocess.run(
        [site / "bin/clasp-e2e", "run", "-k", "test_a_signal_reaches_its_session"],
        cwd=elsewhere,
        env=environment(site),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    where = "from clasp_e2e.execution.bundled_scenarios import scenarios_root; print(scenarios_root())"
    root = subprocess.check_output(
        [sys.executable, "-c", where], cwd=elsewhere, env=environment(site), text=True, timeout=60
    )
    assert root.strip() == str(site / "clasp_e2e")
    assert "1 passed" in finished.stdout
    assert (elsewhere / "reports/latest/results.json").is_file()
    assert not (site / "scenarios").exists()
