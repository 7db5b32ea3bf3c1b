"""The steps of an examination, in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from clasp_e2e.doctor.bench import Bench
from clasp_e2e.doctor.findings import CannotStart, Finding, Findings, Outcome, introduction
from clasp_e2e.doctor.lines import AdapterExamination
from clasp_e2e.doctor.peers import PeerSteps
from clasp_e2e.doctor.routers import RouterSteps
from clasp_e2e.doctor.settings import SettingSteps
from clasp_e2e.doctor.surroundings import Surroundings
from clasp_e2e.drivers.interface import Description, Driver, DriverFault
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.drivers.stdio.advice import advice_for


async def examine(
    driver: Driver,
    tell: Callable[[Finding], None] = lambda _: None,
    *,
    patience: float = 1.0,
    catalogue: str = "",
) -> Findings:
    """Examine `driver`, which is not yet initialized, and close it; return all findings.

    `tell` is called with each as it is made. `patience` stretches all deadlines; a stdio driver has
    its own for the calls. Raises `CannotStart` if the driver does not come as far as its first answer.
    """
    findings = Findings(tell)
    async with Surroundings() as around:
        stub = False
        if isinstance(driver, StdioDriver):
            adapter = AdapterExamination(
                driver.command, findings, around, patience=patience, catalogue=catalogue
            )
            if not await adapter.first():
                return findings
            await adapter.others()
            stub = adapter.stub
        try:
            description = await _initialized(driver, findings)
            if description is not None:
                await _peers_and_routers(Bench(driver, description, findings, around, patience, stub))
        finally:
            await driver.aclose()
    return findings


async def _initialized(driver: Driver, findings: Findings) -> Description | None:
    try:
        description = await driver.initialize()
    except Exception as error:
        if not isinstance(driver, StdioDriver):
            raise CannotStart(f"the driver cannot be initialized: {error}") from error
        # It answered before: whatever is wrong now is one more finding.
        text, stderr = (error.args[0], error.stderr) if isinstance(error, DriverFault) else (str(error), "")
        findings.add("initialize", Outcome.WRONG, text, advice_for(text), stderr)
        return None
    if not isinstance(driver, StdioDriver):
        findings.add("start", Outcome.OK, introduction(description))
    return description


async def _peers_and_routers(bench: Bench) -> None:
    try:
        if "peer" in bench.description.roles:
            await _peers(bench)
        if "router" in bench.description.roles and not bench.stub:
            await bench.step("router", RouterSteps(bench).router)
    finally:
        await bench.end_all()


async def _peers(bench: Bench) -> None:
    peer, settings = PeerSteps(bench), SettingSteps(bench)
    if not await bench.step("session", peer.session):
        return
    await bench.step("routing mode", peer.modes)
    if not await bench.step("connected", peer.connect):
        bench.findings.add("data, settings", Outcome.LEFT_OUT, "they take a connection, and that it is told")
    elif bench.stub:
        await bench.step("data", peer.echo)
        await _declared(bench, peer)
    else:
        # These wait for time, and so beside the others.
        watching = asyncio.ensure_future(settings.time_outs())
        try:
            await bench.step("data to the peer", peer.data_to_peer)
            await bench.step("data from the peer", peer.data_from_peer)
            await _declared(bench, peer)
            await bench.step("relayed data", peer.relayed)
            await bench.step("ice_servers", settings.stun)
            if "announce" in bench.description.capabilities:
                await bench.step("announce", peer.announces)
            if "turn" in bench.description.capabilities:
                await bench.step("turn", settings.turn)
            await bench.step("p2p: null", settings.without_p2p)
        finally:
            await watching
    await bench.step("end", peer.ending)


async def _declared(bench: Bench, peer: PeerSteps) -> None:
    if "is_peer_connected" in bench.description.capabilities:
        await bench.step("is_peer_connected", peer.is_peer_connected)
    if "disconnect_peer" in bench.description.capabilities:
        await bench.step("disconnect_peer", peer.disconnect_peer)
