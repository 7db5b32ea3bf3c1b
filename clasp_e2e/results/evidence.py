"""Evidence: what was seen in one case, kept for whoever doubts its result."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from clasp_e2e.results.model import ScenarioResult
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.timeline import Timeline

_LONGEST_NAME = 180


def write_evidence(
    directory: Path,
    result: ScenarioResult,
    timeline: Timeline,
    facts: object,
    *,
    seed: int,
    stderr: Mapping[str, str] | None = None,
) -> Path:
    """Write the result, the whole timeline and the network's `facts` of one case; return the file.

    `facts` is plain data, and so is what stands in `stderr`: the last lines that each client's adapter
    wrote, by client. What JSON has no form for goes as text. Where all went well, frames are left out. A
    case's earlier evidence is replaced.
    """
    passed = result.outcome in (Outcome.PASSED, Outcome.NOT_OFFERED)
    document: dict[str, object] = {
        "scenario": result.to_json(),
        "seed": seed,
        "timeline": timeline.to_json(frames=not passed),
        "network": facts,
    }
    if stderr and not passed:
        document["stderr"] = dict(stderr)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{_file_name(result.id)}.json"
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    return path


def _file_name(case_id: str) -> str:
    name = re.sub(r"[^\w.-]+", "_", case_id, flags=re.ASCII).strip("_.")
    if len(name) <= _LONGEST_NAME:
        return name or "case"
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(case_id.encode()).hexdigest()[:8]}"
