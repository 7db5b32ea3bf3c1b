"""Run the gate of one peer repeatedly, and list the cases whose outcome changes.

Each gate is a process with its own results folder. The outcomes of each run are compared with those of the
first, and differences are printed with both messages. In the last `--busy` runs a child process keeps each
processor busy. `--jobs 1,2,12` repeats the runs for each number of jobs. The exit status is 1 if an outcome
changes. Run as `python benchmarks/repeat_gates.py --peer node --runs 20 --busy 10`.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from compare_results import differences, read_results

from clasp_e2e.execution.repetition import busy_processors
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import ResultsError


def gate(driver: Sequence[str], jobs: int | None, folder: Path, rest: Sequence[str]) -> Run:
    """Run a gate, with its output in a file; return the results. Raises `ResultsError`."""
    command = [sys.executable, "-m", "clasp_e2e", "gate", *driver, "--results", str(folder)]
    if jobs is not None:
        command += ["--jobs", str(jobs)]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "output.txt").open("wb") as output:
        status = subprocess.run([*command, *rest], check=False, stdout=output, stderr=output).returncode  # noqa: S603
    run = read_results(folder)
    print(f"  exit status {status}, {len(run.scenarios)} cases in {run.duration_s:.0f} s", end="")
    return run


def numbers(text: str) -> list[int]:
    """Return the numbers in a list such as `1,2,12`."""
    return [int(each) for each in text.split(",")]


def main() -> int:
    """Run the gates, compare, report."""
    parser = argparse.ArgumentParser(description="Repeat a gate and list the cases whose outcome changes.")
    parser.add_argument("--peer", default="node", help="the driver under test (default: node)")
    parser.add_argument("--runs", type=int, default=20, help="gates for each number of jobs (default: 20)")
    parser.add_argument("--busy", type=int, default=0, help="number of last runs with busy processors")
    parser.add_argument("--jobs", type=numbers, default=[None], help="numbers of jobs, such as 1,2,12")
    parser.add_argument(
        "--results", type=Path, default=Path("reports/latest/repeated"), help="output directory"
    )
    parser.add_argument("rest", nargs="*", help="after --: further arguments of the gate")
    options = parser.parse_args()
    if not 0 <= options.busy <= options.runs or options.runs < 1:
        parser.error("--runs: at least 1, and at least as many as --busy")
    # By default, SIGTERM would leave children running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    first: Run | None = None
    changes: Counter[str] = Counter()
    for jobs in options.jobs:
        for number in range(1, options.runs + 1):
            is_busy = number > options.runs - options.busy
            title = f"jobs {jobs or 'by default'}, run {number}{', processors busy' if is_busy else ''}"
            print(title, flush=True)
            folder = options.results / f"jobs-{jobs or 'default'}" / str(number)
            began = time.monotonic()
            try:
                with busy_processors() if is_busy else nullcontext():
                    run = gate(["--peer", options.peer], jobs, folder, options.rest)
            except ResultsError as error:
                print(
                    f"  no results after {time.monotonic() - began:.0f} s: {error}; see {folder}/output.txt"
                )
                changes["a gate without results"] += 1
                continue
            print(f", load {os.getloadavg()[0]:.1f}", flush=True)
            first = first or run
            for text in differences(first, run):
                changes[text.partition("\n")[0]] += 1
                print("  " + text.replace("\n", "\n  "), flush=True)
    print(f"{len(changes)} cases changed" + (":" if changes else ""))
    for case, count in changes.most_common():
        print(f"  in {count} runs: {case}")
    return int(bool(changes))


if __name__ == "__main__":
    sys.exit(main())
