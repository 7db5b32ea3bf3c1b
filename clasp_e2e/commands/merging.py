"""Merge the results of several runs on disk."""

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from clasp_e2e.results.evidence import PACKETS
from clasp_e2e.results.merge import merge_runs
from clasp_e2e.results.reading import holds_run, read_run
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import JOURNAL, MATRIX, RESULTS, ResultsError, clear_results, write_results
from clasp_e2e.spec.catalogue import load_catalogue

_FEW = 6


def results_file(named: Path) -> Path:
    """Return the `results.json` for a file or folder that the user named; a journal has one next to it."""
    return named / RESULTS if named.is_dir() else named.with_name(RESULTS) if named.name == JOURNAL else named


def matrix_file(named: Path) -> Path | None:
    """Return the `matrix.json` that the user named by its path or folder, or None."""
    if named.is_dir():
        path = named / MATRIX
        return path if path.exists() and not holds_run(named) else None
    return named if named.name == MATRIX else None


def some_of(names: Sequence[str]) -> str:
    """Return the first of `names` as a list, which ends with … if there are more."""
    return ", ".join([*names[:_FEW], *["…"] * (len(names) > _FEW)])


def merge_results(named: Sequence[Path], directory: Path) -> Run:
    """Merge the runs in `named` into `directory`, with their evidence, and return the run.

    The results of an earlier run in `directory` are deleted. Raises `ResultsError`, `MergeError`.
    """
    files = {str(each): results_file(each) for each in named}
    for name, file in files.items():
        if file.resolve().parent == directory.resolve():
            raise ResultsError(f"{name}: cannot replace a part with the merged run; name another --results")
    catalogue = load_catalogue()
    runs = [(name, read_run(file, catalogue)) for name, file in files.items()]
    command = shlex.join(["clasp-e2e", "report", *map(str, named), "--results", str(directory)])
    merged = merge_runs(runs, catalogue, command)
    clear_results(directory)
    moved = {
        result.id: _copied(result.evidence, files[merged.sources[result.id]].parent, directory)
        for result in merged.resolved.run.scenarios
    }
    scenarios = (replace(each, evidence=moved[each.id]) for each in merged.resolved.run.scenarios)
    run = replace(merged.resolved.run, scenarios=tuple(scenarios))
    write_results(run, directory / RESULTS)
    return run


def _copied(evidence: str | None, source: Path, directory: Path) -> str | None:
    """Copy an evidence file; return its new path, or None if it is missing."""
    if evidence is None:
        return None
    file = source / "evidence" / PurePath(evidence).name
    target = directory / "evidence" / file.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        if (packets := file.with_suffix(PACKETS)).exists():
            shutil.copyfile(packets, target.with_suffix(PACKETS))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ResultsError(f"{file} cannot be copied to {target} ({error.strerror})") from error
    return str(target)
