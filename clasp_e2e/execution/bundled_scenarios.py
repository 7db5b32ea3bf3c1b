"""The scenarios of this package, loaded without pytest."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import click

import clasp_e2e
from clasp_e2e.testbed.scenario import Scenario, scenario_of


@dataclass(frozen=True, slots=True)
class Bundled:
    """A scenario and the name of its file."""

    file: str
    scenario: Scenario

    @property
    def name(self) -> str:
        """The name in pytest's form, as in `test_connecting.py::test_client_gets_a_session`."""
        return f"{self.file}::{self.scenario.name}"


def scenarios_root() -> Path:
    """Return the folder that contains `scenarios/`: that of an installed package, or its checkout.

    Raises `click.ClickException` if there is none.
    """
    package = Path(clasp_e2e.__file__).resolve().parent
    for root in (package, package.parent):
        if (root / "scenarios").is_dir():
            return root
    raise click.ClickException(
        f"no folder `scenarios` in or next to {package}: the installation is incomplete; reinstall clasp-e2e"
    )


@cache
def load_scenarios() -> tuple[Bundled, ...]:
    """Return all scenarios in the order of their files. Raises the exceptions of a broken scenario file."""
    found: list[Bundled] = []
    for path in sorted((scenarios_root() / "scenarios").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"clasp_e2e_scenarios_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        marked = (scenario_of(value) for value in vars(module).values())
        found += [Bundled(path.name, scenario) for scenario in marked if scenario is not None]
    return tuple(found)


def closest_scenarios(argument: str) -> list[str]:
    """Return up to three arguments of `clasp-e2e run` that are close to a misspelt `argument`, best first.

    `argument` names a file, a scenario (with or without its file), or a case, whose pairing is kept.
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


def judging(requirement_id: str, bundled: Iterable[Bundled]) -> list[Bundled]:
    """Return the scenarios of `bundled` that judge `requirement_id`."""
    return [each for each in bundled if requirement_id in each.scenario.requirements]
