from __future__ import annotations

from pathlib import Path

import click
import pytest

import clasp_e2e
from clasp_e2e.execution.bundled_scenarios import Bundled, closest_scenarios, load_scenarios, scenarios_root


def test_scenario_names_are_unique() -> None:
    names = [each.scenario.name for each in load_scenarios()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("place", ["checkout/scenarios", "checkout/clasp_e2e/scenarios"])
def test_scenarios_are_found_next_to_or_in_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / place).mkdir(parents=True)
    monkeypatch.setattr(clasp_e2e, "__file__", str(tmp_path / "checkout/clasp_e2e/__init__.py"))
    assert scenarios_root() == (tmp_path / place).parent


def test_installation_without_scenarios_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clasp_e2e, "__file__", str(tmp_path / "clasp_e2e/__init__.py"))
    with pytest.raises(click.ClickException, match="incomplete; reinstall clasp-e2e"):
        scenarios_root()


@pytest.mark.parametrize(
    ("argument", "meant"),
    [
        ("test_conecting.py", "test_connecting.py"),
        ("scenarios/test_conecting.py", "test_connecting.py"),
        ("conecting", "test_connecting.py"),
        ("test_client_gets_session", "test_connecting.py::test_client_gets_a_session"),
        ("test_client_gets_a", "test_connecting.py::test_client_gets_a_session"),
        ("test_conecting.py::test_client_gets_a_session", "test_connecting.py::test_client_gets_a_session"),
        ("test_connecting::test_client_gets[iut]", "test_connecting.py::test_client_gets_a_session[iut]"),
    ],
)
def test_misspelt_scenario_gets_suggestion(argument: str, meant: str) -> None:
    assert closest_scenarios(argument)[0] == meant


def test_unrelated_word_gets_no_suggestion() -> None:
    assert closest_scenarios("xyz") == []


@pytest.mark.parametrize("bundled", load_scenarios()[:3], ids=lambda bundled: bundled.name)
def test_scenario_is_closest_to_itself(bundled: Bundled) -> None:
    assert closest_scenarios(bundled.name)[0] == bundled.name
