"""The option `--failed`: the cases of an earlier run that did not pass."""

from pathlib import Path

from clasp_e2e.execution.run_options import FAILED_LATEST
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.store import ResultsError, read_results

_FINE = frozenset({Outcome.PASSED, Outcome.NOT_JUDGED, Outcome.NOT_OFFERED, Outcome.SKIPPED})


def cases_not_passed(named: str, directory: Path) -> frozenset[str]:
    """Return the cases of a run that did not pass or have no result.

    `named` is a `results.json` or its folder, or `latest` for the results in the output `directory`.
    Raises `ResultsError` if they cannot be read, or if every case passed.
    """
    path = directory if named == FAILED_LATEST and not Path(named).exists() else Path(named)
    path = path / "results.json" if path.is_dir() or not path.suffix else path
    run = read_results(path)
    failed = {result.id for result in run.scenarios if result.outcome not in _FINE} | set(run.missing)
    if not failed:
        raise ResultsError(f"{path}: every case passed, so --failed has nothing to run; leave it out")
    return frozenset(failed)
