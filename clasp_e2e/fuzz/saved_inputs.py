"""Files of inputs that crash a target, which can be replayed."""

import re
from pathlib import Path

from clasp_e2e.fuzz.campaign import Crash
from clasp_e2e.results.documents import DocumentError, decode
from clasp_e2e.results.store import write_document


class SavedInputsError(ValueError):
    """A file that is not a saved finding; the message says why."""


def save_finding(finding: Crash, directory: Path) -> Path:
    """Write a finding to a new file in `directory`; return the file's path."""
    target = re.sub(r"[^a-z]+", "-", finding.target)
    path = directory / f"{target}-{finding.seed}-batch-{finding.batch}.json"
    write_document(finding, path, indent=1)
    return path


def load_finding(path: Path) -> Crash:
    """Read a file that `save_finding` wrote. Raises `SavedInputsError`."""
    try:
        return decode(path.read_bytes(), Crash)
    except OSError as error:
        raise SavedInputsError(f"{path} cannot be read: {error.strerror}") from error
    except DocumentError as error:
        raise SavedInputsError(
            f"{path} is not a finding of `clasp-e2e fuzz` ({error}); give a file that it wrote"
        ) from error
