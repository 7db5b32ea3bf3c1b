"""The scenarios that belong to this package, wherever it lies, read without pytest."""

import importlib.util
from dataclasses import dataclass
from difflib import get_close_matches
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


def closest_scenarios(argument: str) -> list[str]:
    """Return what a misspelt `argument` may mean, best first: up to three arguments of `clasp-e2e run`.

    It is the name of a file, of a scenario (with or without its file), or of a case, whose pairing is kept.
    """
    name, bracket, pairing = argument.partition("[")
    file, separator, scenario = name.rpartition("::")
    scenarios = [each.name for each in load_scenarios()]
    if separator:
        known, wanted = {each: each for each in scenarios}, f"{Path(file).stem}.py::{scenario}"
    else:
        known, wanted = {each.rpartition("::")[2]: each for each in scenarios}, Path(name).name
        known |= {each: each for each in (each.partition("::")[0] for each in scenarios)}
    begin = [each for each in known if each.startswith(wanted)][:3]
    close = begin or get_close_matches(wanted, known, cutoff=0.85) or get_close_matches(wanted, known, n=1)
    return [f"{known[each]}{bracket}{pairing}" for each in close]


def judging(requirement_id: str, bundled: list[Bundled]) -> list[Bundled]:
    """Return those of `bundled` that judge `requirement_id`."""
    return [each for each in bundled if requirement_id in each.scenario.requirements]
