"""Check that `clasp-e2e replay` reproduces failures: 100 failures of mutants, each replayed once.

Each mutant runs with the scenarios of its requirement, and the command replays the failures from the
evidence. Runs are forked processes, since imports take most of the time of a short run. Scenarios that wait
for the specification's 30 s are left out. Run as `python benchmarks/replay_failures.py`; the exit status is
1 unless all replays print `same`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clasp_e2e.commands import main as clasp_e2e
from clasp_e2e.execution.bundled_scenarios import Bundled, judging, load_scenarios
from clasp_e2e.results.evidence import read_evidence
from clasp_e2e.results.run_record import NOT_MET
from clasp_e2e.scripted import MUTANTS, Mutant
from clasp_e2e.scripted.mutant import Role

OPTION: dict[Role, str] = {
    "offerer": "--offerer",
    "answerer": "--answerer",
    "both": "--peer",
    "router": "--router",
}
SCALE = "0.5"
"""Factor of the harness's time limits; short, since most waits for a mutant time out."""
MOST = 2
"""Maximum number of failures of one mutant in one role."""


@dataclass(frozen=True)
class Replayed:
    """A failure and the result of its replay."""

    case: str
    mutant: str
    likeness: str
    line: str


def mutant_roles() -> Iterator[tuple[Mutant, Role]]:
    """Yield all mutants in their first role, then in their other roles."""
    quick = [mutant for mutant in MUTANTS if not mutant.slow]
    for place in range(max(len(mutant.roles) for mutant in quick)):
        for mutant in quick:
            if place < len(mutant.roles):
                role: Role = mutant.roles[place]
                yield mutant, role


def failures(mutant: Mutant, role: Role, bundled: Sequence[Bundled], folder: Path) -> list[Path]:
    """Run `mutant` with the scenarios of its requirement; return the evidence files of the failures."""
    driver = f"{mutant.fault.__module__}:{mutant.name}"
    names = [each.name for each in judging(mutant.requirement, bundled) if not each.scenario.slow]
    if not names:
        return []
    folder.mkdir()
    finish(
        folder / "run",
        *("run", *names, OPTION[role], driver, "--results", str(folder), "--deadline-scale", SCALE),
    )
    found = sorted((folder / "evidence").glob("*.json"))
    return [path for path in found if read_evidence(path).result.outcome in NOT_MET]


def replayed(mutant: Mutant, evidence: list[Path], folder: Path) -> list[Replayed]:
    """Replay failures of one mutant in one run."""
    if not evidence:
        return []
    output = folder / "replay"
    finish(output, "replay", *map(str, evidence), "--results", str(folder / "again"))
    lines = output.read_text().splitlines()
    found: list[Replayed] = []
    for path in evidence:
        case = read_evidence(path).run.case
        line = next((each for each in lines if f": {case}" in each), f"no line: {case}; see {output}")
        found.append(Replayed(case, mutant.name, line.partition(":")[0], line))
    return found


def finish(output: Path, *arguments: str) -> None:
    """Run `clasp-e2e` in a new process, with its output in the file `output`."""
    if child := os.fork():
        os.waitpid(child, 0)
        return
    try:
        with output.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.argv = ["clasp-e2e", *arguments]
        clasp_e2e(arguments, prog_name="clasp-e2e")
    except SystemExit:
        sys.stdout.flush()
    finally:
        os._exit(0)


def one(task: tuple[int, Path]) -> list[Replayed]:
    """Produce the failures of one mutant in one role, given its number, and replay some of them."""
    number, folder = task
    mutant, role = list(mutant_roles())[number]
    return replayed(mutant, failures(mutant, role, load_scenarios(), folder)[:MOST], folder)


def main() -> None:
    """Produce failures, replay them, print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="Number of failures.")
    parser.add_argument("--jobs", type=int, default=2, help="Number of parallel runs.")
    arguments = parser.parse_args()
    began = time.monotonic()
    found: list[Replayed] = []
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as root, fork.Pool(arguments.jobs) as pool:
        tasks = [(number, Path(root) / str(number)) for number, _ in enumerate(mutant_roles())]
        for batch in pool.imap(one, tasks):
            found += batch[: arguments.count - len(found)]
            for each in batch:
                print(f"{len(found):4} {each.mutant}: {each.line}", flush=True)
            if len(found) == arguments.count:
                break
    counts = Counter(each.likeness for each in found)
    print(f"{len(found)} failures of {len({each.mutant for each in found})} mutants: {dict(counts)}")
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(counts["same"] != len(found) or len(found) < arguments.count)


if __name__ == "__main__":
    main()
