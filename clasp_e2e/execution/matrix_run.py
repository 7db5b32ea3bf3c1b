"""A matrix that is under way: all cells in one event loop, written after every cell, shown as it goes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clasp_e2e.drivers.interface import DriverFault
from clasp_e2e.execution.implementations import Implementations
from clasp_e2e.execution.loop_watchdog import last_resort
from clasp_e2e.execution.matrix_cells import CellRun, Options, Places, Plan, prepare_cells
from clasp_e2e.execution.matrix_drivers import Obstacles, resolve_all, start_all
from clasp_e2e.execution.ownership import watch
from clasp_e2e.plugin.collection import Chosen
from clasp_e2e.report.matrix import cell_line, reasons
from clasp_e2e.results.matrix import Cell, Matrix, cells_of
from clasp_e2e.results.store import write_document
from clasp_e2e.spec.catalogue import load_catalogue
from clasp_e2e.testbed.waiting import Patience

PARTS = 20
"""In so many steps a log is told how far it is."""


class MatrixRun:
    """The cells of `plan`, their results in `directory`, and what is said of them on `console`."""

    def __init__(self, plan: Matrix, directory: Path, console: Console) -> None:
        self.matrix = replace(plan, cells=cells_of(plan.peers, plan.routers, {}))
        self.path = directory / "matrix.json"
        self.ended = False
        """Whether it came to its end; otherwise it was interrupted."""
        self._directory = directory
        self._console = console
        self._began = time.monotonic()

    def judge(self, chosen: Chosen, *, jobs: int, patience: Patience, options: Options) -> None:
        """Build what is needed, and judge every cell by the `chosen` scenarios.

        Raises `UnknownDriver`, `ResultsError`, and `KeyboardInterrupt` for SIGINT and SIGTERM, when all
        that was started has ended and what is known is written.
        """
        catalogue = load_catalogue()
        made, obstacles = resolve_all(
            self.matrix.peers,
            self.matrix.routers,
            catalogue=catalogue.hash,
            deadline_scale=patience.scale,
        )
        plan = Plan(
            catalogue=catalogue,
            chosen=chosen,
            drivers=made,
            directory=self._directory,
            seed=self.matrix.seed,
            patience=patience,
            options=options,
        )
        asyncio.run(self._judge(plan, obstacles, jobs))
        self.ended = True

    async def _judge(self, plan: Plan, obstacles: Obstacles, jobs: int) -> None:
        watch(asyncio.get_running_loop())
        implementations = Implementations(plan.patience, attack_router=plan.options.attack_router)
        with self._interrupting(), last_resort():
            try:
                met = await start_all(plan.drivers, self.matrix.peers, self.matrix.routers, implementations)
                cells = cells_of(self.matrix.peers, self.matrix.routers, obstacles | met)
                runs, fallen = prepare_cells(cells, plan, implementations)
                self._take(cells)
                self._take(fallen)
                await self._judge_cells(runs, jobs)
            finally:
                try:
                    await implementations.close()
                except DriverFault as fault:
                    self.matrix = replace(self.matrix, faults=(str(fault),))
                self._write()

    async def _judge_cells(self, runs: list[CellRun], jobs: int) -> None:
        console, places, total = self._console, Places(jobs), sum(len(run.cases) for run in runs)
        console.print(
            f"{len(runs)} of {len(self.matrix.cells)} cells to be judged, in {total} cases;"
            f" seed {self.matrix.seed}"
        )
        for line in reasons(self.matrix.cells):
            console.print(line, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("cases", total=total)

            def judged() -> None:
                progress.update(bar, advance=1)
                done = round(progress.tasks[bar].completed)
                # Where there is no bar, a log shall still show that it goes on.
                if progress.disable and done < total and done % max(1, total // PARTS) == 0:
                    console.print(f"{done} of {total} cases, after {time.monotonic() - self._began:.0f} s")

            async def judge(run: CellRun) -> None:
                cell = await run.judge(places, judged)
                self._take([cell])
                console.print(cell_line(cell), soft_wrap=True)

            try:
                async with asyncio.TaskGroup() as group:
                    # The longest first: what is alone at the end has but one case at a time.
                    for run in sorted(runs, key=lambda run: -len(run.cases)):
                        group.create_task(judge(run), name=run.cell.name)
            except ExceptionGroup as errors:  # One cause: the rest were cancelled for it.
                raise errors.exceptions[0] from None
            finally:
                self._take(run.cell for run in runs)

    @contextmanager
    def _interrupting(self) -> Generator[None]:
        """Have SIGINT and SIGTERM end this task, once: what it then ends is not to be interrupted again."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            if not task.cancelling():
                self._console.print("Ending what was started…", style="yellow")
                task.cancel()

        # A background job ignores SIGINT, by its shell's word.
        heard = [
            number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN
        ]
        for number in heard:
            loop.add_signal_handler(number, interrupt)
        try:
            yield
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            for number in heard:
                loop.remove_signal_handler(number)

    def _take(self, cells: Iterable[Cell]) -> None:
        """Put `cells` in the place of those of the same names, and write all that is known."""
        known = {cell.name: cell for cell in cells}
        self.matrix = replace(
            self.matrix, cells=tuple(known.get(cell.name, cell) for cell in self.matrix.cells)
        )
        self._write()

    def _write(self) -> None:
        self.matrix = replace(self.matrix, duration_s=time.monotonic() - self._began)
        write_document(self.matrix.to_json(), self.path)
