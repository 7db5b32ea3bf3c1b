"""The runs of a matrix: what each implementation offers, and a run of the scenarios for each cell."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from clasp_e2e.drivers.interface import Description, Driver, DriverFault, NotAvailable, NotOffered, Refused
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver, resolve_router
from clasp_e2e.report.words import first_line
from clasp_e2e.results.matrix import Cell, Obstacle, State
from clasp_e2e.results.store import ResultsError, read_results
from clasp_e2e.testbed.calls import call_driver, initialize_driver
from clasp_e2e.testbed.pairing import REFERENCE
from clasp_e2e.testbed.waiting import Patience

COMMAND = (sys.executable, "-c", "from clasp_e2e.commands import main; main()")
OUTPUT = "output.txt"
FAREWELL = 20.0
"""Seconds in which an interrupted run ends its implementations; then it is killed."""

VERDICTS = (0, 1, 3)
"""The exit statuses of a run that came to its end."""


def resolve(name: str, role: str, deadline_scale: float = 1.0) -> Driver | Obstacle:
    """Return the driver that `name` names as a `peer` or as a `router`, built if need be.

    Raises `UnknownDriver` for what can be nowhere: the user's mistake, not the machine's lack.
    """
    try:
        resolved = resolve_router if role == "router" else resolve_driver
        return resolved(name, deadline_scale=deadline_scale)
    except UnknownDriver as error:
        if isinstance(error.__cause__, NotAvailable):
            return Obstacle(State.NOT_AVAILABLE, f"{name}: {error.__cause__}")
        if isinstance(error.__cause__, ImportError):
            return Obstacle(State.NOT_AVAILABLE, f"{name} is not installed: {error.__cause__}")
        raise
    except NotAvailable as error:
        return Obstacle(State.NOT_AVAILABLE, f"{name}: {error}")


async def probe(
    found: Sequence[tuple[str, str, Driver]], patience: Patience
) -> dict[tuple[str, str], Obstacle]:
    """Start each driver once, and return what stands in the way of which role.

    `found` are name, role and driver.
    """
    obstacles: dict[tuple[str, str], Obstacle] = {}
    for name, role, driver in found:
        try:
            described = await _describe(name, driver, patience)
        except NotAvailable as error:
            obstacles[name, role] = Obstacle(State.NOT_AVAILABLE, _of(name, error))
        except DriverFault as error:
            obstacles[name, role] = Obstacle(State.BROKEN, _of(name, error))
        else:
            if role not in described.roles:
                obstacles[name, role] = Obstacle(State.NOT_AVAILABLE, f"{name} offers no {role}")
    return obstacles


def _of(name: str, error: DriverFault) -> str:
    return str(error) if str(error).startswith(f"{name}: ") else f"{name}: {error}"


async def _describe(name: str, driver: Driver, patience: Patience) -> Description:
    limit = patience.open + patience.call
    try:
        return await initialize_driver(name, driver, limit)
    finally:
        with suppress(DriverFault, Refused, NotOffered):
            await call_driver(name, "aclose", driver.aclose(), limit)


async def judge_cells(
    cells: Iterable[Cell],
    directory: Path,
    arguments: Sequence[str],
    *,
    jobs: int,
    started: Callable[[Cell], None],
    finished: Callable[[Cell], None],
) -> None:
    """Judge those of `cells` that nothing stands in the way of, `jobs` at once.

    `arguments` are options of `clasp-e2e run`. When this is cancelled, the runs are interrupted, and
    have ended when it returns.
    """
    free = asyncio.Semaphore(jobs)
    folders = cell_folders(cells)

    async def judge(cell: Cell) -> None:
        async with free:
            started(cell)
            finished(await _judge(cell, directory, folders[cell.name], arguments))

    async with asyncio.TaskGroup() as group:
        for cell in cells:
            if cell.state is State.NOT_RUN:
                group.create_task(judge(cell))


def cell_folders(cells: Iterable[Cell]) -> dict[str, str]:
    """Return the name of a folder for each cell, by the cell's name; no two are the same."""
    folders: dict[str, str] = {}
    for cell in cells:
        wanted = re.sub(r"[^\w.-]+", "_", f"{cell.offerer}-{cell.answerer}-over-{cell.router}").strip("_.")[
            :100
        ]
        name, number = wanted, 1
        while name in folders.values():
            number += 1
            name = f"{wanted}-{number}"
        folders[cell.name] = name
    return folders


def cast(cell: Cell) -> list[str]:
    """Return the options by which `clasp-e2e run` judges a cell.

    The reference is named, and so judged, only where it stands in both roles: opposite another it is
    the measure, and the scenarios look at the other.
    """
    alone = cell.offerer == cell.answerer == REFERENCE
    options: list[str] = []
    for role in ("offerer", "answerer", "router"):
        name = getattr(cell, role)
        if alone or name != REFERENCE:
            options += [f"--{role}", name]
    return options


async def _judge(cell: Cell, directory: Path, folder: str, arguments: Sequence[str]) -> Cell:
    place = directory / folder
    results = place / "results.json"
    place.mkdir(parents=True, exist_ok=True)
    results.unlink(
        missing_ok=True
    )  # An earlier run's would be taken for this one's, should this one not get so far.
    command = (*COMMAND, "run", *cast(cell), "--results", str(place), *arguments)
    began = time.monotonic()
    status = await _run(command, place / OUTPUT)
    duration = time.monotonic() - began
    broken = Cell(
        offerer=cell.offerer,
        answerer=cell.answerer,
        router=cell.router,
        state=State.BROKEN,
        exit_status=status,
        duration_s=duration,
        reason=f"{_last_words(place / OUTPUT)} (exit status {status}; all it said: {folder}/{OUTPUT})",
    )
    if status not in VERDICTS:
        return broken
    try:
        run = read_results(results)
    except ResultsError:
        return broken
    if not run.scenarios:
        return broken
    return cell.judged(run, exit_status=status, results=f"{folder}/{results.name}", duration_s=duration)


async def _run(command: Sequence[str], output: Path) -> int:
    """Run `command` with all that it says going to `output`; return its exit status."""
    with output.open("wb") as file:
        # A session of its own: Ctrl-C then reaches it once, from here, and it ends in its own way.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(FAREWELL):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _last_words(output: Path) -> str:
    """Return what a run that came to nothing gave as its reason."""
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
    reasons = [line.partition("Exit: ")[2].strip("! ") for line in lines if "Exit: " in line]
    others = [line for line in reversed(lines) if line.strip() and not line.startswith(("=", "Results: "))]
    return first_line("\n".join(reasons + others)) or "it said nothing"
