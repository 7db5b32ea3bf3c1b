"""The history of an implementation: one line for each judged version, in a file that a repository can hold.

The JSON Schema of a line is `schemas/history.schema.json`. The order of the lines is that of the versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from clasp_e2e.results.documents import DocumentError, decode, encode
from clasp_e2e.results.outcome import RequirementVerdict, Verdict
from clasp_e2e.results.run_record import Run, SchemaNumber
from clasp_e2e.results.store import ResultsError, replace_file
from clasp_e2e.spec.catalogue import concerns

SCHEMA = 1
"""The schema version of a line."""

BAD = frozenset({RequirementVerdict.FAIL, RequirementVerdict.DEVIATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedVersion:
    """The results of one version: a line of the history."""

    schema: SchemaNumber = SCHEMA
    version: str
    """The version as the user names it: a release or a commit."""
    implementation: str
    """The name that its adapter gives."""
    started: str
    """ISO 8601, UTC."""
    tool: Mapping[str, str]
    catalogue: str
    """The hash of the catalogue of requirements."""
    verdict: Verdict
    requirements: Mapping[str, RequirementVerdict]
    """The verdict by requirement, without those that concern roles that were not judged."""
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    """By requirement that was not met, the first line of a message that shows it."""


class Trend(StrEnum):
    """How the verdicts on a requirement developed over the versions; the order is that of reports."""

    BROKEN = "broken"
    """Not met in the newest version that was judged, and met before."""
    NEVER_MET = "never_met"
    """Not met in any version that was judged."""
    MENDED = "mended"
    """Met in the newest version that was judged, and not met before."""
    MET = "met"
    """Met in every version that was judged."""
    NOT_JUDGED = "not_judged"
    """Judged in no version."""


@dataclass(frozen=True, slots=True)
class BadVersions:
    """Successive versions that did not meet a requirement; some of them may not have judged it."""

    last_good: str | None
    """The last version before them that met it; None if they are the first that judged it."""
    first_bad: str
    first_good: str | None = None
    """The first version after them that met it, or None."""


@dataclass(frozen=True, slots=True)
class RequirementHistory:
    """The verdicts on one requirement over the versions."""

    id: str
    verdicts: tuple[RequirementVerdict | None, ...]
    """By version, from the oldest; None where the run did not list the requirement."""
    bad: tuple[BadVersions, ...]
    trend: Trend


def judged_version(run: Run, version: str) -> JudgedVersion:
    """Return the line of the history for `run`."""
    ours = [item for item in run.requirements if concerns(item.judges, run.judged_roles)]
    judged = [role for role in ("offerer", "answerer", "router") if role in run.judged_roles]
    names = [run.subjects[role].name for role in judged if role in run.subjects]
    reasons = {
        item.id: next((_first_line(case.message) for case in run.scenarios if case.did_not_meet(item.id)), "")
        for item in ours
        if item.verdict in BAD
    }
    return JudgedVersion(
        version=version,
        implementation=", ".join(dict.fromkeys(names)),
        started=run.started,
        tool=run.tool,
        catalogue=run.catalogue,
        verdict=run.verdict,
        requirements={item.id: item.verdict for item in ours},
        reasons=reasons,
    )


def add_version(history: Sequence[JudgedVersion], added: JudgedVersion) -> list[JudgedVersion]:
    """Return the history with a version: in place of the same version, or else at the end."""
    if any(each.version == added.version for each in history):
        return [added if each.version == added.version else each for each in history]
    return [*history, added]


def requirement_histories(history: Sequence[JudgedVersion]) -> list[RequirementHistory]:
    """Return the verdicts by requirement, in the order in which requirements first appear."""
    names = dict.fromkeys(name for version in history for name in version.requirements)
    return [_history_of(name, history) for name in names]


def _history_of(name: str, history: Sequence[JudgedVersion]) -> RequirementHistory:
    verdicts = tuple(version.requirements.get(name) for version in history)
    bad: list[BadVersions] = []
    is_bad = False
    last_good: str | None = None
    for version, verdict in zip(history, verdicts, strict=True):
        if verdict in BAD:
            if not is_bad:
                bad.append(BadVersions(last_good, version.version))
            is_bad = True
        elif verdict is RequirementVerdict.PASS:
            if is_bad:
                bad[-1] = replace(bad[-1], first_good=version.version)
            is_bad, last_good = False, version.version
    if is_bad:
        trend = Trend.BROKEN if last_good else Trend.NEVER_MET
    elif last_good:
        trend = Trend.MENDED if bad else Trend.MET
    else:
        trend = Trend.NOT_JUDGED
    return RequirementHistory(name, verdicts, tuple(bad), trend)


def read_history(path: Path) -> list[JudgedVersion]:
    """Read a history. Raises `ResultsError` with the line that is wrong."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise ResultsError(
            f"{path} does not exist; `clasp-e2e history add RESULTS --version V` creates it"
        ) from None
    except OSError as error:
        raise ResultsError(f"{path} cannot be read ({error.strerror})") from None
    history: list[JudgedVersion] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            version = decode(line, JudgedVersion)
        except DocumentError as error:
            raise ResultsError(f"{path}, line {number}: not a line of a history: {error}") from None
        if version.schema != SCHEMA:
            raise ResultsError(
                f"{path}, line {number}: schema {version.schema}, and this version reads schema {SCHEMA}; use"
                " the version of clasp-e2e that wrote it"
            )
        history.append(version)
    return history


def write_history(history: Sequence[JudgedVersion], path: Path) -> None:
    """Write a history atomically. Raises `ResultsError`."""
    replace_file(path, b"".join(encode(version) + b"\n" for version in history))


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0]
