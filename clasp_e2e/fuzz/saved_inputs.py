"""What a target died of, as a file that shows it again."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clasp_e2e.fuzz.campaign import Crash
from clasp_e2e.fuzz.input_source import Input


class SavedInputsError(ValueError):
    """A file that holds no finding; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SavedInputs:
    """Inputs for the target of that name."""

    target: str
    inputs: tuple[Input, ...]


def save_finding(finding: Crash, directory: Path, seed: int) -> Path:
    """Write a finding to a new file in `directory`, and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{re.sub(r'[^a-z]+', '-', finding.target)}-{seed}-batch-{finding.batch}.json"
    saved = {
        "target": finding.target,
        "seed": seed,
        "batch": finding.batch,
        "requirement": finding.requirement,
        "what": finding.what,
        "reproduced": finding.reproduced,
        "inputs": [each.to_json() for each in finding.inputs],
    }
    path.write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")
    return path


def load_replay(path: Path) -> SavedInputs:
    """Read what `save_finding` wrote. Raises `EvidenceError`."""
    try:
        saved: Any = json.loads(path.read_text(encoding="utf-8"))
        return SavedInputs(str(saved["target"]), tuple(Input.from_json(each) for each in saved["inputs"]))
    except OSError as error:
        raise SavedInputsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SavedInputsError(
            f"{path} holds no finding of `clasp-e2e fuzz` ({type(error).__name__}: {error});"
            " name a file that it wrote"
        ) from error
