"""Scenarios as tests write them, judged on the spot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from clasp_e2e.execution.pairings import Subjects
from clasp_e2e.execution.run_context import Bench, Case
from clasp_e2e.execution.runner import Judged, judge
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.spec import load_catalogue
from clasp_e2e.testbed import (
    requirement,
)
from clasp_e2e.testbed.scenario import scenario_of
from clasp_e2e.testbed.waiting import Patience

from .fakes import FakeDriver

CATALOGUE = load_catalogue()
HURRIED = Patience(0.02)
PAIRING = Pairing(offerer="x", answerer="x")
Body = Callable[[Any], Awaitable[None]]


async def open_bench(driver: FakeDriver, **options: Any) -> Bench:
    subjects = Subjects(offerer="x", answerer="x", judged=frozenset({"offerer", "answerer"}))
    bench = Bench(CATALOGUE, subjects, {"x": driver}, FakeDriver(), patience=HURRIED, **options)
    await bench.open()
    return bench


def case(body: Body, *ids: str, pairing: Pairing = PAIRING) -> Case:
    scenario = scenario_of(requirement(*(ids or ("RTE-1",)))(body))
    assert scenario is not None
    return Case(f"test_{'_'.join(ids)}::{scenario.name}[{pairing.id}]", scenario, pairing, "pytest this")


async def judged(body: Body, *ids: str, driver: FakeDriver | None = None) -> Judged:
    """What becomes of a scenario that judges `ids`, with a driver that does all right if none is given."""
    return await judge(await open_bench(driver or FakeDriver()), case(body, *ids))


def judgments(of: Judged) -> dict[str, str]:
    return {name: str(outcome) for name, outcome in of.result.judgments.items()}
