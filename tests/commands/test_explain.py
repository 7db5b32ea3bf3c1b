from __future__ import annotations

import pytest

from clasp_e2e.commands.explain import WIDTH
from clasp_e2e.spec.catalogue import load_catalogue

from .conftest import Invoke


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("requirement_id", list(load_catalogue()))
def test_says_all_that_the_catalogue_holds(invoke: Invoke, requirement_id: str) -> None:
    requirement = load_catalogue().get(requirement_id)
    result = invoke("explain", requirement_id)
    assert result.exit_code == 0
    said = words(result.stdout)
    for text in (
        requirement.quote or requirement.source_text,
        requirement.statement,
        requirement.observed_by,
    ):
        assert words(text) in said
    assert all(f"{needed}  " in result.stdout for needed in requirement.precondition)
    assert max(map(len, result.stdout.splitlines())) <= WIDTH


def test_names_the_scenarios(invoke: Invoke) -> None:
    said = invoke("explain", "CON-5").stdout
    assert "test_connecting.py::test_connect_to_peer_leads_to_a_connection" in said


def test_names_the_mutants(invoke: Invoke) -> None:
    said = invoke("explain", "RTE-8").stdout
    assert "Proven by" in said
    assert "RelaysInP2POnly" in said


def test_names_the_variants(invoke: Invoke) -> None:
    said = invoke("explain", "CON-4").stdout
    assert "Must pass   " in said
    assert "EndsLinesWithLf" in said


def test_case_of_an_id_does_not_matter(invoke: Invoke) -> None:
    assert invoke("explain", "con-5").stdout == invoke("explain", "CON-5").stdout


def test_unknown_id_gets_a_suggestion(invoke: Invoke) -> None:
    result = invoke("explain", "COM-5")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: COM-5 is not in the catalogue; did you mean CON-5?")
    assert "clasp-e2e list" in result.stderr


def test_id_without_its_hyphen_gets_a_suggestion(invoke: Invoke) -> None:
    assert "did you mean RTE-9" in invoke("explain", "rte9").stderr


def test_no_id_is_usage(invoke: Invoke) -> None:
    result = invoke("explain")
    assert result.exit_code == 2
    assert "Missing argument 'ID'" in result.stderr
