"""The published JSON Schemas equal those of the types, and real files conform to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from testbed.cases import case, judge, opened_run
from testbed.fakes import FakeDriver, raises

from clasp_e2e.results.json_schemas import FOLDER, TYPES, json_schema
from clasp_e2e.testbed import SinglePeer

MATRIX = Path(__file__).parents[2] / "reports/matrix/matrix.json"


def published(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.schema.json").read_bytes())


@pytest.mark.parametrize("name", TYPES)
def test_published_schema_is_the_one_of_the_type(name: str) -> None:
    assert published(name) == json_schema(TYPES[name]), "run: python -m clasp_e2e.results.json_schemas"
    Draft202012Validator.check_schema(published(name))


def test_published_matrix_satisfies_its_schema() -> None:
    Draft202012Validator(published("matrix")).validate(json.loads(MATRIX.read_bytes()))


async def asks_the_mode(single: SinglePeer) -> None:
    """The mode of a client is read."""
    await (await single.attach()).p2p_routing_mode()


async def test_results_of_a_run_satisfy_their_schema_but_without_a_verdict(tmp_path: Path) -> None:
    run = await opened_run(FakeDriver(), directory=tmp_path)
    run.begin_record(subset=False, all_files=True)
    found = await judge(run, case(asks_the_mode))
    run.record(found.result)
    run.finish(subset=False, all_files=True)
    validator = Draft202012Validator(published("results"))
    document = json.loads((tmp_path / "results.json").read_bytes())
    assert document["scenarios"]
    validator.validate(document)
    del document["verdict"]
    assert not validator.is_valid(document)


@pytest.mark.parametrize("faults", [{}, {"p2p_routing_mode": raises}], ids=["passed", "error"])
async def test_evidence_of_a_case_satisfies_its_schema(tmp_path: Path, faults: dict[str, Any]) -> None:
    run = await opened_run(FakeDriver(**faults), directory=tmp_path)
    found = await judge(run, case(asks_the_mode))
    assert found.result.evidence is not None
    document = json.loads((tmp_path / "evidence" / Path(found.result.evidence).name).read_bytes())
    Draft202012Validator(published("evidence")).validate(document)
    assert document["timeline"]
