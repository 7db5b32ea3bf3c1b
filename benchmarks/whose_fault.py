"""Count how often a matrix blames the right implementation for the fault of a mutant.

Run as `python benchmarks/whose_fault.py [NUMBER] [--seed N] [--only NAME...]`. Each of NUMBER mutants, chosen
at random, is judged in a matrix with the reference and a legal variant, by the scenarios of its requirement.
Each unmet requirement of a pair of two different implementations counts: *right* if the mutant alone is
blamed, *cannot be told*, or *innocent blamed*. The exit status is 1 if an innocent one is blamed, or if less
than 99 of 100 are right.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from clasp_e2e.drivers.interface import Driver
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.execution.bundled_scenarios import load_scenarios
from clasp_e2e.execution.matrix_cells import MatrixPlan
from clasp_e2e.execution.matrix_run import MatrixListener, MatrixRun
from clasp_e2e.execution.plan import ChosenScenarios
from clasp_e2e.results.blame import Blame, blame_of
from clasp_e2e.results.matrix_results import Matrix, State, cells_of
from clasp_e2e.results.pairing import REFERENCE
from clasp_e2e.scripted import MUTANTS, Mutant
from clasp_e2e.scripted.variants import VARIANTS
from clasp_e2e.spec.catalogue import Catalogue, Level, load_catalogue
from clasp_e2e.testbed.waiting import Patience

PARTNERS = ("EmitsALittleLater", "ConnectsBeforeItReturns", "TricklesSlowly", "OpensTheReliableFirst")
"""The legal variants that are the third implementation, in turn."""


def suitable(catalogue: Catalogue) -> list[Mutant]:
    """Return the mutants with a fault that shows in pairs of peers, and quickly."""
    return [
        mutant
        for mutant in MUTANTS
        if not mutant.slow
        and catalogue.get(mutant.requirement).level is not Level.REMARK
        and "router" not in mutant.roles
    ]


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
    chosen = tuple(each for each in read if not needed.isdisjoint(each[1].requirements) and not each[1].slow)
    with tempfile.TemporaryDirectory() as folder:
        plan = MatrixPlan(
            catalogue=catalogue,
            chosen=ChosenScenarios(scenarios=chosen, read=read, subset=True, all_files=True),
            drivers=drivers,
            directory=Path(folder),
            seed=seed,
            patience=Patience(),
        )
        cells = cells_of(peers, routers, {})
        matrix = Matrix(tool={}, command="", started="", seed=seed, peers=peers, routers=routers, cells=cells)
        run = MatrixRun(matrix, plan, MatrixListener())
        run.judge({})
    return run.matrix


def sort(blames: tuple[Blame, ...], mutant: Mutant) -> Counter[str]:
    """Count the findings by whether they are right, and print those that are not."""
    names = ({mutant.name}, {f"router {mutant.name}"})
    counts: Counter[str] = Counter()
    for blame in blames:
        culprits = set(blame.culprits)
        kind = "right" if culprits in names else "innocent blamed" if culprits else "cannot be told"
        counts[kind] += 1
        if kind != "right":
            print(f"  {kind}: {blame}", flush=True)
    return counts


def main() -> int:
    """Judge the sample and report."""
    parser = argparse.ArgumentParser(description="Count how often the right implementation is blamed.")
    parser.add_argument("number", type=int, nargs="?", default=40, metavar="NUMBER")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    options = parser.parse_args()
    catalogue = load_catalogue()
    all_mutants = suitable(catalogue)
    sample = random.Random(options.seed).sample(all_mutants, min(options.number, len(all_mutants)))
    if options.only:
        sample = [mutant for mutant in MUTANTS if mutant.name in options.only]
    totals: Counter[str] = Counter()
    for number, mutant in enumerate(sample):
        matrix = matrix_of(mutant, PARTNERS[number % len(PARTNERS)], catalogue, options.seed)
        if options.only:
            for cell in matrix.cells:
                print(f"  {cell.name}: {cell.failed} {cell.deviations} undecided {cell.undecided}")
        broken = [cell.name for cell in matrix.cells if cell.state is not State.JUDGED]
        counts = sort(blame_of(matrix), mutant)
        totals += counts
        print(f"{mutant.name} ({mutant.requirement}): {dict(counts)} {broken or ''}", flush=True)
    total = sum(totals.values())
    print(f"{len(sample)} mutants, {total} findings: {dict(totals)}")
    return int(bool(totals["innocent blamed"]) or totals["right"] < 0.99 * total)


if __name__ == "__main__":
    sys.exit(main())
