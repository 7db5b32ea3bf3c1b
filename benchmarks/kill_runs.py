"""Kill a run at random moments, and check what it leaves: no process, and a journal that can be read.

Each run judges `--peer` and is killed (SIGKILL) after a random part of `--seconds`. Then, within 15 s, none
of the processes that it started and none of its temporary files may be left, and `clasp-e2e report` must read
what the run has written. The exit status is 1 if a run left something. Run as
`python benchmarks/kill_runs.py --runs 200 --peer node`.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

MARK = "CLASP_E2E_KILLED_RUN"
"""The environment variable that marks the processes of a run."""

LEAVE_WITHIN = 15.0
"""Seconds: an adapter notices that its harness is gone by the end of its input, or by its watchdog."""


def marked(mark: str) -> list[str]:
    """Return the command lines of the living processes with `mark` in their environment."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append(f"{process.name} {command}"[:120])
        except OSError:  # It has ended meanwhile, or belongs to somebody else.
            continue
    return found


def complaints(peer: str, moment: float, mark: str, folder: Path) -> list[str]:
    """Start a run, kill it after `moment` seconds, and return what it left."""
    command = [sys.executable, "-m", "clasp_e2e", "run", "--peer", peer, "--results", str(folder)]
    temporary = folder.with_name("temporary")
    temporary.mkdir()
    environment = {**os.environ, MARK: mark, "TMPDIR": str(temporary)}
    run = subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        run.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        run.kill()
    run.wait()
    deadline = time.monotonic() + LEAVE_WITHIN
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.2)
    found = [f"left running: {each}" for each in left]
    found += [f"left in the temporary folder: {each.name}" for each in temporary.iterdir()]
    if (folder / "journal.jsonl").exists() or (folder / "results.json").exists():
        report = [sys.executable, "-m", "clasp_e2e", "report", str(folder), "--markdown", "-"]
        reading = subprocess.run(report, capture_output=True, text=True, check=False)  # noqa: S603
        if reading.returncode:
            found.append(f"the journal cannot be read: {reading.stderr.strip()[-300:]}")
    return found


def main() -> int:
    """Kill the runs, one after the other, and report what they left."""
    parser = argparse.ArgumentParser(description="Kill a run at random moments, and check what it leaves.")
    parser.add_argument("--runs", type=int, default=200, help="number of runs (default: 200)")
    parser.add_argument("--peer", default="node", help="the driver under test (default: node)")
    parser.add_argument("--seconds", type=float, default=20.0, help="latest moment (default: 20)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="seed of the moments")
    options = parser.parse_args()
    print(f"{options.runs} runs of {options.peer}, seed {options.seed}", flush=True)
    moments = random.Random(options.seed)
    faults = 0
    for number in range(1, options.runs + 1):
        moment = moments.uniform(0.0, options.seconds)
        with TemporaryDirectory() as folder:
            found = complaints(options.peer, moment, f"{os.getpid()}-{number}", Path(folder) / "results")
        faults += bool(found)
        for each in found:
            print(f"run {number}, killed after {moment:.2f} s: {each}", flush=True)
    print(f"{faults} of {options.runs} runs left something")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
