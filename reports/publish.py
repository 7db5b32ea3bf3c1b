"""Make the published reports: judge each implementation and the matrix, and render every page.

Run as `python reports/publish.py --results site`. Each folder then holds `results.json`, `evidence/`,
`report.html`, `summary.md` and `badge.svg`; `matrix/` holds the same for the matrix. A verdict of any kind
is published; the exit status is 1 if a run reached none. `--keep` also updates what the repository keeps of
it: the summary, the badge and the history of each implementation.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

RUNS = {
    "rust": ("--peer", "rust", "--router", "rust"),
    "node": ("--peer", "node"),
    "roamhq": ("--peer", "roamhq"),
    "werift": ("--peer", "werift"),
    "browser": ("--peer", "browser"),
    "firefox": ("--peer", "firefox"),
    "go": ("--peer", "go"),
    "wasm": ("--peer", "wasm"),
}
"""The arguments of each run, by the folder of its report."""
MATRIX = ("--peers", ",".join(("reference", *RUNS)), "--opposite", "reference,rust")
VERDICTS = (0, 1)
"""Exit statuses of a run that reached a verdict."""


def call(*arguments: str | Path) -> bool:
    """Run a command of the harness; return whether it reached a verdict."""
    return subprocess.run([sys.executable, "-m", "clasp_e2e", *arguments], check=False).returncode in VERDICTS


def has_verdict(folder: Path) -> bool:
    """Return whether a run reached a verdict; `partial` is one, of an implementation that offers less."""
    file = folder / "results.json"
    return file.exists() and json.loads(file.read_text())["verdict"] != "inconclusive"


def publish(results: Path, names: list[str]) -> bool:
    """Judge what `names` names into folders of `results`, and render their pages."""
    complete = True
    for name in names:
        folder = results / name
        if name == "matrix":
            complete &= call("matrix", *MATRIX, "--results", folder)
            pages = ("--html", folder / "matrix.html", "--markdown", folder / "matrix.md")
        else:
            (folder / "results.json").unlink(missing_ok=True)
            call("run", *RUNS[name], "--results", folder)
            complete &= has_verdict(folder)
            pages = ("--html", folder / "report.html", "--markdown", folder / "summary.md")
            pages += ("--badge", folder / "badge.svg")
        complete &= call("report", folder, *pages)
        prose = Path(__file__).parent / name / "README.md"
        if prose.resolve() != (folder / "README.md").resolve():
            shutil.copy(prose, folder)
    return complete


def keep(results: Path, names: list[str]) -> bool:
    """Update the files of the repository from the published folders; return whether that worked."""
    complete = True
    for name in names:
        folder, kept = results / name, Path(__file__).parent / name
        for file in ("matrix.json", "matrix.md") if name == "matrix" else ("summary.md", "badge.svg"):
            shutil.copy(folder / file, kept)
        if name != "matrix":
            version = json.loads((folder / "results.json").read_text())["subjects"]["offerer"]["version"]
            history = ("--version", version, "--file", kept / "history.jsonl")
            complete &= call("history", "add", folder, *history)
    return complete


def main() -> None:
    """Read the arguments and publish."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--results", type=Path, default=Path("site"), help="output directory (default: site)")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(RUNS)} or matrix (default: all)"
    )
    parser.add_argument("--keep", action="store_true", help="also update the files kept in the repository")
    given = parser.parse_args()
    names = given.names or [*RUNS, "matrix"]
    if unknown := [name for name in names if name not in RUNS and name != "matrix"]:
        parser.error(f"no report is named {', '.join(unknown)}; choose from {', '.join(RUNS)} and matrix")
    complete = publish(given.results, names)
    sys.exit(not (complete and (not given.keep or keep(given.results, names))))


if __name__ == "__main__":
    main()
