"""The journal: the facts and observed results of a run, appended to a file as they become known.

`journal.jsonl` holds one JSON object per line, so that a run that is killed at any moment leaves a readable
record. The run writes `results.json` at its end.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from clasp_e2e import __version__
from clasp_e2e.results.documents import DocumentError, decode, encode
from clasp_e2e.results.outcome import Verdict
from clasp_e2e.results.planned_cases import Plan
from clasp_e2e.results.run_record import Run, ScenarioResult, Subject
from clasp_e2e.results.store import (
    JOURNAL,
    RESULTS,
    ResultsError,
    clear_results,
    read_bytes,
    unusable_directory,
    write_results,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """The facts known before the first case of a run: the fields of `Run` with the same names."""

    catalogue: str
    command: str
    seed: int
    judged_roles: tuple[str, ...]
    tool: Mapping[str, str] = field(default_factory=lambda: {"name": "clasp-e2e", "version": __version__})
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    platform: str = field(
        default_factory=lambda: f"{platform.platform()}, Python {platform.python_version()}"
    )


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the journal: facts of the run, or one result."""

    at: float
    """Seconds since the run began."""
    facts: RunFacts | None = None
    plan: Plan | None = None
    subjects: Mapping[str, Subject] | None = None
    capabilities: tuple[str, ...] | None = None
    subset: bool | None = None
    strict: bool | None = None
    result: ScenarioResult | None = None
    finished: bool = False
    """Whether `results.json` holds the whole run."""


class Journal:
    """The record of a run in progress.

    Without a directory, the results are kept in memory only.
    """

    def __init__(self, facts: RunFacts, directory: Path | None = None) -> None:
        self.facts = facts
        self.directory = directory
        self.subjects: Mapping[str, Subject] = {}
        self.capabilities: tuple[str, ...] = ()
        self._results: list[ScenarioResult] = []
        self._began = time.monotonic()
        self._file: BinaryIO | None = None

    @classmethod
    def create(cls, directory: Path | None, facts: RunFacts) -> Journal:
        """Begin the journal of a run in `directory`; delete the results of an earlier run there.

        Raises `ResultsError` if `directory` cannot hold results.
        """
        journal = cls(facts, directory)
        if directory is not None:
            clear_results(directory)
            try:
                journal._file = (directory / JOURNAL).open("wb")
            except OSError as error:
                raise unusable_directory(directory, error) from error
            journal._write(facts=facts)
        return journal

    @property
    def path(self) -> Path | None:
        """The path of the run's `results.json`; None without a directory."""
        return None if self.directory is None else self.directory / RESULTS

    @property
    def results(self) -> tuple[ScenarioResult, ...]:
        """The results observed so far, in the order of their arrival."""
        return tuple(self._results)

    def note(
        self,
        *,
        plan: Plan | None = None,
        subjects: Mapping[str, Subject] | None = None,
        capabilities: Collection[str] | None = None,
        subset: bool | None = None,
        strict: bool | None = None,
    ) -> None:
        """Record facts of the run as they become known; a later value replaces an earlier one.

        `plan` must name the baselines (`with_baselines`), and `subset` is whether the user left cases out
        on purpose: `resolve_run` needs both if the run is killed. Raises `ResultsError`.
        """
        declared = None if capabilities is None else tuple(sorted(capabilities))
        self.subjects = self.subjects if subjects is None else subjects
        self.capabilities = self.capabilities if declared is None else declared
        self._write(plan=plan, subjects=subjects, capabilities=declared, subset=subset, strict=strict)

    def append(self, result: ScenarioResult) -> None:
        """Record an observed result. Raises `ResultsError` if it cannot be written."""
        self._results.append(result)
        self._write(result=result)

    def draft(self, plan: Plan, *, subset: bool, strict: bool = False) -> Run:
        """Return the run with the results observed so far, as input for `resolve_run`.

        `subset` is whether the user left scenarios out on purpose.
        """
        return _draft(
            self.facts,
            duration_s=round(time.monotonic() - self._began, 3),
            subjects=self.subjects,
            capabilities=self.capabilities,
            plan=plan,
            subset=subset,
            strict=strict,
            scenarios=self.results,
        )

    def finish(self, run: Run) -> None:
        """Write the resolved run to `results.json`, and end the journal. Raises `ResultsError`."""
        if self.path is not None:
            write_results(run, self.path)
        self._write(finished=True)
        self.close()

    def close(self) -> None:
        """Close the file; the journal of a run that did not finish remains readable."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, **content: Any) -> None:
        if self._file is None:
            return
        line = _Line(at=round(time.monotonic() - self._began, 3), **content)
        try:
            self._file.write(encode(line) + b"\n")
            self._file.flush()
        except OSError as error:
            raise ResultsError(
                f"{self._file.name}: the results cannot be written ({error.strerror}); name another directory"
                " for them"
            ) from error


def finish_results(run: Run, path: Path) -> None:
    """Replace the `results.json` at `path` with a resolved run, and delete the journal next to it.

    Raises `ResultsError`.
    """
    write_results(run, path)
    if path.name == RESULTS:
        try:
            (path.parent / JOURNAL).unlink(missing_ok=True)
        except OSError as error:
            raise unusable_directory(path.parent, error) from error


def is_unfinished(directory: Path) -> bool:
    """Return whether `directory` holds the journal of a run that did not finish.

    Raises `ResultsError` on a journal that cannot be read.
    """
    path = directory / JOURNAL
    return path.exists() and not any(line.finished for line in _lines(path)[-1:])


def read_journal(path: Path) -> Run:
    """Return the run that a journal describes, not resolved.

    A truncated last line is ignored: the run was killed during the write. If the run was killed before it
    wrote its plan, the cases are those that have a result. Raises `ResultsError`.
    """
    lines = _lines(path)
    if not lines or (facts := lines[0].facts) is None:
        raise ResultsError(
            f"{path}: the journal does not begin with the facts of a run; run the scenarios again"
        )
    results = tuple(line.result for line in lines if line.result is not None)
    run = _draft(facts, duration_s=lines[-1].at, subjects={}, scenarios=results)
    for line in lines:
        names = ("plan", "subjects", "capabilities", "subset", "strict")
        run = replace(run, **{name: value for name in names if (value := getattr(line, name)) is not None})
    if run.plan is None:
        roles = {"offerer": "", "answerer": "", "router": ""}
        run = replace(run, subset=True, plan=Plan(cases={r.id: r.requirements for r in results}, roles=roles))
    return run


def _lines(path: Path) -> list[_Line]:
    *complete, _truncated = read_bytes(path).split(b"\n")
    lines: list[_Line] = []
    for number, text in enumerate(complete, 1):
        if not text:
            continue
        try:
            lines.append(decode(text, _Line))
        except DocumentError as error:
            raise ResultsError(f"{path}, line {number}: {error}; run the scenarios again") from None
    return lines


def _draft(facts: RunFacts, **content: Any) -> Run:
    known = {each.name: getattr(facts, each.name) for each in fields(facts)}
    return Run(**known, **content, verdict=Verdict.PARTIAL, requirements=())
