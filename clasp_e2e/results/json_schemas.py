"""The JSON Schemas of all files that this package publishes, generated from the types that read them.

They are published in `schemas/`; after a change of the types, run `python -m clasp_e2e.results.json_schemas`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from clasp_e2e.results.difference import ResultsDifference
from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.evidence import CaseEvidence
from clasp_e2e.results.matrix_results import Matrix
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import write_document
from clasp_e2e.results.version_history import JudgedVersion

FOLDER = Path(__file__).parent / "schemas"
TYPES: Mapping[str, type] = {
    "results": Run,
    "evidence": CaseEvidence,
    "matrix": Matrix,
    "difference": ResultsDifference,
    "history": JudgedVersion,
}


def json_schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a record type."""
    return to_plain({"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(kind)})


if __name__ == "__main__":
    for name, kind in TYPES.items():
        write_document(json_schema(kind), FOLDER / f"{name}.schema.json")
