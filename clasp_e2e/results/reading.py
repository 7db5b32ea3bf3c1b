"""Read a run from its folder, whether it finished or was killed."""

from pathlib import Path

from clasp_e2e.results.baseline import BaselineError
from clasp_e2e.results.journal import is_unfinished, read_journal
from clasp_e2e.results.resolution import CannotResolve, baselines_of, day_of, resolvable_plan, resolve_run
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import JOURNAL, RESULTS, ResultsError, read_results
from clasp_e2e.spec.catalogue import Catalogue


def holds_run(directory: Path) -> bool:
    """Return whether `directory` holds a run, finished or not."""
    return (directory / RESULTS).exists() or (directory / JOURNAL).exists()


def read_run(path: Path, catalogue: Catalogue) -> Run:
    """Read the run of the `results.json` at `path`, or of the journal next to it if the run did not finish.

    A run from a journal is resolved here, with the baselines and the date of the run. Raises `ResultsError`.
    """
    if path.name != RESULTS or not is_unfinished(path.parent):
        return read_results(path)
    journal = path.parent / JOURNAL
    run = read_journal(journal)
    try:
        plan = resolvable_plan(run, catalogue)
        return resolve_run(run, catalogue, baselines_of(plan, catalogue), day_of(run)).run
    except (CannotResolve, BaselineError) as error:
        raise ResultsError(f"{journal}: {error}") from None
