"""A run that was killed: `report` and `gate --of` show what it observed, and what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Invoke, environment

RUN = """
import sys
from itertools import count
from pathlib import Path

from clasp_e2e.results.journal import Journal, RunFacts
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.planned_cases import Plan
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.spec.catalogue import load_catalogue

catalogue = load_catalogue()
names = [each.id for each in catalogue.ordered() if each.level == "must" and "peer" in each.judges]
cases = {f"file::{name}[x-x]": (name,) for name in names}
cast = {"offerer": "x", "answerer": "x", "router": "reference"}
facts = RunFacts(
    catalogue=catalogue.hash, command="clasp-e2e run", seed=1, judged_roles=("answerer", "offerer")
)
journal = Journal.create(Path(sys.argv[1]), facts)
journal.note(plan=Plan(cases=cases, all_files=True, roles=cast, labels=("x",)), subset=False, strict=False)
for number in count():
    case, requirements = list(cases.items())[number % 9]
    if number < 9:
        outcome = Outcome.FAILED if number == 8 else Outcome.PASSED
        journal.append(ScenarioResult(
            id=case, title="A title.", requirements=requirements, pairing="x-x", outcome=outcome,
            message="expected x; seen: y" if number == 8 else "", roles=Pairing("x", "x"),
            judgments={requirements[0]: outcome},
        ))
    print(number, flush=True)
"""
"""A run that goes on until it is killed, whatever it is then doing."""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder)], stdout=subprocess.PIPE, env=environment()
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 20:
                break
        process.kill()
    return folder


def test_killed_run_is_reported_and_judged_with_what_is_missing(invoke: Invoke, killed: Path) -> None:
    total = len(json.loads((killed / "journal.jsonl").read_bytes().splitlines()[1])["plan"]["cases"])
    said = f"the run ended before {total - 9} of its cases"
    for form in ("--markdown", "--html", "--junit", "--badge"):
        result = invoke("report", str(killed), form, "-")
        assert (result.exit_code, result.exception) == (0, None)
        assert said in result.stderr
    result = invoke("gate", "--of", str(killed))
    assert result.exit_code == 1
    assert f"{total - 9} planned cases have no result" in result.output
    assert "expected x; seen: y" in result.output
    # What the gate has written over it is the run from now on.
    assert said not in invoke("report", str(killed)).stderr
