"""Read the packets of whole runs with tshark, and count what it shows.

For each pairing the program prints the number of files; those that tshark reads without a warning, an expert
information of severity "error" or a malformed packet; those of cases in which a payload was received; and
the share of the latter in which every received payload is shown: in an SCTP packet of a peer of the harness
or, relayed, in a WebSocket message. All without the dissector of CLASP. Each file is then read with it, too.

Run as `python benchmarks/read_packets.py`, or with the output directories of runs with `--pcap`. The exit
status is 1 if tshark does not read a file, or if it does not show a payload of a case with the reference.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from clasp_e2e.results.evidence import PACKETS, CaseEvidence, read_record
from clasp_e2e.results.timeline import EntryKind

DISSECTOR = str(files("clasp_e2e.network") / "clasp.lua")
FIELDS = ("frame.interface_name", "data.data", "_ws.malformed", "_ws.expert.severity", "_ws.expert.message")
ERROR = 0x00800000
"""The severity "error" of Wireshark's expert information."""
RUNS = ((), ("--peer", "node"))
"""The arguments of the runs that are made if no results are given."""
RUN_LIMIT, FILE_LIMIT = 600, 60
"""Seconds for a run, and for a file."""
_RECEIVED = re.compile(r"received Data \(\d+ bytes \(([0-9a-f]+)…?\)")


@dataclass(frozen=True)
class Reading:
    """What tshark shows of a file: complaints, and data by interface, in hexadecimal digits."""

    complaints: tuple[str, ...]
    data: tuple[tuple[str, str], ...]

    def shows(self, payload: str) -> bool:
        """Return whether a packet that is not encrypted contains `payload`, in hexadecimal digits."""
        return any(
            payload in data for interface, data in self.data if interface.endswith((", SCTP", ", signaling"))
        )


def read(tshark: str, file: Path, *arguments: str) -> Reading:
    """Return what tshark shows of `file`."""
    fields = [part for name in FIELDS for part in ("-e", name)]
    done = subprocess.run(  # noqa: S603
        [tshark, "-r", str(file), "-T", "fields", "-E", "separator=|", *fields, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=FILE_LIMIT,
    )
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("Running as user")]
    if done.returncode:
        complaints.append(f"exit status {done.returncode}")
    data: list[tuple[str, str]] = []
    for number, line in enumerate(done.stdout.splitlines(), 1):
        interface, content, malformed, severities, message = line.split("|", len(FIELDS) - 1)
        is_error = any(int(each) >= ERROR for each in severities.split(",") if each)
        if malformed or is_error:
            complaints.append(f"packet {number} ({interface}): {message or malformed}")
        if content:
            data.append((interface, content))
    return Reading(tuple(complaints), tuple(data))


def received(evidence: CaseEvidence) -> set[str]:
    """Return the beginnings of the payloads that applications received, in hexadecimal digits."""
    events = (entry.what for entry in evidence.timeline if entry.kind is EntryKind.EVENT)
    return {match[1] for what in events if (match := _RECEIVED.search(what))}


def look_at(tshark: str, path: Path, evidence: CaseEvidence) -> Iterator[str]:
    """Yield what is to be counted of the case with `evidence` from `path`; print what is wrong."""
    yield "cases"
    file = path.with_suffix(PACKETS)
    if not file.exists():
        return
    yield "files"
    plain, dissected = read(tshark, file), read(tshark, file, "-X", f"lua_script:{DISSECTOR}")
    for complaint in (*plain.complaints, *dissected.complaints):
        print(f"  {file.name}: {complaint}")
    if not (plain.complaints or dissected.complaints):
        yield "read"
    if payloads := received(evidence):
        yield "with payload"
        if not (missing := [each for each in payloads if not plain.shows(each)]):
            yield "shown"
        elif is_with_us(evidence.scenario.pairing):
            print(f"  {file.name}: not shown: {', '.join(missing)}")


def is_with_us(pairing: str) -> bool:
    """Return whether a peer of the harness takes part in the cases of a pairing."""
    return any(side in ("reference", "scripted") for side in pairing.split("-"))


def report(tshark: str, folder: Path) -> bool:
    """Print the counts of a run by pairing; return whether all is as it has to be."""
    counts: dict[str, Counter[str]] = {}
    began = time.monotonic()
    for path in sorted((folder / "evidence").glob("*.json")):
        evidence = read_record(path)
        counts.setdefault(evidence.scenario.pairing, Counter()).update(look_at(tshark, path, evidence))
    print(f"{'pairing':24}{'cases':>8}{'files':>8}{'read':>8}{'with payload':>14}{'shown':>8}")
    for pairing, each in sorted(counts.items()):
        counted = "".join(f"{each[name]:8}" for name in ("cases", "files", "read"))
        shown = f"{each['shown'] / each['with payload']:.0%}" if each["with payload"] else "-"
        print(f"{pairing:24}{counted}{each['with payload']:14}{shown:>8}")
    print(f"{folder}: {time.monotonic() - began:.0f} s", flush=True)
    return all(
        each["cases"] == each["files"] == each["read"]
        and (not is_with_us(pairing) or each["with payload"] == each["shown"])
        for pairing, each in counts.items()
    )


def run(arguments: Sequence[str], folder: Path) -> Path:
    """Run the scenarios with `arguments`; return the output directory."""
    command = [sys.executable, "-m", "clasp_e2e", "run", *arguments, "--pcap", "--results", str(folder)]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=RUN_LIMIT)  # noqa: S603
    return folder


def main() -> int:
    """Read and report."""
    parser = argparse.ArgumentParser(description="Read the packets of whole runs with tshark.")
    parser.add_argument("results", nargs="*", type=Path, metavar="RESULTS", help="output directories of runs")
    options = parser.parse_args()
    if (tshark := shutil.which("tshark")) is None:
        parser.error("tshark is not installed: apt-get install tshark")
    with tempfile.TemporaryDirectory() as temporary:
        folders: list[Path] = options.results or [
            run(arguments, Path(temporary) / str(number)) for number, arguments in enumerate(RUNS)
        ]
        good = [report(tshark, folder) for folder in folders]
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
