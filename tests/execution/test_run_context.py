"""Start and end of the implementations of a run: each failure is reported once, in time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from testbed import fakes
from testbed.cases import plan_of
from testbed.fakes import FakeDriver

from clasp_e2e.drivers import DriverFault, NotAvailable
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.registry import ExternalRouterDriver
from clasp_e2e.execution.run_session import RunSession, SharedResources
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.waiting import Patience


def run_of(peer: FakeDriver, router: Any = None, **options: Any) -> RunSession:
    drivers = {"x": peer, "reference": ReferenceDriver()}
    return RunSession(plan_of(drivers, router or drivers["reference"], **options))


async def test_open_run_knows_participants() -> None:
    run = run_of(FakeDriver(capabilities=frozenset({"close"})), specs={"x": "package:Driver"})
    await run.open()
    records = run.context.subjects()
    assert records["offerer"].driver == records["answerer"].driver == "package:Driver"
    assert records["router"].name == "clasp-e2e reference"
    assert run.context.capabilities() == {"close"}
    await run.close()


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (fakes.raises, "x: initialize raised RuntimeError: out of cheese"),
        (fakes.refuses, "x: initialize was refused: the address is in use"),
        (fakes.never, "x: initialize did not return within 0.4 s"),
        (fakes.exits, "x: initialize raised SystemExit: 7"),
    ],
)
async def test_driver_that_does_not_start_is_named_in_fault(act: fakes.Act, says: str) -> None:
    with pytest.raises(DriverFault, match=says):
        await run_of(FakeDriver(initialize=act)).open()


async def test_stub_is_not_judged() -> None:
    with pytest.raises(NotAvailable, match="x: fake calls itself a stub, so there is nothing to judge"):
        await run_of(FakeDriver(stub=True)).open()
    with pytest.raises(NotAvailable, match="router reference: fake calls itself a stub"):
        await run_of(FakeDriver(), FakeDriver(stub=True)).open()


@pytest.mark.parametrize("act", [fakes.raises, fakes.refuses, fakes.never])
async def test_router_that_does_not_start_is_fault(act: fakes.Act) -> None:
    router = FakeDriver(open_router=act)
    router.router_per_scenario = False
    with pytest.raises(DriverFault, match="the router"):
        await run_of(FakeDriver(), router).open()


async def test_unreachable_router_is_fault_with_advice() -> None:
    with pytest.raises(DriverFault, match="Start the router"):
        await run_of(FakeDriver(), ExternalRouterDriver("ws://127.0.0.1:1")).open()


async def test_implementation_without_role_is_refused_in_it() -> None:
    only_router, only_peer = FakeDriver(roles=frozenset({"router"})), FakeDriver(roles=frozenset({"peer"}))
    with pytest.raises(DriverFault, match="fake offers no peer"):
        await run_of(only_router).open()
    with pytest.raises(DriverFault, match="fake offers no router"):
        await run_of(FakeDriver(), only_peer).open()


async def test_permanent_router_is_closed_with_run() -> None:
    router = FakeDriver()
    run = run_of(FakeDriver(), router)
    await run.open()
    assert router.routers == []  # Cheap enough for each scenario to have its own.
    await run.close()


@pytest.mark.parametrize(("act", "says"), [(fakes.raises, "out of cheese"), (fakes.never, "did not return")])
async def test_implementation_that_does_not_end_is_fault_and_others_are_ended(
    act: fakes.Act, says: str
) -> None:
    ended = asyncio.Event()

    async def ends() -> None:
        ended.set()

    run = run_of(FakeDriver(aclose=act), FakeDriver(aclose=ends))
    await run.open()
    with pytest.raises(DriverFault, match=says):
        await run.close()
    assert ended.is_set()


async def test_runs_with_shared_implementations_start_each_once() -> None:
    begun: list[str] = []

    async def begins() -> None:
        begun.append("it")

    driver, shared = FakeDriver(initialize=begins), SharedResources.for_machine(Patience(0.02))
    for _ in range(2):
        run = RunSession(plan_of({"x": driver}, driver))
        await run.open(shared)
        await run.close()
    assert begun == ["it"]
    await shared.implementations.close()


async def test_broken_router_is_replaced_for_later_cases() -> None:
    class Router(fakes.FakeRouter):
        fault = None

    first, driver = Router(), FakeDriver()
    source = RouterSource(driver, first)
    assert await source.open(1) is first
    first.fault = "it exited with status 3"  # pyright: ignore[reportAttributeAccessIssue]
    later = await source.open(1)
    assert later is driver.routers[0]
    assert first.closed
    assert await source.open(1) is later
    await source.release(later)
    assert not driver.routers[0].closed
