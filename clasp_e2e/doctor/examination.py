"""The examination of one driver: its checks, in order."""

import asyncio
from collections.abc import Callable

from clasp_e2e.doctor.check_results import (
    CannotStart,
    CheckOutcome,
    CheckResult,
    CheckResults,
    introduction,
)
from clasp_e2e.doctor.context import ExaminationContext
from clasp_e2e.doctor.peer_checks import PeerChecks
from clasp_e2e.doctor.probe_servers import ProbeServers
from clasp_e2e.doctor.router_checks import check_router
from clasp_e2e.doctor.setting_checks import SettingChecks
from clasp_e2e.doctor.stdio_checks import StdioChecks
from clasp_e2e.drivers.interface import Description, Driver, DriverFault
from clasp_e2e.drivers.stdio import StdioDriver


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
    async with ProbeServers() as servers:
        is_stub = False
        try:
            if isinstance(driver, StdioDriver):
                stdio = StdioChecks(driver.command, results, servers, patience=patience, catalogue=catalogue)
                if not await stdio.in_first_process():
                    return results
                await stdio.in_further_processes()
                is_stub = stdio.is_stub
            description = await _initialize(driver, results)
            if description is not None:
                context = ExaminationContext(driver, description, results, servers, patience, is_stub)
                await _check_roles(context)
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


async def _check_roles(context: ExaminationContext) -> None:
    try:
        if "peer" in context.description.roles:
            await _check_peers(context)
        if "router" in context.description.roles and not context.is_stub:
            await context.run("router", lambda: check_router(context))
    finally:
        await context.end_all_peers()


async def _check_peers(context: ExaminationContext) -> None:
    peer, settings = PeerChecks(context), SettingChecks(context)
    if not await context.run("session", peer.check_session):
        return
    await context.run("routing mode", peer.check_modes)
    if not await context.run("connected", peer.check_connect):
        reason = "they need a connection and its connected event"
        context.results.add("data, settings", CheckOutcome.SKIPPED, reason)
    elif context.is_stub:
        await context.run("data", peer.check_echo)
        await peer.check_capabilities()
    else:
        # The time-outs have to pass, and so run in parallel with the other checks.
        timeouts = asyncio.ensure_future(settings.check_timeouts())
        try:
            await context.run("data to the peer", peer.check_data_to_peer)
            await context.run("data from the peer", peer.check_data_from_peer)
            await peer.check_capabilities()
            await context.run("relayed data", peer.check_relayed)
            await context.run("ice_servers", settings.check_stun)
            if "announce" in context.description.capabilities:
                await context.run("announce", peer.check_announcement)
            if "turn" in context.description.capabilities:
                await context.run("turn", settings.check_turn)
            await context.run("p2p: null", settings.check_without_p2p)
        finally:
            await timeouts
    await context.run("end", peer.check_end)
