"""How long whole gates take, each a process as a user starts it, and whether that is within its limit.

For each gate: the median of the wall times with its limit, the processor time (user and system, of
all processes that were waited for), the load average when it began, and its exit statuses. The limits
are those for two processors. Run as `python benchmarks/gate_times.py --runs 3`, or with the names of
some gates; exit status 1 if a median exceeds its limit or an exit status is not the expected one.
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
"""The reference adapter of an implementation whose runtime takes 0.8 s to start."""


@dataclass(frozen=True)
class Gate:
    """A gate, its limit in seconds, and the exit statuses that are expected of it."""

    arguments: tuple[str, ...]
    limit: float
    statuses: frozenset[int]


def driver(source: str) -> str:
    """Return the name of the driver for an adapter whose Python source is `source`."""
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
    """Return the matrix of `peers` and `routers`; it may fail, as the implementations have known faults."""
    return Gate(("matrix", "--peers", peers, "--routers", routers), limit, CONFORMS | FAILS)


@dataclass(frozen=True)
class Measured:
    """What one run of a gate took, in seconds, and the load average when it began."""

    wall: float
    processor: float
    load: float
    status: int


def measure(gate: Gate, folder: Path) -> Measured:
    """Run a gate to its end, with what it prints in a file of `folder`."""
    folder.mkdir(parents=True)
    load, before, began = os.getloadavg()[0], processor_seconds(), time.monotonic()
    command = [sys.executable, "-m", "clasp_e2e", *gate.arguments, "--results", str(folder / "results")]
    with (folder / "output.txt").open("wb") as output:
        status = subprocess.run(command, check=False, stdout=output, stderr=output).returncode  # noqa: S603
    return Measured(time.monotonic() - began, processor_seconds() - before, load, status)


def processor_seconds() -> float:
    """Return the processor time of all ended children, theirs included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def report(name: str, gate: Gate, runs: Sequence[Measured]) -> bool:
    """Print the line of a gate and return whether it is as it should be."""
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
    parser = argparse.ArgumentParser(description="How long whole gates take.")
    parser.add_argument(
        "gates", nargs="*", metavar="GATE", help=f"{', '.join(GATES)}, matrix (default: all but matrix)"
    )
    parser.add_argument("--runs", type=int, default=1, help="how often each runs (default: 1)")
    parser.add_argument("--peers", default="reference,node,browser,rust", help="of the matrix")
    parser.add_argument("--routers", default="reference,rust", help="of the matrix")
    parser.add_argument(
        "--matrix-limit", type=float, default=900, help="in seconds (default: 900, for 32 cells)"
    )
    parser.add_argument("--results", type=Path, help="output directory (default: a temporary one)")
    options = parser.parse_args()
    gates = {**GATES, "matrix": matrix(options.peers, options.routers, options.matrix_limit)}
    chosen: list[str] = options.gates or list(GATES)
    if unknown := [name for name in chosen if name not in gates]:
        parser.error(f"no such gate: {', '.join(unknown)}; there are {', '.join(gates)}")
    if options.runs < 1:
        parser.error("--runs: at least 1")
    # The default would leave children running.
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
