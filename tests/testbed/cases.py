"""Scenarios as tests write them, run at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from clasp_e2e.drivers import Driver
from clasp_e2e.execution.pairings import Subjects
from clasp_e2e.execution.plan import Case, RunPlan
from clasp_e2e.execution.run_session import RunSession
from clasp_e2e.execution.runner import JudgedCase
from clasp_e2e.execution.selection import Selection
from clasp_e2e.p2p_types import RoutingMode
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.spec.catalogue import load_catalogue
from clasp_e2e.testbed import UnconnectedPair, expect, requirement
from clasp_e2e.testbed.scenario import scenario_of
from clasp_e2e.testbed.waiting import Patience

from .fakes import FakeDriver

CATALOGUE = load_catalogue()
HURRIED = Patience(0.02)
PAIRING = Pairing(offerer="x", answerer="x")
BOTH_ROLES = Subjects(offerer="x", answerer="x", judged=frozenset({"offerer", "answerer"}))
Body = Callable[[Any], Awaitable[None]]


def plan_of(
    drivers: Mapping[str, Driver], router: Driver, *, subjects: Subjects = BOTH_ROLES, **options: Any
) -> RunPlan:
    selection = Selection(subjects, drivers, router, options.pop("specs", {}))
    options = {"seed": 0, "patience": HURRIED, **options}
    return RunPlan(catalogue=CATALOGUE, selection=selection, **options)


async def opened_run(driver: FakeDriver, **options: Any) -> RunSession:
    run = RunSession(plan_of({"x": driver}, FakeDriver(), **options))
    await run.open()
    return run


def case(body: Body, *ids: str, pairing: Pairing = PAIRING, **how: Any) -> Case:
    scenario = scenario_of(requirement(*(ids or ("RTE-1",)), **how)(body))
    assert scenario is not None
    return Case(f"test_{'_'.join(ids)}::{scenario.name}[{pairing.id}]", scenario, pairing, "pytest this")


async def judge(run: RunSession, case: Case) -> JudgedCase:
    """What becomes of a case by itself, with its evidence."""
    return await run.judge_alone(case, keep_evidence=True)


async def judged(body: Body, *ids: str, driver: FakeDriver | None = None) -> JudgedCase:
    """What becomes of a scenario that judges `ids`, with a driver that does all right if none is given."""
    return await judge(await opened_run(driver or FakeDriver()), case(body, *ids))


def judgments(of: JudgedCase) -> dict[str, str]:
    return {name: str(outcome) for name, outcome in of.result.judgments.items()}


async def asks_the_mode(unconnected: UnconnectedPair) -> None:
    """The mode of a new client is PreferP2P."""
    pair = await unconnected.attach()
    expect(await pair.offerer.p2p_routing_mode(), "the mode").equals(RoutingMode.PREFER_P2P)
