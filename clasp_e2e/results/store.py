"""The files of a run on disk: written atomically, and read with precise errors."""

import os
import shutil
import tempfile
from errno import EACCES, ENOTDIR
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import msgspec

from clasp_e2e.results import matrix_results
from clasp_e2e.results.documents import DocumentError, decode, encode
from clasp_e2e.results.evidence import EvidenceError, Seen, read_trace
from clasp_e2e.results.matrix_results import Matrix
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import SCHEMA, Run, SchemaNumber

RESULTS = "results.json"
JOURNAL = "journal.jsonl"
MATRIX = "matrix.json"
_T = TypeVar("_T")


class ResultsError(Exception):
    """A results file that cannot be read or written; the text says why and what to do."""


def shown(path: Path) -> str:
    """Return the path of a file relative to the current folder, because results may be moved."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def write_results(run: Run, path: Path, *, indent: int | None = 2) -> None:
    """Write `run` to `path` as `write_document` does."""
    write_document(run, path, indent=indent)


def write_document(document: object, path: Path, *, indent: int | None = 2) -> None:
    """Write a record or plain data to `path` as JSON, as `replace_file` does. Raises `ResultsError`."""
    replace_file(path, encode(document, indent=indent) + b"\n")


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` to `path`; create its directory if necessary.

    The write is atomic: a reader never finds an incomplete file, and an earlier file survives a failure.
    Raises `ResultsError`.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)  # A temporary file is readable by its owner only.
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise ResultsError(
            f"{path}: the results cannot be written ({error.strerror}); name another directory for them"
        ) from error


def check_directory(directory: Path) -> None:
    """Check that results can be written to `directory`, without creating it. Raises `ResultsError`."""
    existing = next(each for each in (directory, *directory.absolute().parents) if each.exists())
    if not existing.is_dir():
        raise unusable_directory(directory, NotADirectoryError(ENOTDIR, f"{existing} is a file"))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise unusable_directory(directory, PermissionError(EACCES, os.strerror(EACCES)))


def clear_results(directory: Path) -> None:
    """Create `directory`, and delete the results of an earlier run there. Raises `ResultsError`."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in (RESULTS, JOURNAL):
            (directory / name).unlink(missing_ok=True)
        if (evidence := directory / "evidence").is_dir():
            shutil.rmtree(evidence)
    except OSError as error:
        raise unusable_directory(directory, error) from error


def unusable_directory(directory: Path, error: OSError) -> ResultsError:
    """Return the error for a directory that cannot hold results."""
    reason = "it is a file" if directory.is_file() else error.strerror
    return ResultsError(
        f"{directory}: no results can be written here ({reason}); name another directory with --results"
    )


def read_results(path: Path) -> Run:
    """Read a `results.json`. Raises `ResultsError` if it is missing, malformed, or of another schema."""
    return _read(path, Run, SCHEMA)


def read_matrix(path: Path) -> Matrix:
    """Read a `matrix.json`. Raises `ResultsError` as `read_results` does."""
    return _read(path, Matrix, matrix_results.SCHEMA)


def read_seen(directory: Path, run: Run, *, passed: bool = True) -> Seen:
    """Return the content of the evidence files of `run` by case; `passed` includes the cases that passed.

    `directory` is that of the `results.json`, because results may have been moved. For evidence that is
    missing or malformed, the value is the reason.
    """
    seen: dict[str, Any] = {}
    for scenario in run.scenarios:
        if scenario.evidence is None or (scenario.outcome is Outcome.PASSED and not passed):
            continue
        # Another system may have written the path with other separators.
        name = PurePosixPath(scenario.evidence.replace("\\", "/")).name
        try:
            seen[scenario.id] = read_trace(directory / "evidence" / name, scenario.id)
        except EvidenceError as error:
            # The location of the results is not part of the run.
            seen[scenario.id] = str(error).replace(f"{directory}{os.sep}", "")
    return seen


class _Header(msgspec.Struct):
    schema: SchemaNumber


def _read(path: Path, kind: type[_T], known: int) -> _T:
    data = read_bytes(path)
    try:
        schema = decode(data, _Header).schema
    except DocumentError as error:
        wrong = error if "JSON" in str(error) else f"this is not a results file: no schema number ({error})"
        raise ResultsError(f"{path}: {wrong}; run the scenarios again") from None
    if schema != known:
        newer, advice = (
            ("a newer", "update this one") if schema > known else ("an older", "run the scenarios again")
        )
        raise ResultsError(
            f"{path}: written by {newer} clasp-e2e (schema {schema}, this one reads {known}); {advice}"
        )
    try:
        return decode(data, kind)
    except DocumentError as error:
        raise ResultsError(f"{path}: {error}; run the scenarios again") from None


def read_bytes(path: Path) -> bytes:
    """Return the content of a results file. Raises `ResultsError`."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ResultsError(f"{path}: there are no results here; run the scenarios first") from None
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror})") from error
