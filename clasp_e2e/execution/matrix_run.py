"""A matrix: all its cells in one event loop, with one scheduler; written after every cell."""

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
from clasp_e2e.results.matrix_results import Cell, Matrix, cells_of
from clasp_e2e.results.store import write_document


class MatrixListener:
    """What is said of a matrix while it runs; each method does nothing here."""

    def begins(self, matrix: Matrix, cells: int, cases: int) -> None:
        """Say how many cells and cases are to be judged; `matrix` knows what is not available."""

    def case_ended(self) -> None:
        """Say that one more case has ended."""

    def cell_ended(self, cell: Cell) -> None:
        """Say what became of a cell."""

    def ending(self) -> None:
        """Say that the matrix was interrupted, and ends what was started."""


class MatrixRun:
    """The cells of `matrix`, judged by `plan`; their results go to the directory of the plan."""

    def __init__(self, matrix: Matrix, plan: MatrixPlan, listener: MatrixListener) -> None:
        self.matrix = matrix
        self.path = plan.directory / "matrix.json"
        self._plan = plan
        self._listener = listener
        self._began = time.monotonic()

    def judge(self, obstacles: Obstacles) -> None:
        """Judge every cell that nothing stands in the way of; `obstacles` are known already.

        Raises `ResultsError`, and `KeyboardInterrupt` for SIGINT and SIGTERM, when all that was started
        has ended and what is known is written.
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
                cells = cells_of(matrix.peers, matrix.routers, obstacles | found)
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
        except ExceptionGroup as errors:  # One cause: the rest were cancelled for it.
            raise errors.exceptions[0] from None
        finally:
            self._take(run.cell for run in runs)

    def _end(self, cell: Cell) -> None:
        self._take([cell])
        self._listener.cell_ended(cell)

    @contextmanager
    def _interrupting(self) -> Generator[None]:
        """Have SIGINT and SIGTERM end this task, once: what it then ends is not to be interrupted again."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            if not task.cancelling():
                self._listener.ending()
                task.cancel()

        # A background job ignores SIGINT, as its shell asked.
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
        write_document(self.matrix, self.path)
