"""The run of a matrix: all cells in one event loop with one scheduler; written after every cell."""

import asyncio
import signal
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace

from clasp_e2e.drivers.interface import DriverFault
from clasp_e2e.execution.leaks import watch
from clasp_e2e.execution.loop_watchdog import LoopWatchdog
from clasp_e2e.execution.matrix_cells import CellRun, MatrixPlan, prepare_cells
from clasp_e2e.execution.matrix_drivers import Obstacles, start_all
from clasp_e2e.execution.run_session import SharedResources
from clasp_e2e.results.blame import blame_of
from clasp_e2e.results.matrix_results import Cell, Matrix, cells_of
from clasp_e2e.results.store import write_document


class MatrixListener:
    """A listener for the progress of a matrix; each method does nothing by default."""

    def begins(self, matrix: Matrix, cells: int, cases: int) -> None:
        """Report the number of cells and cases to judge; `matrix` lists what is not available."""

    def case_ended(self) -> None:
        """Report that a case has ended."""

    def cell_ended(self, cell: Cell) -> None:
        """Report that a cell has ended."""

    def ending(self) -> None:
        """Report that the matrix was interrupted and is shutting down."""


class MatrixRun:
    """The run of `matrix` by `plan`; the results are written to the directory of the plan."""

    def __init__(self, matrix: Matrix, plan: MatrixPlan, listener: MatrixListener) -> None:
        self.matrix = matrix
        self.path = plan.directory / "matrix.json"
        self._plan = plan
        self._listener = listener
        self._began = time.monotonic()

    def judge(self, obstacles: Obstacles) -> None:
        """Judge every cell without an obstacle; `obstacles` are those that are already known.

        Raises `ResultsError`, and `KeyboardInterrupt` for SIGINT and SIGTERM, after everything has ended
        and the results so far are written.
        """
        asyncio.run(self._judge(obstacles))

    async def _judge(self, obstacles: Obstacles) -> None:
        plan, matrix = self._plan, self.matrix
        watch(asyncio.get_running_loop())
        shared = SharedResources.for_machine(plan.patience, jobs=plan.jobs, attack_router=plan.attack_router)
        watchdog = LoopWatchdog()
        with self._interrupting():
            try:
                self._write()
                found = await start_all(plan.drivers, matrix.peers, matrix.routers, shared.implementations)
                cells = cells_of(matrix.peers, matrix.routers, obstacles | found, matrix.opposite)
                runs, failed = prepare_cells(cells, plan, self._listener.case_ended)
                self._take(cells)
                self._take(failed)
                self._listener.begins(self.matrix, len(runs), sum(len(run.cases) for run in runs))
                await self._judge_cells(runs, shared)
            finally:
                watchdog.close()
                try:
                    await shared.implementations.close()
                except DriverFault as fault:
                    self.matrix = replace(self.matrix, faults=(str(fault),))
                blame = tuple(str(each) for each in blame_of(self.matrix))
                self.matrix = replace(self.matrix, blame=blame)
                self._write()

    async def _judge_cells(self, runs: Sequence[CellRun], shared: SharedResources) -> None:
        async def judge(run: CellRun) -> None:
            self._end(await run.judge())

        opened = [run for run in runs if await run.open(shared)]
        for run in runs:
            if run not in opened:
                self._end(run.cell)
        try:
            async with asyncio.TaskGroup() as group:
                for run in opened:
                    group.create_task(judge(run), name=run.cell.name)
        except ExceptionGroup as errors:  # The first is the cause: the other tasks were cancelled.
            raise errors.exceptions[0] from None
        finally:
            self._take(run.cell for run in runs)

    def _end(self, cell: Cell) -> None:
        self._take([cell])
        self._listener.cell_ended(cell)

    @contextmanager
    def _interrupting(self) -> Generator[None]:
        """Cancel this task on the first SIGINT or SIGTERM; ignore later ones, so that cleanup completes."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            if not task.cancelling():
                self._listener.ending()
                task.cancel()

        # The shell makes a background job ignore SIGINT.
        handled = [
            number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN
        ]
        for number in handled:
            loop.add_signal_handler(number, interrupt)
        try:
            yield
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            for number in handled:
                loop.remove_signal_handler(number)

    def _take(self, cells: Iterable[Cell]) -> None:
        """Replace the cells of the same names by `cells`, and write the matrix."""
        new = {cell.name: cell for cell in cells}
        self.matrix = replace(
            self.matrix, cells=tuple(new.get(cell.name, cell) for cell in self.matrix.cells)
        )
        self._write()

    def _write(self) -> None:
        self.matrix = replace(self.matrix, duration_s=time.monotonic() - self._began)
        write_document(self.matrix, self.path)
