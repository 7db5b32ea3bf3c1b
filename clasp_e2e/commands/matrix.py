"""`clasp-e2e matrix`: every pair of implementations, in both roles, over every router."""

from __future__ import annotations

import asyncio
import math
import random
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clasp_e2e import __version__
from clasp_e2e.commands.matrix_runs import judge_cells, probe, resolve
from clasp_e2e.commands.run import DRIVER, USAGE
from clasp_e2e.drivers.interface import Driver
from clasp_e2e.drivers.registry import UnknownDriver
from clasp_e2e.report.matrix import cell_line, print_matrix, reasons
from clasp_e2e.results.matrix import Cell, Matrix, Obstacle, State, cells_of
from clasp_e2e.results.store import ResultsError, write_document
from clasp_e2e.results.verdict import UNDECIDED
from clasp_e2e.testbed.waiting import Patience


@click.command(epilog=DRIVER)
@click.option(
    "--peers", metavar="DRIVER,...", multiple=True, required=True, help="Each meets each, and itself."
)
@click.option(
    "--routers",
    metavar="DRIVER,...",
    multiple=True,
    default=["reference"],
    show_default=True,
    help="All pairs meet over each of these.",
)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="So many cells at once.")
@click.option("--require-all", is_flag=True, help="Fail (3) if an implementation is not available.")
@click.option("--seed", type=int, help="Seed of all payloads in all cells (default: a new one).")
@click.option("--strict", is_flag=True, help="Count deviations as failures.")
@click.option(
    "--deadline-scale", type=float, default=1.0, metavar="X", help="Stretch the harness's patience."
)
@click.option(
    "--results",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports/latest/matrix"),
    show_default=True,
    help="Where matrix.json goes, and a folder for each cell.",
)
@click.option("-k", "keyword", metavar="EXPRESSION", help="Only scenarios whose names match (as in pytest).")
@click.option("-m", "markers", metavar="EXPRESSION", help='Only scenarios so marked, e.g. "not slow".')
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def matrix(
    peers: Sequence[str],
    routers: Sequence[str],
    jobs: int,
    require_all: bool,
    seed: int | None,
    strict: bool,
    deadline_scale: float,
    results: Path,
    keyword: str | None,
    markers: str | None,
    pytest_args: tuple[str, ...],
) -> None:
    """Judge every pair of PEERS in both roles over every one of ROUTERS, and write one result for all.

    Each cell is a run of its own (see `clasp-e2e run`, which PYTEST_ARGS are for). A cell whose
    implementation cannot be had here is not available, with the reason, and fails nothing.

    Exit status: the worst of the cells: 1 not conformant; 3 partial, inconclusive, or none available;
    2 usage; 0 otherwise.
    """
    if not (deadline_scale > 0 and math.isfinite(deadline_scale)):
        raise click.BadParameter("give a number above 0", param_hint="--deadline-scale")
    seed = random.randrange(2**32) if seed is None else seed
    arguments = ["--seed", str(seed), "--deadline-scale", f"{deadline_scale:g}"]
    arguments += ["--strict"] if strict else []
    for option, value in (("-k", keyword), ("-m", markers)):
        arguments += [option, value] if value is not None else []
    plan = Matrix(
        tool={"name": "clasp-e2e", "version": __version__},
        command=shlex.join(["clasp-e2e", *sys.argv[1:]]),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=seed,
        peers=tuple(_names(peers, "--peers")),
        routers=tuple(_names(routers, "--routers")),
        cells=(),
    )
    console = Console(highlight=False)
    run = _Run(plan, results, console)
    try:
        run.prepare(Patience(deadline_scale))
        with suppress(asyncio.CancelledError, KeyboardInterrupt):
            asyncio.run(run.judge([*arguments, "--", *pytest_args], jobs))
    except UnknownDriver as error:
        raise click.UsageError(str(error)) from None
    except ResultsError as error:
        failure = click.ClickException(str(error))
        failure.exit_code = USAGE
        raise failure from None
    print_matrix(run.matrix, console)
    console.print(f"\nResults: {run.path}", soft_wrap=True)
    status = run.matrix.exit_status(require_all=require_all)
    if any(cell.state is State.NOT_RUN for cell in run.matrix.cells):
        console.print("The matrix was interrupted; what is known so far is kept.", style="yellow")
        status = status or UNDECIDED
    sys.exit(status)


def _names(values: Sequence[str], option: str) -> list[str]:
    """Return the drivers that an option names; a command line may hold commas, and so ends the list."""
    names: list[str] = []
    for value in values:
        before, found, line = value.partition("cmd:")
        if found and before and not before.endswith(","):
            before, found, line = value, "", ""
        names += [name.strip() for name in before.split(",") if name.strip()]
        names += [f"{found}{line}"] if found else []
    if not names:
        raise click.BadParameter("name at least one driver", param_hint=option)
    return list(dict.fromkeys(names))


class _Run:
    """A matrix that is under way: written after every cell, shown as it goes."""

    def __init__(self, plan: Matrix, directory: Path, console: Console) -> None:
        self.matrix = plan
        self.path = directory / "matrix.json"
        self._directory = directory
        self._console = console
        self._began = time.monotonic()

    def prepare(self, patience: Patience) -> None:
        """Build and start each implementation once, and lay out the cells. Raises `UnknownDriver`."""
        names = [(name, "peer") for name in self.matrix.peers]
        names += [(name, "router") for name in self.matrix.routers]
        obstacles: dict[tuple[str, str], Obstacle] = {}
        found: list[tuple[str, str, Driver]] = []
        for name, role in names:
            driver = resolve(name, role, patience.scale)
            if isinstance(driver, Obstacle):
                obstacles[name, role] = driver
            else:
                found.append((name, role, driver))
        obstacles |= asyncio.run(probe(found, patience))
        cells = cells_of(self.matrix.peers, self.matrix.routers, obstacles)
        self.matrix = replace(self.matrix, cells=cells)
        self._write()

    async def judge(self, arguments: Sequence[str], jobs: int) -> None:
        """Judge the cells; a signal ends it, and them, in order."""
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        cells = self.matrix.cells
        ahead = sum(cell.state is State.NOT_RUN for cell in cells)
        self._console.print(f"{ahead} of {len(cells)} cells to be judged; seed {self.matrix.seed}")
        for line in reasons(cells):
            self._console.print(line, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        plain = not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=plain) as progress:
            bar = progress.add_task("", total=ahead)
            running: dict[str, None] = {}

            def started(cell: Cell) -> None:
                running[cell.name] = None
                progress.update(bar, description="; ".join(running))

            def finished(cell: Cell) -> None:
                running.pop(cell.name, None)
                progress.update(bar, advance=1, description="; ".join(running))
                self._take(cell)

            try:
                await judge_cells(
                    cells, self._directory, arguments, jobs=jobs, started=started, finished=finished
                )
            except ExceptionGroup as group:  # One cause: the rest were cancelled for it.
                raise group.exceptions[0] from None

    def _take(self, cell: Cell) -> None:
        cells = [cell if each.name == cell.name else each for each in self.matrix.cells]
        self.matrix = replace(self.matrix, cells=tuple(cells))
        self._console.print(cell_line(cell), soft_wrap=True)
        self._write()

    def _write(self) -> None:
        self.matrix = replace(self.matrix, duration_s=time.monotonic() - self._began)
        write_document(self.matrix.to_json(), self.path)
