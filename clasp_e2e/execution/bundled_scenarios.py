"""The scenarios that belong to this package, wherever it lies, read without pytest."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import click

import clasp_e2e
from clasp_e2e.testbed.scenario import Scenario, scenario_of


@dataclass(frozen=True, slots=True)
class Bundled:
    """A scenario and the name of the file that it stands in."""

    file: str
    scenario: Scenario

    @property
    def name(self) -> str:
        """The name by which pytest knows it, as in `test_connecting.py::test_client_gets_a_session`."""
        return f"{self.file}::{self.scenario.name}"


def scenarios_root() -> Path:
    """Return the folder that holds `scenarios/`: the package if it is installed, otherwise its checkout.

    Code and scenarios so come from one place always. Raises `click.ClickException` if there are none.
    """
    package = Path(clasp_e2e.__file__).resolve().parent
    for root in (package, package.parent):
        if (root / "scenarios").is_dir():
            return root
    raise click.ClickException(
        f"no scenarios beside {package}: this installation is not complete; install clasp-e2e again"
    )


def load_scenarios() -> list[Bundled]:
    """Return all scenarios in the order of their files. Raises what a broken scenario file raises."""
    found: list[Bundled] = []
    for path in sorted((scenarios_root() / "scenarios").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"clasp_e2e_scenarios_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        marked = (scenario_of(value) for value in vars(module).values())
        found += [Bundled(path.name, scenario) for scenario in marked if scenario is not None]
    return found


def judging(requirement_id: str, bundled: list[Bundled]) -> list[Bundled]:
    """Return those of `bundled` that judge `requirement_id`."""
    return [each for each in bundled if requirement_id in each.scenario.requirements]
