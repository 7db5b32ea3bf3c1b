"""`results.json`: the run as a file, written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, cast

from clasp_e2e.results import matrix
from clasp_e2e.results.documents import expect_shape, read_document
from clasp_e2e.results.evidence import EvidenceError, Seen, read_trace
from clasp_e2e.results.matrix import Matrix
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import SCHEMA, Run


class ResultsError(Exception):
    """A results file cannot be read or written; the text says why and what to do."""


def shown(path: Path) -> str:
    """Return a file's path as results name it, which are read elsewhere too: from the current folder."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def write_results(run: Run, path: Path, *, indent: int | None = 2) -> None:
    """Write `run` to `path` as `write_document` does. Without `indent` it is written several times faster."""
    write_document(run.to_json(), path, indent=indent)


def write_document(document: Mapping[str, Any], path: Path, *, indent: int | None = 2) -> None:
    """Write plain data to `path` as JSON; its directory is made if need be.

    The file appears under its name only when it is complete, so that a reader never finds half of
    one, and an earlier file outlives a failure. Raises `ResultsError`.
    """
    text = json.dumps(document, indent=indent, ensure_ascii=False) + "\n"
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)  # A temporary file is its owner's alone; results are for everybody.
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise ResultsError(
            f"{path}: the results cannot be written ({error.strerror}); name another directory for them"
        ) from error


def clear_results(directory: Path) -> None:
    """Make `directory`, without an earlier run's results, which would be taken for this one's.

    Raises `ResultsError`.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "results.json").unlink(missing_ok=True)
        if (evidence := directory / "evidence").is_dir():
            shutil.rmtree(evidence)
    except OSError as error:
        raise ResultsError(
            f"{directory}: no results can be written here ({error.strerror}); name another directory for them"
        ) from error


def read_results(path: Path) -> Run:
    """Read a run. Raises `ResultsError` on a file that is missing, broken, or of a newer schema."""
    return _read(path, SCHEMA, Run.from_json)


def read_matrix(path: Path) -> Matrix:
    """Read a `matrix.json`. Raises `ResultsError` as `read_results` does."""
    return _read(path, matrix.SCHEMA, Matrix.from_json)


def read_seen(directory: Path, run: Run, *, passed: bool = True) -> Seen:
    """Return what the evidence files of `run` hold, by case; `passed`, if wanted, those that did included.

    `directory` is where the `results.json` lies: results may have been moved since they were written.
    In the place of one that is gone, or is no evidence, stands why.
    """
    seen: dict[str, Mapping[str, Any] | str] = {}
    for scenario in run.scenarios:
        if scenario.evidence is None or (scenario.outcome is Outcome.PASSED and not passed):
            continue
        # A path of another system has other separators.
        name = PurePosixPath(scenario.evidence.replace("\\", "/")).name
        try:
            seen[scenario.id] = read_trace(directory / "evidence" / name, scenario.id)
        except EvidenceError as error:
            # Where the results lie is no part of the run.
            seen[scenario.id] = str(error).replace(f"{directory}{os.sep}", "")
    return seen


_T = TypeVar("_T")


def _read(path: Path, newest: int, from_json: Callable[[Mapping[str, Any]], _T]) -> _T:
    try:
        document = read_document(path)
    except FileNotFoundError:
        raise ResultsError(f"{path}: there are no results here; run the scenarios first") from None
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ResultsError(f"{path}: {error}; run the scenarios again") from error
    schema = cast("dict[str, Any]", document).get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ResultsError(f"{path}: this is not a results file: it has no schema number")
    if schema > newest:
        raise ResultsError(
            f"{path}: written by a newer clasp-e2e (schema {schema}, this one reads up to {newest});"
            " update this one"
        )
    try:
        record = from_json(cast("dict[str, Any]", document))
        expect_shape(record)
        return record
    except KeyError as error:
        raise ResultsError(f"{path}: the key {error} is missing; run the scenarios again") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ResultsError(f"{path}: {error}; run the scenarios again") from error
