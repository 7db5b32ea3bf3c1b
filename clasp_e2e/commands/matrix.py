"""`clasp-e2e matrix`: judge every pair of implementations, in both roles, over every router."""

from __future__ import annotations

import math
import random
import shlex
import signal
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clasp_e2e import __version__
from clasp_e2e.commands import options
from clasp_e2e.commands.errors import CommandError, reported
from clasp_e2e.drivers.registry import UnknownDriver, split_driver_names
from clasp_e2e.execution.matrix_cells import MatrixPlan
from clasp_e2e.execution.matrix_drivers import resolve_all
from clasp_e2e.execution.matrix_run import MatrixListener, MatrixRun
from clasp_e2e.plugin.collection import CollectionError, choose_scenarios
from clasp_e2e.report.matrix_page import cell_line, print_matrix, reasons
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.matrix_results import Cell, Matrix, cells_of
from clasp_e2e.results.store import ResultsError
from clasp_e2e.spec.catalogue import load_catalogue
from clasp_e2e.testbed.waiting import Patience

LOG_LINES = 20
"""Maximum number of progress lines in a log; a terminal shows a bar."""


@click.command(epilog=options.DRIVER)
@click.option(
    "--peers",
    metavar="DRIVER,...",
    multiple=True,
    required=True,
    help="Implementations, each paired with each other and itself.",
)
@click.option(
    "--routers",
    metavar="DRIVER,...",
    multiple=True,
    default=["reference"],
    show_default=True,
    help="Routers, each used for all pairs.",
)
@click.option(
    "--opposite",
    metavar="DRIVER,...",
    multiple=True,
    help="Pair each peer only with itself and, in both roles, with these peers.",
)
@options.option("jobs")
@click.option("--require-all", is_flag=True, help="Fail (3) if an implementation is not available.")
@options.option("seed")
@click.option("--strict", is_flag=True, help="Count deviations as failures.")
@options.option("attack-router")
@options.option("coturn")
@options.deadline_scale
@options.results_option("reports/latest/matrix")
@options.chosen_scenarios("scenarios")
def matrix(
    peers: Sequence[str],
    routers: Sequence[str],
    opposite: Sequence[str],
    jobs: int | None,
    require_all: bool,
    seed: int | None,
    strict: bool,
    attack_router: bool,
    coturn: bool,
    deadline_scale: float,
    results: Path,
    keyword: str | None,
    markers: str | None,
    scenarios: tuple[str, ...],
) -> None:
    """Judge every pair of PEERS in both roles over each of ROUTERS, and write one result for all.

    SCENARIOS are files (test_connecting.py) or names in them (test_connecting.py::test_NAME). Each
    cell has the results of a `clasp-e2e run`; all cells share one scheduler and the implementations,
    each started once. A cell whose implementation is missing on this machine is reported as not
    available, and does not fail the command. DIR receives matrix.json, and a folder for each cell.

    Commas separate drivers. A cmd: command line ends at a comma that precedes a driver; if a word after
    a comma could be mistaken for a driver, quote the comma or repeat the option.

    Exit status: the worst of the cells: 1 not conformant; 3 partial, inconclusive, interrupted, or none
    available; 2 usage; 0 otherwise.
    """
    if given := [text for text in scenarios if text.startswith("-")]:
        raise CommandError(
            f"{given[0]} is an option of pytest, which a matrix does not accept; name scenarios only, or use"
            " `clasp-e2e run`"
        )
    peer_names, router_names = _names(peers, "--peers"), _names(routers, "--routers")
    opposite_names = _names(opposite, "--opposite") if opposite else ()
    if unknown := [name for name in opposite_names if name not in peer_names]:
        raise CommandError(f"--opposite names {', '.join(unknown)}: name peers that --peers names too")
    matrix = Matrix(
        tool={"name": "clasp-e2e", "version": __version__},
        command=shlex.join(["clasp-e2e", *sys.argv[1:]]),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=random.randrange(2**32) if seed is None else seed,
        peers=peer_names,
        routers=router_names,
        opposite=opposite_names,
        cells=cells_of(peer_names, router_names, {}, opposite_names),
    )
    console = Console(highlight=False)
    run: MatrixRun | None = None
    ended = False
    with (
        _interruptible(),
        reported(UnknownDriver, CollectionError, ResultsError),
        suppress(KeyboardInterrupt),
        _Progress(console) as progress,
    ):
        chosen = choose_scenarios(keyword, markers, scenarios)
        catalogue = load_catalogue()
        drivers, obstacles = resolve_all(
            peer_names, router_names, catalogue=catalogue.hash, deadline_scale=deadline_scale
        )
        plan = MatrixPlan(
            catalogue=catalogue,
            chosen=chosen,
            drivers=drivers,
            directory=results,
            seed=matrix.seed,
            patience=Patience(deadline_scale),
            jobs=jobs,
            strict=strict,
            attack_router=attack_router,
            coturn=coturn,
        )
        run = MatrixRun(matrix, plan, progress)
        run.judge(obstacles)
        ended = True
    if run is None:
        raise CommandError("interrupted before the first case: nothing was judged", ExitStatus.INCONCLUSIVE)
    print_matrix(run.matrix, console)
    console.print(f"\nResults: {run.path}", soft_wrap=True)
    status = run.matrix.exit_status(require_all=require_all)
    if not ended:
        console.print("The matrix was interrupted; the results so far are kept.", style="yellow")
        status = status or ExitStatus.INCONCLUSIVE
    sys.exit(status)


class _Progress(MatrixListener):
    """The progress of a matrix, in a terminal or a log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._bar = self._progress.add_task("cases", total=None, visible=False)
        self._total = self._done = 0
        self._began = time.monotonic()

    def __enter__(self) -> _Progress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begins(self, matrix: Matrix, cells: int, cases: int) -> None:
        self._total = cases
        self._progress.update(self._bar, total=cases, visible=True)
        self._console.print(
            f"judging {cells} of {len(matrix.cells)} cells, with {cases} cases; seed {matrix.seed}"
        )
        for line in reasons(matrix.cells):
            self._console.print(line, soft_wrap=True)

    def case_ended(self) -> None:
        self._done += 1
        self._progress.update(self._bar, advance=1)
        step = math.ceil(self._total / LOG_LINES)
        if self._progress.disable and self._done < self._total and self._done % step == 0:
            seconds = time.monotonic() - self._began
            self._console.print(f"{self._done} of {self._total} cases, after {seconds:.0f} s")

    def cell_ended(self, cell: Cell) -> None:
        self._console.print(cell_line(cell), soft_wrap=True)

    def ending(self) -> None:
        self._console.print("Stopping all processes…", style="yellow")


@contextmanager
def _interruptible() -> Generator[None]:
    """Treat SIGTERM as Ctrl-C, because a background job ignores SIGINT."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _names(values: Sequence[str], option: str) -> tuple[str, ...]:
    """Return the drivers that an option names. Raises `CommandError` if there are none."""
    if not (names := split_driver_names(values)):
        raise CommandError(f"{option} names no driver; name at least one")
    return tuple(names)
