from __future__ import annotations

import json

import pytest

from clasp_e2e.execution.bundled_scenarios import load_scenarios
from clasp_e2e.spec.catalogue import load_catalogue

from .conftest import Invoke


def test_lines_name_every_requirement_once(invoke: Invoke) -> None:
    result = invoke("list")
    assert result.exit_code == 0
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == list(load_catalogue())
    assert {len(line) for line in lines} == {4}


def test_every_scenario_is_listed_under_what_it_judges(invoke: Invoke) -> None:
    fields = (line.split("\t") for line in invoke("list").stdout.splitlines())
    listed = {requirement: set(names.split(",")) for requirement, _, _, names in fields}
    bundled = load_scenarios()
    assert bundled
    for each in bundled:
        for requirement in each.scenario.requirements:
            assert each.scenario.name in listed[requirement]


def test_requirement_without_scenarios_shows_a_dash(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clasp_e2e.commands.list.load_scenarios", list)
    assert {line.split("\t")[3] for line in invoke("list").stdout.splitlines()} == {"-"}


def test_json_says_the_same_and_more(invoke: Invoke) -> None:
    document = json.loads(invoke("list", "--json").stdout)
    catalogue = load_catalogue()
    assert [entry["id"] for entry in document] == list(catalogue)
    entry = next(entry for entry in document if entry["id"] == "CON-5")
    assert entry["level"] == "must"
    assert entry["statement"] == catalogue.get("CON-5").statement
    assert entry["scenarios"][0]["file"] == "test_connecting.py"


def test_terminal_gets_a_table(invoke: Invoke) -> None:
    result = invoke("list", FORCE_COLOR="1", COLUMNS="120")
    assert result.exit_code == 0
    assert "\t" not in result.stdout
    assert "Scenarios" in result.stdout
    assert f"{len(load_catalogue())} requirements" in result.stdout.replace("\x1b[1;36m", "").replace(
        "\x1b[0m", ""
    )
