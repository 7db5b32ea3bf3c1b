"""The cells of a matrix: their roles, their output directories and their runs."""

import asyncio
import re
import shlex
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from clasp_e2e.drivers.interface import Driver, DriverFault
from clasp_e2e.execution.plan import Case, ChosenScenarios, RunPlan
from clasp_e2e.execution.run_session import RunSession, SharedResources
from clasp_e2e.execution.selection import SelectionError, known_labels, load_baselines, select
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.matrix_results import Cell, State
from clasp_e2e.results.pairing import REFERENCE
from clasp_e2e.results.store import ResultsError
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.testbed.waiting import Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixPlan:
    """The plan that all cells of a matrix share."""

    catalogue: Catalogue
    chosen: ChosenScenarios
    drivers: Mapping[str, Driver]
    """By the name on the command line."""
    directory: Path
    seed: int
    patience: Patience
    jobs: int | None = None
    strict: bool = False
    attack_router: bool = False
    coturn: bool = False


class CellRun:
    """The run of one cell, in parallel with other cells and with shared implementations."""

    def __init__(self, cell: Cell, folder: str, plan: MatrixPlan) -> None:
        self.cell = cell
        self.cases: list[Case] = []
        self._folder = folder
        self._plan = plan
        self._run: RunSession

    def prepare(self, on_case: Callable[[], None]) -> None:
        """Plan the cases, and remove the results of an earlier run; `on_case` is called after each case.

        Raises `SelectionError` and `ResultsError`.
        """
        plan, roles = self._plan, assign_roles(self.cell)
        selection = select(
            offerer=roles.get("offerer"),
            answerer=roles.get("answerer"),
            router=roles.get("router"),
            made=plan.drivers,
        )
        labels = known_labels(selection)
        directory = plan.directory / self._folder
        self._run = RunSession(
            RunPlan(
                catalogue=plan.catalogue,
                selection=selection,
                seed=plan.seed,
                patience=plan.patience,
                directory=directory,
                baselines=load_baselines(selection, plan.catalogue, None, labels),
                labels=labels,
                command=self._command(),
                strict=plan.strict,
                coturn=plan.coturn,
                attack_router=plan.attack_router,
                specs=roles,
            )
        )
        self._run.on_recorded = lambda _: on_case()
        self.cases = self._run.cases.add_chosen(plan.chosen, self._command)
        if self.cases:
            self._run.begin_record(subset=plan.chosen.subset, all_files=plan.chosen.all_files)

    async def open(self, shared: SharedResources) -> bool:
        """Start the implementations and the cases; return False, and mark the cell as broken, on a fault."""
        try:
            await self._run.open(shared)
        except DriverFault as fault:
            self.cell = broken(self.cell, str(fault), ExitStatus.INCONCLUSIVE)
            return False
        self._run.start(self.cases)
        return True

    async def judge(self) -> Cell:
        """Return the cell with its results. If this is cancelled, `cell` holds the results so far.

        An exception makes this cell broken, and does not affect others, except a `ResultsError`.
        """
        began = asyncio.get_running_loop().time()
        chosen = self._plan.chosen
        try:
            await self._run.ended(self.cases)
            # In a thread, because it takes up to a second and would delay the cases of other cells.
            resolution = await asyncio.to_thread(
                self._run.finish, subset=chosen.subset, all_files=chosen.all_files
            )
        except asyncio.CancelledError:
            self._keep_part(State.INTERRUPTED, began)
            raise
        except ResultsError:
            raise
        except Exception as error:  # A defect of the harness, which need not affect the other cells.
            self._keep_part(State.BROKEN, began)
            reason = f"the harness failed: {''.join(traceback.format_exception(error)).strip()}"
            self.cell = replace(
                self.cell, state=State.BROKEN, reason=reason, exit_status=ExitStatus.INCONCLUSIVE
            )
        else:
            self._take_results(State.JUDGED, resolution.status, began)
        finally:
            await self._run.close()
        return self.cell

    def _keep_part(self, state: State, began: float) -> None:
        if self._run.journal.results:
            status = self._run.break_off(all_files=self._plan.chosen.all_files)
            self._take_results(state, status, began)

    def _take_results(self, state: State, status: int, began: float) -> None:
        run = self._run.finished
        assert run is not None
        self.cell = self.cell.judged(
            run,
            self._plan.catalogue,
            state=state,
            exit_status=status,
            results=f"{self._folder}/results.json",
            duration_s=asyncio.get_running_loop().time() - began,
        )

    def _command(self, *case: str) -> str:
        """Return the command that runs only this cell, or one case of it."""
        plan = self._plan
        command = ["clasp-e2e", "run", *case]
        for role, name in assign_roles(self.cell).items():
            command += [f"--{role}", name]
        if plan.patience.scale != 1:
            command += ["--deadline-scale", f"{plan.patience.scale:g}"]
        for switch in ("strict", "attack_router", "coturn"):
            command += [f"--{switch.replace('_', '-')}"] if getattr(plan, switch) else []
        return shlex.join([*command, "--seed", str(plan.seed)])


def prepare_cells(
    cells: Iterable[Cell], plan: MatrixPlan, on_case: Callable[[], None]
) -> tuple[list[CellRun], list[Cell]]:
    """Return the runs of the cells that can be judged, and the cells that cannot be prepared.

    Raises `ResultsError` if the results cannot be written.
    """
    runs: list[CellRun] = []
    failed: list[Cell] = []
    folders = cell_folders(cells := list(cells))
    for cell in cells:
        if cell.state is not State.NOT_RUN:
            continue
        run = CellRun(cell, folders[cell.name], plan)
        try:
            run.prepare(on_case)
        except SelectionError as error:
            failed.append(broken(cell, str(error), ExitStatus.USAGE))
            continue
        if run.cases:
            runs.append(run)
        else:
            failed.append(
                broken(cell, "none of the chosen scenarios judges a role of this cell", ExitStatus.USAGE)
            )
    return runs, failed


def broken(cell: Cell, reason: str, status: int) -> Cell:
    """Return `cell` with the state BROKEN."""
    return replace(cell, state=State.BROKEN, reason=reason, exit_status=status)


def assign_roles(cell: Cell) -> dict[str, str]:
    """Return by role the options with which `clasp-e2e run` judges a cell.

    The reference is named, and therefore judged, only if it has both peer roles. As the partner of
    another implementation it is not judged.
    """
    only_reference = cell.offerer == cell.answerer == REFERENCE
    roles = {"offerer": cell.offerer, "answerer": cell.answerer, "router": cell.router}
    return {role: name for role, name in roles.items() if only_reference or name != REFERENCE}


def cell_folders(cells: Iterable[Cell]) -> dict[str, str]:
    """Return a unique folder name for each cell, by the cell's name."""
    folders: dict[str, str] = {}
    for cell in cells:
        text = f"{cell.offerer}-{cell.answerer}-over-{cell.router}"
        wanted = re.sub(r"[^\w.-]+", "_", text).strip("_.")[:100]
        name, number = wanted, 1
        while name in folders.values():
            number += 1
            name = f"{wanted}-{number}"
        folders[cell.name] = name
    return folders
