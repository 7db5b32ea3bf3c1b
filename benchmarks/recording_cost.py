"""Measure the processor time that recording packets adds to a run in which everything passes.

Runs with recording (files of failures only, the default) and without it alternate, each in its own process.
The program prints the processor time (user and system) of each run, and by how much the median with recording
exceeds the one without. Run as `python benchmarks/recording_cost.py --runs 3`, optionally with arguments of
`clasp-e2e run`; the exit status is 1 if recording adds more than 5 %.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile

LIMIT = 0.05
"""Maximum share of processor time that recording adds."""
WITHOUT = """
import clasp_e2e.execution.runner as runner
runner.Capture = lambda: None
"""
RUN = """
import sys
from clasp_e2e.commands import main
sys.exit(main())
"""
"""The start of `clasp-e2e`."""


def processor_seconds() -> float:
    """Return the processor time of all ended children and their descendants."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(arguments: list[str], *, records: bool) -> float:
    """Return the processor time of a run, in seconds."""
    before = processor_seconds()
    source = RUN if records else WITHOUT + RUN
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", source, "run", *arguments, "--seed", "1", "--results", folder]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout.decode())
    seconds = processor_seconds() - before
    print(f"{'with' if records else 'without'}: {seconds:.2f} s", flush=True)
    return seconds


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="Measure the processor time that recording packets adds.")
    parser.add_argument("--runs", type=int, default=3, help="runs with and without recording (default: 3)")
    options, arguments = parser.parse_known_args()
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(options.runs):
        for records in (True, False) if number % 2 else (False, True):
            times[records].append(measure(arguments, records=records))
    added = statistics.median(times[True]) / statistics.median(times[False]) - 1
    print(f"Recording adds {added:.1%}; the limit is {LIMIT:.0%}.")
    return int(added > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
