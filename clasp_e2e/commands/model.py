"""`clasp-e2e model`: run generated scripts of calls, and compare their results with a model."""

from __future__ import annotations

import asyncio
import random
import shlex
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clasp_e2e.commands import options
from clasp_e2e.commands.errors import ExistingFile, reported
from clasp_e2e.commands.options import DRIVER
from clasp_e2e.drivers.interface import DriverFault
from clasp_e2e.execution.plan import RunPlan
from clasp_e2e.execution.run_session import RunSession
from clasp_e2e.execution.runner import JudgedCase
from clasp_e2e.execution.selection import SelectionError, select
from clasp_e2e.modelbased import (
    Script,
    ScriptError,
    ScriptOutcome,
    Search,
    SearchCounts,
    Seen,
    case_of,
    read_script,
)
from clasp_e2e.report.failure import render_failure
from clasp_e2e.results.documents import encode
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.store import ResultsError, write_document
from clasp_e2e.spec.catalogue import load_catalogue
from clasp_e2e.testbed.waiting import Patience


@click.command(epilog=DRIVER)
@click.option(
    "--peer", metavar="DRIVER", default="reference", show_default=True, help="Judge this implementation."
)
@click.option("--router", metavar="DRIVER", help="Use this router: a driver, or the ws:// URL of one.")
@click.option(
    "--steps", type=click.IntRange(1), default=1000, show_default=True, help="Maximum number of steps."
)
@click.option("--seed", type=int, help="Seed of the scripts and payloads (default: a new one, printed).")
@click.option(
    "--replay",
    metavar="FILE",
    type=ExistingFile(),
    help="Run only the script in FILE.",
)
@click.option("--strict", is_flag=True, help="Count deviations as contradictions.")
@options.deadline_scale
@options.results_option("reports/latest/model")
def model(
    peer: str,
    router: str | None,
    steps: int,
    seed: int | None,
    replay: Path | None,
    strict: bool,
    deadline_scale: float,
    results: Path,
) -> None:
    """Generate scripts of interleaved calls, run them, and compare their results with a model.

    Up to three sessions of PEER connect, send in each mode and kind, change modes, disconnect, close and
    crash, while links are cut and restored. A contradiction is shrunk to a short script, saved, and printed
    with the command that repeats it.

    Exit status: 0 no contradiction; 1 a contradiction; 2 usage; 3 inconclusive: a contradiction that did
    not repeat, or faults of the harness, the adapter or the machine.
    """
    console = Console(highlight=False, soft_wrap=True)
    seed = random.randrange(2**32) if seed is None else seed
    command = ["clasp-e2e", "model", "--peer", peer]
    command += ["--router", router] if router else []
    command += ["--strict"] if strict else []
    command += ["--deadline-scale", f"{deadline_scale:g}"] if deadline_scale != 1 else []
    with (
        reported(SelectionError, ScriptError, ResultsError),
        reported(DriverFault, status=ExitStatus.INCONCLUSIVE),
    ):
        script, seed = (None, seed) if replay is None else _read(replay, seed)
        with ModelRun(peer, router, seed, Patience(deadline_scale), results, command) as stage:
            console.print(f"judging {peer}; seed {seed}")
            seen = stage.replay(script, strict) if script else stage.search(steps, strict, console)
            stage.write(seen)
        _report(stage, seen, console, strict=strict)
    if seen.contradiction:
        sys.exit(ExitStatus.FAILED)
    sys.exit(ExitStatus.INCONCLUSIVE if seen.undecided else ExitStatus.OK)


def _read(path: Path, seed: int) -> tuple[Script, int]:
    """Return the script in a file, and the seed of its payloads."""
    try:
        saved = read_script(path.read_bytes())
    except (OSError, ScriptError) as error:
        raise ScriptError(f"{path}: the script cannot be read: {error}") from None
    return saved.script, seed if saved.seed is None else saved.seed


@dataclass
class ModelRun:
    """The started implementation, and the event loop that runs all scripts."""

    peer: str
    router: str | None
    seed: int
    patience: Patience
    directory: Path
    command: list[str]

    def __post_init__(self) -> None:
        self.catalogue = load_catalogue()
        selection = select(
            peer=self.peer,
            router=self.router,
            catalogue=self.catalogue.hash,
            deadline_scale=self.patience.scale,
        )
        self.label = selection.subjects.offerer
        self.tally = SearchCounts()
        self._began = time.monotonic()
        self._runner = asyncio.Runner()
        self._run = RunSession(
            RunPlan(
                catalogue=self.catalogue,
                selection=selection,
                seed=self.seed,
                patience=self.patience,
                directory=self.directory,
                specs={"peer": self.peer} | ({"router": self.router} if self.router else {}),
            )
        )

    def __enter__(self) -> ModelRun:
        try:
            self._runner.run(self._run.open())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._runner.run(self._run.close())
        finally:
            self._runner.close()

    @property
    def capabilities(self) -> frozenset[str]:
        """The capabilities that the implementation declares."""
        return self._run.context.participants[self.label].side.description.capabilities

    def perform(self, script: Script, name: str) -> JudgedCase:
        """Run a script; keep it and its evidence under `name`, if given."""
        case = case_of(script, self.label, self.capabilities, self.tally, "")
        if name:
            path = self.directory / f"{name}.json"
            replay = shlex.join([*self.command, "--replay", str(path)])
            case = replace(case, id=f"{name}[{self.label}]", replay=replay)
        return self._runner.run(self._run.judge_alone(case, keep_evidence=bool(name)))

    def search(self, steps: int, strict: bool, console: Console) -> Seen:
        """Search for a contradiction in at most `steps` steps."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("steps", total=steps)

            def perform(script: Script, name: str) -> JudgedCase:
                judged = self.perform(script, name)
                progress.update(bar, completed=min(self.tally.steps, steps))
                return judged

            return Search(perform, self.capabilities, self.tally, seed=self.seed, strict=strict).run(steps)

    def replay(self, script: Script, strict: bool) -> Seen:
        """Run one script."""
        search = Search(self.perform, self.capabilities, self.tally, seed=self.seed, strict=strict)
        return search.replay(script)

    def write(self, seen: Seen) -> None:
        """Write the result, and a file for each script of a finding."""
        found = self.found(seen)
        for finding in found:
            write_document(self.document(finding), self.directory / f"{finding.name}.json")
        document: dict[str, Any] = {
            "peer": self.peer,
            "router": self.router,
            "seed": self.seed,
            "duration_s": round(time.monotonic() - self._began, 3),
            **{name: getattr(self.tally, name) for name in self.tally.__dataclass_fields__},
            "unobserved": seen.unobserved,
            "findings": [self.document(finding) for finding in found],
        }
        write_document(document, self.directory / "model.json")

    def document(self, finding: ScriptOutcome) -> dict[str, Any]:
        """Return a finding as plain data; `--replay` runs its `script`."""
        result = finding.judged.result
        return {
            "name": finding.name,
            "peer": self.peer,
            "seed": self.seed,
            "outcome": result.outcome.value,
            "requirement": finding.judged.requirement,
            "message": result.message,
            "evidence": result.evidence,
            "script": finding.script,
        }

    def found(self, seen: Seen) -> list[ScriptOutcome]:
        """Return all findings, each with a unique name."""
        found = [seen.contradiction] if seen.contradiction else []
        found += [replace(each, name=f"deviation-{name}") for name, each in seen.deviations.items()]
        found += [replace(each, name=f"deviation-once-{n}") for n, each in enumerate(seen.passing, 1)]
        found += [replace(each, name=f"seen-once-{n}") for n, each in enumerate(seen.once, 1)]
        found += [replace(each, name=f"fault-{n}") for n, each in enumerate(seen.faults, 1)]
        return found


def _report(stage: ModelRun, seen: Seen, console: Console, *, strict: bool) -> None:
    for finding in stage.found(seen):
        judged = finding.judged
        console.rule(finding.name, style="red" if finding is seen.contradiction else "yellow")
        requirement = stage.catalogue.get(judged.requirement or "CON-5")
        path = stage.directory / f"{finding.name}.json"
        text = render_failure(
            judged.result,
            requirement,
            expected=judged.expected,
            seen=judged.seen,
            timeline_tail=judged.tail,
            replay=shlex.join([*stage.command, "--replay", str(path)]),
        )
        console.print(text, markup=False)
        console.print(f"Script      {len(finding.script)} steps:", markup=False)
        for step in finding.script:
            console.print("            " + encode(step).decode(), markup=False)
    tally = stage.tally
    console.print(
        f"\n{tally.steps} steps in {tally.scripts} scripts: {tally.sends} sends"
        f" ({tally.open_sends} for which the specification allows either path), {tally.attempts} attempts to"
        f" connect ({tally.failed_attempts} that had to fail)."
    )
    if seen.contradiction is not None:
        level = ", a deviation" if strict and _is_deviation(seen.contradiction) else ""
        console.print(f"A contradiction: {seen.contradiction.judged.requirement}{level}.", style="bold red")
    elif seen.undecided:
        console.print(
            f"Inconclusive: {len(seen.once)} contradictions seen once, {len(seen.faults)} faults,"
            f" {seen.unobserved} scripts unobserved.",
            style="yellow",
        )
    else:
        extra = f" {len(seen.deviations)} deviations." if seen.deviations else ""
        console.print(f"No contradiction.{extra}", style="green")


def _is_deviation(finding: ScriptOutcome) -> bool:
    return finding.judged.result.outcome.value == "deviation"
