from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fork_server import fork_server
from hypothesis import HealthCheck, settings
from plugin_runs import Folder
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# How fast an example is depends on who else uses the machine; speed is measured in benchmarks. The gate tries
# the same examples each time, so that a commit passes or fails for what is in it; to look for others:
# `pytest tests --hypothesis-profile search`.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("gate", settings.get_profile("search"), derandomize=True)
settings.load_profile("gate")

# A shell's background job ignores SIGINT, and every process that it starts inherits that: a run that is
# to be interrupted by a test would not notice.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

BYTECODE = "CLASP_E2E_TEST_BYTECODE"


def pytest_configure(config: pytest.Config) -> None:
    """Have all processes of a run share compiled code, which halves the time that each needs to start.

    The directory is outside the checkout, so that a test which examines a folder finds no bytecode in it.
    """
    if BYTECODE not in os.environ:
        directory = tempfile.mkdtemp(prefix="clasp-e2e-bytecode-")
        config.add_cleanup(lambda: shutil.rmtree(directory, ignore_errors=True))
        os.environ |= {BYTECODE: directory, "PYTHONPYCACHEPREFIX": directory}
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.pycache_prefix, sys.dont_write_bytecode = os.environ[BYTECODE], False


PROCESS_FIXTURES = frozenset(
    ("available", "command", "examined", "job", "killed", "make_driver", "python_m", "start", "wheel")
)
"""Fixtures by which a test starts processes."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start processes by a fixture, and put the long tests first."""
    for item in items:
        if not PROCESS_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("subprocess")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Exclude what was imported and collected from garbage collections, which takes 4 % of their time off."""
    gc.collect()
    gc.freeze()


GROUPS = (
    "tests/scripted/test_variants.py::test_a_peer",
    "tests/scripted/test_variants.py::test_a_router",
    "tests/scripted/test_mutants.py::test_a_router",
    "tests/scripted/test_mutants.py::test_a_sending",
    "tests/scripted/test_proof.py",
    "tests/scripted/",
    "tests/doctor/test_doctor.py",
    "tests/drivers/test_adapters.py",
    "tests/drivers/test_browser.py",
    "tests/drivers/test_node.py",
    "tests/drivers/test_rust.py",
    "tests/test_action.py",
    "tests/test_package.py",
)
"""Tests that share an expensive set-up, or overlap their waits: one worker of xdist runs all of a group."""


class GroupScheduling(LoadScopeScheduling):
    """Scheduling of single tests and of `GROUPS`, the largest group first.

    The groups of xdist itself need a private attribute that pytest 9.2 no longer has.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in GROUPS if nodeid.startswith(group)), nodeid)


@pytest.hookimpl(optionalhook=True, tryfirst=True)  # Before the plugin, which distributes scenarios.
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.fixture(scope="session")
def python_m() -> Iterator[list[str]]:
    """The words that replace `python -m` in a command; its process is a fork with the imports done."""
    with fork_server() as words:
        yield words


@pytest.fixture
def folder(tmp_path: Path, python_m: list[str]) -> Folder:
    return Folder(tmp_path, python_m)
