"""Invocation of pytest on the scenarios of this package, from any folder."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from clasp_e2e.execution.bundled_scenarios import scenarios_root
from clasp_e2e.results.exit_status import ExitStatus

SETTINGS = Path(__file__).with_name("pytest.toml")


def option_arguments(options: Mapping[str, object]) -> list[str]:
    """Return options as arguments of pytest, except those that are None or False."""
    arguments: list[str] = []
    for name, value in options.items():
        option = f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"
        if value is True:
            arguments.append(option)
        elif value is not None and value is not False:
            arguments += [option, str(value)] if len(name) == 1 else [f"{option}={value}"]
    return arguments


def run_scenarios(arguments: Sequence[str], *, results: Path, plugins: Sequence[object] = ()) -> int:
    """Run pytest on the scenarios of this package and return the exit status.

    `arguments` are options of the harness and of pytest, and scenarios by file or name (by default, all);
    `results` is the output directory; `plugins` are objects with hooks.
    """
    fixed = ["--results", str(results), "--clasp-command", shlex.join(["clasp-e2e", *sys.argv[1:]])]
    # The cache belongs in the user's folder.
    fixed += ["-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"]
    status = pytest.main([*pytest_arguments(arguments), *fixed], plugins=plugins)
    return ExitStatus.USAGE if status == pytest.ExitCode.USAGE_ERROR else int(status)


def pytest_arguments(targets_and_options: Sequence[str]) -> list[str]:
    """Return the arguments with which pytest reads the given scenarios, or by default all of them."""
    root = scenarios_root()
    # --noconftest, because the conftest.py of a checkout also names the plugin. Hypothesis is not needed; its
    # plugin imports it, which takes 0.2 s.
    own = ["-p", "clasp_e2e.plugin", "-p", "no:hypothesispytest"]
    place = ["-c", str(SETTINGS), "--rootdir", str(root), "--noconftest"]
    return [*own, *place, *targets(root, targets_and_options)]


def targets(root: Path, arguments: Sequence[str]) -> list[str]:
    """Return `arguments` with the paths of scenario files resolved; add all scenarios if they name none."""
    found: list[str] = []
    named = False
    for argument in arguments:
        file, separator, rest = argument.partition("::")
        path = find_file(file, root)
        named = named or path is not None
        found.append(f"{path}{separator}{rest}" if path else argument)
    return found if named else [*found, str(root / "scenarios")]


def find_file(name: str, root: Path | None = None) -> Path | None:
    """Return the scenario file that `name` refers to: one of this package, or any other Python file."""
    root = root or scenarios_root()
    paths = [root / "scenarios" / name, root / name, Path(name)]
    return next((path for path in paths if name.endswith(".py") and path.is_file()), None)
