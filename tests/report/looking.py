"""A report opened in headless Chromium, with Playwright and axe-core from npm in the user's cache."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from clasp_e2e.drivers.browser import chromium
from clasp_e2e.drivers.building import BuildError, cache_root, digest, locked

HERE = Path(__file__).parent / "browser"
LIMIT = 300.0
"""Seconds for four looks at a page: some 15 on an idle machine, and twenty times that on a busy one."""


def tools() -> Path:
    """The folder of the program that looks, with its packages, installed at the first call.

    Skips where npm, or the way to its registry, is missing.
    """
    sources = {path.name: path.read_bytes() for path in sorted(HERE.iterdir())}
    root = cache_root()
    target = root / f"report-tests-{digest(sources)}"
    npm = shutil.which("npm")
    if target.is_dir():
        return target
    if npm is None:
        pytest.skip("npm is not on the PATH: it brings axe-core")
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "report-tests.lock"), tempfile.TemporaryDirectory(dir=root) as scratch:
        if target.is_dir():
            return target
        place = Path(scratch) / "tools"
        shutil.copytree(HERE, place)
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        installed = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if installed.returncode:
            pytest.skip(f"npm could not install axe-core and Playwright: {installed.stderr.strip()[-300:]}")
        place.rename(target)
    return target


def look(page: Path, sought: str, shots: Path | None = None) -> list[dict[str, Any]]:
    """Return what was seen of `page` in light and dark, narrow and wide. Skips where there is no Chromium."""
    try:
        browser = chromium()
    except BuildError as error:
        pytest.skip(str(error))
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not on the PATH: it drives the browser")
    folder = tools()
    finished = subprocess.run(
        [node, str(folder / "look.js"), browser, page.as_uri(), sought, str(shots or "")],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return json.loads(finished.stdout)
