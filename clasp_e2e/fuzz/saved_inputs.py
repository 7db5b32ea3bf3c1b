"""Files of inputs that crash a target, which can be replayed."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clasp_e2e.fuzz.campaign import Crash
from clasp_e2e.fuzz.input_source import Input


class SavedInputsError(ValueError):
    """A file that is not a saved finding; the message says why."""


@dataclass(frozen=True, slots=True)
class SavedInputs:
    """Saved inputs, and the name of their target."""

    target: str
    inputs: tuple[Input, ...]


def save_finding(finding: Crash, directory: Path, seed: int) -> Path:
    """Write a finding to a new file in `directory`; return the file's path."""
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
    """Read a file that `save_finding` wrote. Raises `SavedInputsError`."""
    try:
        saved: Any = json.loads(path.read_text(encoding="utf-8"))
        return SavedInputs(str(saved["target"]), tuple(Input.from_json(each) for each in saved["inputs"]))
    except OSError as error:
        raise SavedInputsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SavedInputsError(
            f"{path} is not a finding of `clasp-e2e fuzz` ({type(error).__name__}: {error});"
            " give a file that it wrote"
        ) from error
