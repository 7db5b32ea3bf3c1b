from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from plugin_runs import Folder

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


PROCESS_FIXTURES = frozenset(
    ("available", "command", "examined", "folder", "job", "killed", "make_driver", "start", "wheel")
)
"""Fixtures by which a test starts processes."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start processes by a fixture, and put the long tests first."""
    for item in items:
        if not PROCESS_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("subprocess")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
