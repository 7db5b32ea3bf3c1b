"""Count how often a matrix blames the right implementation for the fault of a mutant.

Run as `python benchmarks/whose_fault.py [NUMBER] [--seed N] [--jobs N] [--only NAME...]`. Each of NUMBER
mutants (default: all), chosen at random, is judged in a matrix with the reference and a legal variant, by the
scenarios of its requirement and of what that rests on. Each unmet requirement of a pair of two different
implementations counts: *right* if the mutant alone is blamed, *cannot be told*, or *innocent blamed*. The
exit status is 1 if an innocent one is blamed, or if less than 99 of 100 are right.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from clasp_e2e.drivers.interface import Driver
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.bundled_scenarios import load_scenarios
from clasp_e2e.execution.matrix_cells import MatrixPlan
from clasp_e2e.execution.matrix_run import MatrixListener, MatrixRun
from clasp_e2e.execution.plan import ChosenScenarios
from clasp_e2e.results.blame import blame_of
from clasp_e2e.results.matrix_results import Matrix, State, cells_of
from clasp_e2e.results.pairing import REFERENCE
from clasp_e2e.scripted import MUTANTS, Mutant
from clasp_e2e.scripted.variants import VARIANTS
from clasp_e2e.spec.catalogue import Catalogue, Level, load_catalogue
from clasp_e2e.testbed.scenario import Scenario
from clasp_e2e.testbed.waiting import Patience

PARTNERS = ("EmitsALittleLater", "ConnectsBeforeItReturns", "TricklesSlowly", "OpensTheReliableFirst")
"""The legal variants that are the third implementation, in turn."""
IDLE_S, MANY = 2.0, 700
"""Seconds of an idle session and messages of a long one, as in the tests of mutants."""
CASES_AT_ONCE = 8
"""In one matrix; `--jobs` is the number of matrices."""


def suitable(catalogue: Catalogue) -> list[Mutant]:
    """Return the mutants that fail a requirement, and not only a remark."""
    return [each for each in MUTANTS if catalogue.get(each.requirement).level is not Level.REMARK]


def matrix_of(mutant: Mutant, partner: str, catalogue: Catalogue, seed: int) -> Matrix:
    """Judge a mutant, the reference and a variant, each opposite each, and return the matrix."""
    variant = next(each for each in VARIANTS if each.name == partner)
    drivers: dict[str, Driver] = {REFERENCE: ReferenceDriver(), mutant.name: mutant()}
    is_router = "router" in mutant.roles
    peers = (REFERENCE, partner) if is_router else (REFERENCE, mutant.name, partner)
    routers = (REFERENCE, mutant.name) if is_router else (REFERENCE,)
    drivers[partner] = variant()
    needed = {each.id for each in catalogue.preconditions_of(mutant.requirement)} | {mutant.requirement}
    read = tuple((Path(each.file), each.scenario) for each in load_scenarios())
    chosen = tuple(each for each in read if _shows(mutant, needed, each[1]))
    with tempfile.TemporaryDirectory() as folder:
        plan = MatrixPlan(
            catalogue=catalogue,
            chosen=ChosenScenarios(scenarios=chosen, read=read, subset=True, all_files=True),
            drivers=drivers,
            directory=Path(folder),
            seed=seed,
            patience=Patience(idle=IDLE_S, many=MANY),
            jobs=CASES_AT_ONCE,
        )
        cells = cells_of(peers, routers, {})
        matrix = Matrix(tool={}, command="", started="", seed=seed, peers=peers, routers=routers, cells=cells)
        run = MatrixRun(matrix, plan, MatrixListener())
        run.judge({})
    return run.matrix


def _shows(mutant: Mutant, needed: set[str], scenario: Scenario) -> bool:
    """Return whether `scenario` judges the mutant's requirement, or quickly what it rests on."""
    if scenario.lab:
        return False
    if mutant.requirement in scenario.requirements:
        return mutant.slow or not scenario.slow
    return not (needed.isdisjoint(scenario.requirements) or scenario.slow or scenario.extended)


@dataclass(frozen=True)
class Count:
    """The findings about one mutant by kind, and a line for each that is not right."""

    mutant: str
    kinds: Counter[str]
    lines: list[str]


def count(name: str, partner: str, seed: int) -> Count:
    """Judge the mutant `name` opposite a variant, and count the findings."""
    mutant = next(each for each in MUTANTS if each.name == name)
    matrix = matrix_of(mutant, partner, load_catalogue(), seed)
    names = ({mutant.name}, {f"router {mutant.name}"})
    found = Count(f"{name} ({mutant.requirement})", Counter(), [])
    for blame in blame_of(matrix):
        culprits = set(blame.culprits)
        kind = "right" if culprits in names else "innocent blamed" if culprits else "cannot be told"
        found.kinds[kind] += 1
        if kind != "right":
            found.lines.append(f"{kind}: {blame}")
    found.lines.extend(
        f"not judged: {cell.name}: {cell.reason}" for cell in matrix.cells if cell.state is not State.JUDGED
    )
    return found


def main() -> int:
    """Judge the sample and report."""
    parser = argparse.ArgumentParser(description="Count how often the right implementation is blamed.")
    parser.add_argument("number", type=int, nargs="?", metavar="NUMBER", help="of mutants (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="matrices at the same time (default: 2)")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    options = parser.parse_args()
    sample = suitable(load_catalogue())
    random.Random(options.seed).shuffle(sample)
    sample = [each for each in sample if not options.only or each.name in options.only][: options.number]
    totals: Counter[str] = Counter()
    silent = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        runs = [
            pool.submit(count, mutant.name, PARTNERS[number % len(PARTNERS)], options.seed)
            for number, mutant in enumerate(sample)
        ]
        for run in as_completed(runs):
            found = run.result()
            totals += found.kinds
            silent += not found.kinds
            print(f"{found.mutant}: {dict(found.kinds)}", *found.lines, sep="\n  ", flush=True)
    total = sum(totals.values())
    print(f"{len(sample)} mutants, {silent} of them without a finding; {total} findings: {dict(totals)}")
    return int(bool(totals["innocent blamed"]) or totals["right"] < 0.99 * total)


if __name__ == "__main__":
    sys.exit(main())
