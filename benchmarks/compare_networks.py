"""Compare the outcomes of one implementation on the link and in the lab, case by case.

Both networks make the same conditions, therefore each case that both can judge must have the same outcome.
A case that differs runs once more in both: what differs again is listed as steady. Run as
`python benchmarks/compare_networks.py DRIVER`, or with two results: `--of LINK LAB`. The exit status is 1 if
a case differs steadily, or in `--of` at all.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from compare_results import in_words, read_results

from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import Run, ScenarioResult

NETWORKS = "link", "lab"
LIMIT = 1800
"""Seconds for a run."""


def judge(driver: str, network: str, folder: Path, seed: int, cases: Sequence[str] = ()) -> Run:
    """Run the scenarios, or `cases`, on `network`; return the run."""
    command = [sys.executable, "-m", "clasp_e2e", "run", *cases, "--peer", driver, "--network", network]
    command += ["--seed", str(seed), "--results", str(folder)]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=LIMIT)  # noqa: S603
    return read_results(folder)


def differing(link: Run, lab: Run) -> dict[str, tuple[ScenarioResult, ScenarioResult]]:
    """Return the cases of both runs whose outcomes differ."""
    in_lab = {each.id: each for each in lab.scenarios}
    both = ((each, in_lab[each.id]) for each in link.scenarios if each.id in in_lab)
    return {one.id: (one, other) for one, other in both if outcome(one) != outcome(other)}


def outcome(result: ScenarioResult) -> Outcome:
    """Return the outcome of a case as observed: what is known may be so in one network only."""
    return result.as_observed().outcome


def summary(link: Run, lab: Run) -> str:
    """Return the number of cases of each network, and of the outcomes of those of both."""
    ids = [{each.id for each in run.scenarios} for run in (link, lab)]
    both = ids[0] & ids[1]
    counts = Counter(outcome(each) for each in link.scenarios if each.id in both)
    outcomes = ", ".join(f"{number} {each.value}" for each, number in counts.most_common())
    only = f"only link: {len(ids[0] - both)}, only lab: {len(ids[1] - both)}"
    return f"Cases in both: {len(both)} (on the link {outcomes}); {only}"


def report(differences: dict[str, tuple[ScenarioResult, ScenarioResult]], word: str) -> None:
    """Print the differences."""
    print(f"{word}: {len(differences)}")
    for case, results in differences.items():
        print(f"  {case}")
        for network, each in zip(NETWORKS, results, strict=True):
            print(f"    {network}: {in_words(each.as_observed())}", flush=True)


def main() -> int:
    """Run, compare and report."""
    parser = argparse.ArgumentParser(description="Compare the outcomes on the link and in the lab.")
    parser.add_argument("driver", nargs="?", default="reference", help="the implementation (reference)")
    parser.add_argument("--of", nargs=2, type=Path, metavar=("LINK", "LAB"), help="results to compare")
    parser.add_argument("--seed", type=int, default=1, help="seed of the runs (default: 1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        if options.of:
            link, lab = (read_results(each) for each in options.of)
        else:
            link, lab = (judge(options.driver, each, root / each, options.seed) for each in NETWORKS)
        print(summary(link, lab))
        found = differing(link, lab)
        report(found, "Different")
        if options.of or not found:
            return int(bool(found))
        cases = [name.replace("::", ".py::", 1) for name in found]
        again = [
            judge(options.driver, each, root / "again" / each, options.seed + 1, cases) for each in NETWORKS
        ]
        steady = {name: each for name, each in differing(*again).items() if name in found}
        report(steady, "Different again")
    return int(bool(steady))


if __name__ == "__main__":
    sys.exit(main())
