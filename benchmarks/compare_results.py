"""List the cases whose outcomes differ between two `results.json`.

Run as `python benchmarks/compare_results.py OLD NEW`, with files or their folders. Cases that only one
file contains are also listed. The exit status is 1 if there is a difference.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from clasp_e2e.results.reading import read_run
from clasp_e2e.results.run_record import Run, ScenarioResult
from clasp_e2e.results.store import RESULTS, ResultsError
from clasp_e2e.spec.catalogue import load_catalogue


def read_results(path: Path) -> Run:
    """Return the run of a results file, or of a folder with one. Raises `ResultsError`."""
    return read_run(path / RESULTS if path.is_dir() else path, load_catalogue())


def outcome(result: ScenarioResult) -> str:
    """Return the outcome of a case, and the requirements with a different outcome."""
    others = [
        f"{name} {judged}"
        for name in sorted(result.requirements)
        if (judged := result.judgment(name)) is not result.outcome
    ]
    by = f" by {result.blocked_by}" if result.blocked_by else ""
    return f"{result.outcome}{by}" + (f" ({', '.join(others)})" if others else "")


def differences(old: Run, new: Run) -> Iterator[str]:
    """Yield a text for each case that differs: its id, and its result in each run."""
    before, after = ({result.id: result for result in run.scenarios} for run in (old, new))
    for case in sorted(before.keys() | after.keys()):
        one, other = before.get(case), after.get(case)
        if one is None or other is None or outcome(one) != outcome(other):
            yield f"{case}\n  old: {in_words(one)}\n  new: {in_words(other)}"


def in_words(result: ScenarioResult | None) -> str:
    """Return the outcome of a case and the first line of its message."""
    if result is None:
        return "no such case"
    first = result.message.strip().partition("\n")[0]
    return ": ".join(filter(None, (outcome(result), first)))


def main() -> int:
    """Compare and report."""
    parser = argparse.ArgumentParser(
        description="List the cases whose outcomes differ between two results files."
    )
    parser.add_argument("old", type=Path, metavar="OLD", help="a results.json, or its folder")
    parser.add_argument("new", type=Path, metavar="NEW", help="another results.json, or its folder")
    options = parser.parse_args()
    try:
        old, new = read_results(options.old), read_results(options.new)
    except ResultsError as error:
        parser.error(str(error))
    found = list(differences(old, new))
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(found)} differences; cases: {len(old.scenarios)} old, {len(new.scenarios)} new")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
