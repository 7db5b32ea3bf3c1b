"""The cells of a matrix: who is judged in each, where its results go, and its run."""

from __future__ import annotations

import asyncio
import re
import shlex
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from clasp_e2e import __version__
from clasp_e2e.drivers.interface import Driver, DriverFault
from clasp_e2e.execution.implementations import Implementations
from clasp_e2e.execution.run import Gate, case_id
from clasp_e2e.execution.run_context import Bench, Case
from clasp_e2e.execution.runner import Observed
from clasp_e2e.execution.scheduler import Room, judge_all
from clasp_e2e.execution.selection import SelectionError, known_labels, load_baselines, select
from clasp_e2e.execution.sharing import Sharing
from clasp_e2e.plugin.collection import Chosen
from clasp_e2e.results.matrix import USAGE, Cell, State
from clasp_e2e.results.pairing import REFERENCE
from clasp_e2e.results.recorder import Recorder
from clasp_e2e.results.store import ResultsError, clear_results
from clasp_e2e.results.verdict import UNDECIDED
from clasp_e2e.spec.catalogue import Catalogue
from clasp_e2e.testbed.waiting import Patience

WAITS, SLOW = 4, 12
"""So many that wait some seconds, and so many that wait 30 s, run beside each job: each holds two peers."""


class Places:
    """The room that all cells share, for `jobs` cells at once."""

    def __init__(self, jobs: int) -> None:
        self.turn = asyncio.Semaphore(jobs)
        self._waits = asyncio.Semaphore(jobs * WAITS)
        self._slow = asyncio.Semaphore(jobs * SLOW)

    def beside(self, case: Case) -> Room | None:
        """Return the room for a case that waits; None for one that runs in its turn."""
        scenario = case.scenario
        return self._slow if scenario.slow else self._waits if scenario.waits else None


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `clasp-e2e run` that hold for every cell, by their names there."""

    strict: bool = False
    attack_router: bool = False
    coturn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What all cells of a matrix are judged by."""

    catalogue: Catalogue
    chosen: Chosen
    drivers: Mapping[str, Driver]
    """By what names them."""
    directory: Path
    seed: int
    patience: Patience
    options: Options
    sharing: Sharing[Observed] = field(default_factory=Sharing[Observed])
    """Cells have cases in common: those of one implementation alone, or opposite the reference."""


class CellRun:
    """One cell, judged beside others with the implementations that all share."""

    def __init__(self, cell: Cell, folder: str, plan: Plan, implementations: Implementations) -> None:
        self.cell = cell
        self.cases: list[Case] = []
        self._folder = folder
        self._plan = plan
        self._implementations = implementations
        self._gate: Gate | None = None

    def prepare(self) -> None:
        """Lay out the cases, and remove what an earlier run left. Raises `SelectionError`, `ResultsError`."""
        plan, chosen = self._plan, self._plan.chosen
        roles = cast(self.cell)
        selection = select(
            offerer=roles.get("offerer"),
            answerer=roles.get("answerer"),
            router=roles.get("router"),
            made=plan.drivers,
        )
        labels = known_labels(selection)
        baselines = load_baselines(selection, plan.catalogue, None, labels)
        directory = plan.directory / self._folder
        recorder = Recorder(
            plan.catalogue,
            directory,
            command=self._replay(),
            seed=plan.seed,
            judged=selection.subjects.judged,
        )
        gate = Gate(
            plan.catalogue,
            selection,
            plan.seed,
            recorder,
            baselines=baselines,
            labels=labels,
            switches=self._switches(),
        )
        pairings = {(path, scenario): gate.cast(path, scenario) for path, scenario in chosen.read}
        self.cases = [
            Case(
                case_id(path, scenario, pairing),
                scenario,
                pairing,
                self._replay(f"{path.name}::{scenario.name}[{pairing.id}]"),
            )
            for path, scenario in chosen.scenarios
            for pairing in pairings[path, scenario]
        ]
        gate.take((case.id for case in self.cases), is_shard=False)
        clear_results(directory)
        gate.bench = Bench(
            plan.catalogue,
            selection.subjects,
            selection.drivers,
            selection.router,
            seed=plan.seed,
            patience=plan.patience,
            coturn=plan.options.coturn,
            evidence=directory / "evidence",
            implementations=self._implementations,
            sharing=plan.sharing,
        )
        for case in self.cases:
            plan.sharing.announce(gate.bench.identity(case))
        self._gate = gate

    async def judge(self, places: Places, judged: Callable[[], None]) -> Cell:
        """Return the cell with what became of it; `judged` is called after each case.

        Whatever goes wrong here is this cell's, and no other's; but a `ResultsError` is everybody's.
        When this is cancelled, `cell` holds what was known.
        """
        began = asyncio.get_running_loop().time()
        assert self._gate is not None
        try:
            status = await self._judge(self._gate, places, judged)
        except asyncio.CancelledError:
            self._keep_part(self._gate, State.INTERRUPTED, began)
            raise
        except ResultsError:
            raise
        except DriverFault as fault:
            self.cell = broken(self.cell, str(fault), UNDECIDED)
        except Exception as error:  # Of the harness: the other cells may do without what failed here.
            self._keep_part(self._gate, State.BROKEN, began)
            reason = f"the harness failed: {''.join(traceback.format_exception(error)).strip()}"
            self.cell = replace(self.cell, state=State.BROKEN, reason=reason, exit_status=UNDECIDED)
        else:
            self.cell = self._with_results(self._gate, State.JUDGED, status, began)
        return self.cell

    async def _judge(self, gate: Gate, places: Places, judged: Callable[[], None]) -> int:
        bench, chosen = gate.bench, self._plan.chosen
        assert bench is not None
        await bench.open()
        gate.recorder.subjects = bench.subject_records(gate.selection.specs)
        gate.recorder.capabilities = bench.capabilities()
        bench.conditions = self._conditions(gate)
        async with aclosing(judge_all(bench, self.cases, places.beside, places.turn)) as results:
            async for _, each in results:
                gate.recorder.keep(gate.excuse(each).result)
                judged()
        return gate.finish(subset=chosen.subset, strict=self._plan.options.strict, all_files=chosen.all_files)

    def _keep_part(self, gate: Gate, state: State, began: float) -> None:
        if gate.recorder.results:
            status = gate.break_off(all_files=self._plan.chosen.all_files)
            self.cell = self._with_results(gate, state, status, began)

    def _with_results(self, gate: Gate, state: State, status: int, began: float) -> Cell:
        assert gate.recorder.run is not None
        return self.cell.judged(
            gate.recorder.run,
            state=state,
            exit_status=status,
            results=f"{self._folder}/{gate.recorder.path.name}",
            duration_s=asyncio.get_running_loop().time() - began,
        )

    def _conditions(self, gate: Gate) -> dict[str, object]:
        """Return what repeats a case of this cell, beside its seed (see `write_evidence`)."""
        plan, roles = self._plan, cast(self.cell)
        return {
            "drivers": {role: name for role, name in roles.items() if role != "router"},
            "router": roles.get("router"),
            "switches": list(self._switches()),
            "deadline_scale": plan.patience.scale,
            "tool": {"name": "clasp-e2e", "version": __version__},
            "subjects": gate.recorder.subjects_json(),
        }

    def _switches(self) -> tuple[str, ...]:
        return tuple(name for name in ("coturn", "attack_router") if getattr(self._plan.options, name))

    def _replay(self, *case: str) -> str:
        """Return the command that judges this cell alone, or one case of it."""
        plan = self._plan
        command = ["clasp-e2e", "run", *case]
        for role, name in cast(self.cell).items():
            command += [f"--{role}", name]
        if plan.patience.scale != 1:
            command += ["--deadline-scale", f"{plan.patience.scale:g}"]
        command += [f"--{name.replace('_', '-')}" for name, given in asdict(plan.options).items() if given]
        return shlex.join([*command, "--seed", str(plan.seed)])


def prepare_cells(
    cells: Iterable[Cell], plan: Plan, implementations: Implementations
) -> tuple[list[CellRun], list[Cell]]:
    """Return the runs of those cells that nothing stands in the way of, and the cells that broke just now.

    Raises `ResultsError` if there is no place for results.
    """
    runs: list[CellRun] = []
    fallen: list[Cell] = []
    folders = cell_folders(cells := list(cells))
    for cell in cells:
        if cell.state is not State.NOT_RUN:
            continue
        run = CellRun(cell, folders[cell.name], plan, implementations)
        try:
            run.prepare()
        except SelectionError as error:
            fallen.append(broken(cell, str(error), USAGE))
            continue
        if run.cases:
            runs.append(run)
        else:
            fallen.append(broken(cell, "none of the chosen scenarios judges who is judged here", USAGE))
    return runs, fallen


def broken(cell: Cell, reason: str, status: int) -> Cell:
    """Return `cell` as one that came to no results."""
    return replace(cell, state=State.BROKEN, reason=reason, exit_status=status)


def cast(cell: Cell) -> dict[str, str]:
    """Return by role the options by which `clasp-e2e run` judges a cell.

    The reference is named, and so judged, only where it stands in both roles: opposite another it is
    the measure, and the scenarios look at the other.
    """
    alone = cell.offerer == cell.answerer == REFERENCE
    roles = {"offerer": cell.offerer, "answerer": cell.answerer, "router": cell.router}
    return {role: name for role, name in roles.items() if alone or name != REFERENCE}


def cell_folders(cells: Iterable[Cell]) -> dict[str, str]:
    """Return the name of a folder for each cell, by the cell's name; no two are the same."""
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
