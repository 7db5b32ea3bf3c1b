"""The examination of one driver: its checks, in order."""

import asyncio
import random
from collections.abc import Callable

from clasp_e2e.doctor.check_results import (
    CannotStart,
    CheckOutcome,
    CheckResult,
    CheckResults,
    introduction,
)
from clasp_e2e.doctor.peer_checks import PeerChecks
from clasp_e2e.doctor.router_checks import check_router
from clasp_e2e.doctor.stdio_checks import StdioChecks
from clasp_e2e.drivers.interface import Description, Driver, DriverFault
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.network.session_description import unchanged
from clasp_e2e.results.timeline import Timeline
from clasp_e2e.testbed.attached_client import SubjectInfo
from clasp_e2e.testbed.expectations import JUDGMENT, Judgment
from clasp_e2e.testbed.router_source import RouterSource
from clasp_e2e.testbed.testbed import Participant, Testbed
from clasp_e2e.testbed.waiting import Patience


async def examine(
    driver: Driver,
    on_result: Callable[[CheckResult], None] = lambda _: None,
    *,
    patience: float = 1.0,
    catalogue: str = "",
) -> CheckResults:
    """Examine `driver`, which is not initialized yet, and close it; return all results.

    `on_result` is called with each result as it is known. `patience` scales all deadlines; a stdio driver
    has its own for calls. Raises `CannotStart` if the driver does not answer its first request.
    """
    results = CheckResults(on_result)
    try:
        if isinstance(driver, StdioDriver):
            await StdioChecks(driver.command, results, patience=patience, catalogue=catalogue).run()
            if results.faults:
                text = "they are performed once the faults above are mended"
                results.add("peers, router", CheckOutcome.SKIPPED, text)
                return results
        description = await _initialize(driver, results)
        if description is not None:
            await _check_roles(driver, description, results, Patience(patience))
    finally:
        await driver.aclose()
    return results


async def _initialize(driver: Driver, results: CheckResults) -> Description | None:
    is_stdio = isinstance(driver, StdioDriver)
    try:
        description = await driver.initialize()
    except Exception as error:
        if is_stdio and isinstance(error, DriverFault):
            # The adapter could be initialized before, so it can be started.
            results.add_error("initialize", error)
            return None
        raise CannotStart(f"the driver cannot be initialized: {error}") from error
    if not is_stdio:
        results.add("start", CheckOutcome.OK, introduction(description))
    return description


async def _check_roles(
    driver: Driver, description: Description, results: CheckResults, patience: Patience
) -> None:
    if "peer" in description.roles:
        JUDGMENT.set(Judgment(("doctor",), random.Random(0)))  # Waiting for an event needs one.
        timeline = Timeline(asyncio.get_running_loop().time)
        # Signals are delivered unchanged: the peers may connect over addresses that no link carries.
        testbed = Testbed(RouterSource(ReferenceDriver(), None), timeline, patience)
        testbed.switchboard.instead_of_links = unchanged
        try:
            await testbed.open()
            await PeerChecks(testbed, Participant(driver, SubjectInfo("it", description)), results).run()
        finally:
            errors = await testbed.close()
        for text in errors:
            results.add("end", CheckOutcome.FAULT, text)
    if "router" in description.roles and not description.implementation.stub:
        await results.run("router", lambda: check_router(driver, patience))
