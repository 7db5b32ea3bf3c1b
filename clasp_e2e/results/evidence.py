"""Evidence: what was seen in one case, kept for whoever doubts its result, and what repeats the case."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from clasp_e2e.results.compact import compact
from clasp_e2e.results.documents import read_document
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.results.timeline import Timeline

_LONGEST_NAME = 180


Seen: TypeAlias = Mapping[str, Mapping[str, Any] | str]
"""What the evidence of a run holds, by case, as `read_trace` returns it; a text says why there is none."""


class EvidenceError(Exception):
    """A file is no evidence, or none that can be repeated; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A case as it was found, and how it was run."""

    result: ScenarioResult
    """Before the rest of its run was taken into account: not blocked by it, and no known failure."""
    seed: int
    case: str
    drivers: Mapping[str, str]
    """By option (`peer`, `offerer`, `answerer`): what was named there."""
    router: str | None
    switches: tuple[str, ...]
    """The options without a value that change what is run, as `coturn`."""
    deadline_scale: float


def write_evidence(
    directory: Path,
    result: ScenarioResult,
    timeline: Timeline,
    facts: object,
    *,
    seed: int,
    stderr: Mapping[str, str] | None = None,
    run: Mapping[str, object] | None = None,
) -> Path:
    """Write the result, the timeline and the network's `facts` of one case; return the file.

    `facts` is plain data, and so is what stands in `stderr`: the last lines that each client's adapter
    wrote, by client. `run` says under which conditions the case ran, so that it can be repeated:
    `drivers`, `router`, `switches`, `deadline_scale`, `tool` and `subjects`. What JSON has no form for
    goes as text. Where all went well the timeline is pruned to a compact trace. `pruned` says how many
    entries are left out, announcements of other scenarios' sessions among them. A case's earlier
    evidence is replaced.
    """
    passed = result.outcome in (Outcome.PASSED, Outcome.NOT_OFFERED)
    trace, left_out = compact(timeline) if passed else (timeline.entries, 0)
    document: dict[str, object] = {
        "scenario": result.to_json(),
        "run": {"seed": seed, "case": result.id, "pairing": result.pairing, **(run or {})},
        "seed": seed,
        "timeline": [entry.to_json() for entry in trace],
        "network": facts,
    }
    if passed or timeline.of_strangers:
        document["pruned"] = {"left_out": left_out + timeline.of_strangers}
    if stderr and not passed:
        document["stderr"] = dict(stderr)
    directory.mkdir(parents=True, exist_ok=True)
    path = evidence_path(directory, result.id)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    return path


def evidence_path(directory: Path, case_id: str) -> Path:
    """Return where the evidence of a case lies in `directory`."""
    return directory / f"{_file_name(case_id)}.json"


def read_evidence(path: Path) -> Evidence:
    """Read what repeats a case. Raises `EvidenceError`."""
    found = _document(path)
    try:
        run = found["run"]
        return Evidence(
            ScenarioResult.from_json(found["scenario"]),
            int(run["seed"]),
            str(run["case"]),
            {str(role): str(spec) for role, spec in run["drivers"].items()},
            run["router"],
            tuple(str(name) for name in run["switches"]),
            float(run["deadline_scale"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(
            f"{path}: this is no evidence that can be repeated ({type(error).__name__}: {error}); name a file"
            " of a run's evidence folder, written by this version"
        ) from None


def read_trace(path: Path, case: str) -> dict[str, Any]:
    """Return what the evidence of `case` shows: `timeline`, `network`, `stderr`, `pruned`, as written.

    Raises `EvidenceError` where it is gone, cut short, another case's, or in another form.
    """
    document = _document(path)
    absent: dict[str, Any] = {"timeline": [], "network": None, "stderr": {}, "pruned": {}}
    shown = absent | document
    try:
        if (told := document["scenario"]["id"]) != case:
            raise EvidenceError(f"{path}: this is the evidence of {told}")
        _expect(document["timeline"], list, "timeline")
        for number, entry in enumerate(document["timeline"]):
            _expect_entry(entry, f"timeline[{number}]")
        for client, text in shown["stderr"].items():
            _expect(text, str, f"stderr of {client}")
        _expect(shown["pruned"].get("left_out", 0), int, "pruned")
    except KeyError as error:
        raise EvidenceError(f"{path}: the key {error} is missing") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise EvidenceError(f"{path}: this is no evidence ({error})") from None
    return shown


def _expect_entry(entry: Mapping[str, object], where: str) -> None:
    for key, kind in {"at": (int, float), "kind": str, "who": str, "what": str}.items():
        _expect(entry[key], kind, f"{where}.{key}")
    for key in ("to", "frame"):
        _expect(entry.get(key, ""), str, f"{where}.{key}")


def _expect(value: object, kind: type | tuple[type, ...], where: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{where} is {str(value)[:40]!r}")


def _document(path: Path) -> dict[str, Any]:
    try:
        document = read_document(path)
    except FileNotFoundError:
        raise EvidenceError(f"{path}: there is no such file") from None
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise EvidenceError(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise EvidenceError(f"{path}: this is no evidence: it holds no names")
    return cast("dict[str, Any]", document)


def _file_name(case_id: str) -> str:
    name = re.sub(r"[^\w.-]+", "_", case_id, flags=re.ASCII).strip("_.")
    if len(name) <= _LONGEST_NAME:
        return name or "case"
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(case_id.encode()).hexdigest()[:8]}"
