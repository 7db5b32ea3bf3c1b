"""Measure the run times of complete gates, each in its own process, and compare them with their limits.

For each gate the program prints the median wall time, its limit, the processor time (user and system, of
all awaited processes), the load average at the start, and the exit statuses. The limits are for two
processors. Run as `python benchmarks/gate_times.py --runs 3`, optionally with the names of gates; the exit
status is 1 if a median exceeds its limit or an exit status is unexpected.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SLOW_START = """
import runpy, time
time.sleep(0.8)
runpy.run_module("clasp_e2e.drivers.adapters.reference", run_name="__main__", alter_sys=True)
"""
"""The reference adapter, with a start that takes 0.8 s longer."""


@dataclass(frozen=True)
class Gate:
    """The arguments of a gate, its limit in seconds, and the expected exit statuses."""

    arguments: tuple[str, ...]
    limit: float
    statuses: frozenset[int]


def driver(source: str) -> str:
    """Return the name of the driver for an adapter with the Python source `source`."""
    return f"cmd:{shlex.join([sys.executable, '-c', source])}"


CONFORMS, FAILS = frozenset({0}), frozenset({1})
GATES = {
    "embedded": Gate(("gate", "--peer", "reference"), 42, CONFORMS),
    "node": Gate(("gate", "--peer", "node"), 70, CONFORMS),
    "browser": Gate(("gate", "--peer", "browser"), 150, CONFORMS),
    "slow-start": Gate(("gate", "--peer", driver(SLOW_START)), 90, CONFORMS),
    "never-connects": Gate(("gate", "--peer", "clasp_e2e.scripted.connecting:NeverOffers"), 90, FAILS),
}


def matrix(peers: str, routers: str, limit: float) -> Gate:
    """Return the matrix of `peers` and `routers`; it may fail, since there are known failures."""
    return Gate(("matrix", "--peers", peers, "--routers", routers), limit, CONFORMS | FAILS)


@dataclass(frozen=True)
class Measured:
    """The times of one run of a gate in seconds, and the load average at its start."""

    wall: float
    processor: float
    load: float
    status: int


def measure(gate: Gate, folder: Path) -> Measured:
    """Run a gate, with its output in a file in `folder`."""
    folder.mkdir(parents=True)
    load, before, began = os.getloadavg()[0], processor_seconds(), time.monotonic()
    command = [sys.executable, "-m", "clasp_e2e", *gate.arguments, "--results", str(folder / "results")]
    with (folder / "output.txt").open("wb") as output:
        status = subprocess.run(command, check=False, stdout=output, stderr=output).returncode  # noqa: S603
    return Measured(time.monotonic() - began, processor_seconds() - before, load, status)


def processor_seconds() -> float:
    """Return the processor time of all ended children and their descendants."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def report(name: str, gate: Gate, runs: Sequence[Measured]) -> bool:
    """Print the results of a gate; return whether they are within the limit and as expected."""
    wall = statistics.median(run.wall for run in runs)
    expected = all(run.status in gate.statuses for run in runs)
    print(
        f"{name:15}{wall:8.1f}{gate.limit:8.0f}{statistics.median(run.processor for run in runs):11.1f}"
        f"{statistics.median(run.load for run in runs):7.1f}"
        f"  {' '.join(str(run.status) for run in runs)}{'' if expected else ' (not expected)'}"
        f"  {'within' if wall <= gate.limit else 'EXCEEDS'} the limit;"
        f" each: {', '.join(f'{run.wall:.1f}' for run in runs)}",
        flush=True,
    )
    return expected and wall <= gate.limit


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="Measure the run times of complete gates.")
    parser.add_argument(
        "gates", nargs="*", metavar="GATE", help=f"{', '.join(GATES)}, matrix (default: all but matrix)"
    )
    parser.add_argument("--runs", type=int, default=1, help="number of runs of each gate (default: 1)")
    parser.add_argument("--peers", default="reference,node,browser,rust", help="peers of the matrix")
    parser.add_argument("--routers", default="reference,rust", help="routers of the matrix")
    parser.add_argument(
        "--matrix-limit", type=float, default=900, help="matrix limit in seconds (default: 900, for 32 cells)"
    )
    parser.add_argument("--results", type=Path, help="output directory (default: a temporary one)")
    options = parser.parse_args()
    gates = {**GATES, "matrix": matrix(options.peers, options.routers, options.matrix_limit)}
    chosen: list[str] = options.gates or list(GATES)
    if unknown := [name for name in chosen if name not in gates]:
        parser.error(f"no such gate: {', '.join(unknown)}; choose from {', '.join(gates)}")
    if options.runs < 1:
        parser.error("--runs: at least 1")
    # By default, SIGTERM would leave children running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"{'seconds':15}{'median':>8}{'limit':>8}{'processor':>11}{'load':>7}  exit statuses")
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(options.results or temporary)
        good = [
            report(
                name,
                gates[name],
                [measure(gates[name], root / name / str(number)) for number in range(options.runs)],
            )
            for name in chosen
        ]
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
