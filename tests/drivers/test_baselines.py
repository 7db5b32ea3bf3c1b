"""The included baselines: each can be read, and names existing scenarios and requirements."""

from __future__ import annotations

import pytest

from clasp_e2e.drivers.browser import BrowserDriver, FirefoxDriver, WasmDriver
from clasp_e2e.drivers.go import GoDriver
from clasp_e2e.drivers.node import NodeDriver, RoamhqDriver, WeriftDriver
from clasp_e2e.drivers.rust import RustDriver
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.results.baseline import parse_baseline
from clasp_e2e.results.known_failures import check_pairings
from clasp_e2e.spec.catalogue import load_catalogue

LABELS = ["node", "roamhq", "werift", "browser", "firefox", "go", "rust", "wasm"]


@pytest.mark.parametrize(
    ("label", "driver", "musts"),
    [("node", NodeDriver, set[str]()), ("browser", BrowserDriver, set[str]()),
     ("go", GoDriver, set[str]()),
     ("roamhq", RoamhqDriver, set[str]()), ("werift", WeriftDriver, set[str]()),
     ("firefox", FirefoxDriver, set[str]()),
     ("wasm", WasmDriver, {"SND-5", "EVT-1", "EVT-3", "TMO-4"}),
     ("rust", RustDriver, {"CON-5", "SND-3", "SND-4", "RTE-9", "EVT-3", "ICE-3", "TMO-5"})],
)  # fmt: skip
def test_baseline_that_comes_along(label: str, driver: type[StdioDriver], musts: set[str]) -> None:
    assert driver.baseline is not None
    catalogue = load_catalogue()
    baseline = parse_baseline(driver.baseline.read_text(), driver.baseline.name, [label], catalogue)
    check_pairings(baseline, [*LABELS, "reference", "scripted"], own=True)
    known = {entry.requirement for entry in baseline.entries}
    assert {name for name in known if catalogue.get(name).level == "must"} == musts
