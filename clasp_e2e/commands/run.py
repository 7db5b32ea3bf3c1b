"""`clasp-e2e run`: pytest on the scenarios of this package, wherever it is started."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import pytest

from clasp_e2e.commands.options import attach
from clasp_e2e.execution.bundled_scenarios import scenarios_root

USAGE = 2
SETTINGS = Path(__file__).with_name("pytest.toml")

DRIVER = "DRIVER is a registered name, module:attribute, or cmd:COMMAND LINE for an adapter over stdio."


@click.command(epilog=DRIVER)
@click.option("--peer", metavar="DRIVER", help="Judge this implementation in both roles.")
@click.option("--offerer", metavar="DRIVER", help="Judge this implementation as the one that connects.")
@click.option("--answerer", metavar="DRIVER", help="Judge this implementation as the one connected to.")
@click.option("--router", metavar="DRIVER", help="Judge this router: a driver, or the ws:// URL of one.")
@attach
@click.option("--seed", type=int, help="Seed of all payloads (default: a new one, printed).")
@click.option("--attack-router", is_flag=True, help="Attack a router named by its ws:// URL too (RTR-7).")
@click.option("--strict", is_flag=True, help="Count deviations as failures.")
@click.option("--deadline-scale", type=float, metavar="X", help="Stretch the harness's own patience.")
@click.option(
    "--results",
    metavar="DIR",
    default="reports/latest",
    show_default=True,
    help="Where results and evidence go.",
)
@click.option("--baseline", metavar="FILE", help="Known failures, in the place of those of the drivers.")
@click.option("--coturn", is_flag=True, help="Have coturn, not the embedded TURN server, relay for ICE-3.")
@click.option("-k", "keyword", metavar="EXPRESSION", help="Only scenarios whose names match (as in pytest).")
@click.option("-m", "markers", metavar="EXPRESSION", help='Only scenarios so marked, e.g. "not slow".')
@click.option("--junitxml", metavar="PATH", help="Write a JUnit report too.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def run(
    attack_router: bool,
    strict: bool,
    coturn: bool,
    results: str,
    keyword: str | None,
    markers: str | None,
    pytest_args: tuple[str, ...],
    **options: str | float | None,
) -> None:
    """Run the scenarios and reach a verdict; with no options, on the embedded reference.

    PYTEST_ARGS are scenario files (test_connecting.py), scenarios (test_connecting.py::test_NAME),
    and, after `--`, any options of pytest's.

    Exit status: 0 conformant, or nothing failed in a chosen part; 1 not conformant; 2 usage;
    3 partial without such a choice, or inconclusive.
    """
    arguments = option_arguments(
        options | {"k": keyword, "m": markers}, strict=strict, coturn=coturn, attack_router=attack_router
    )
    sys.exit(run_scenarios([*arguments, *pytest_args], results=results))


def option_arguments(options: Mapping[str, object], **switches: bool) -> list[str]:
    """Return options as pytest takes them; those that are None, and switches that are off, are left out."""
    arguments = [f"--{name.replace('_', '-')}" for name, given in switches.items() if given]
    for name, value in options.items():
        if value is not None:
            option = f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"
            arguments += [option, str(value)] if len(name) == 1 else [f"{option}={value}"]
    return arguments


def run_scenarios(arguments: Sequence[str], *, results: str, plugins: Sequence[object] = ()) -> int:
    """Run pytest on the scenarios of this package and return the exit status.

    `arguments` are options of the harness and of pytest, and scenarios by file or name, all of them
    if none is named; `results` is where results and evidence go; `plugins` are objects with hooks.
    """
    fixed = ["--results", results, "--clasp-command", shlex.join(["clasp-e2e", *sys.argv[1:]])]
    # A cache belongs where the user is.
    fixed += ["-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"]
    status = pytest.main([*pytest_arguments(arguments), *fixed], plugins=plugins)
    return USAGE if status == pytest.ExitCode.USAGE_ERROR else int(status)


def pytest_arguments(targets_and_options: Sequence[str]) -> list[str]:
    """Return what to tell pytest for it to read the scenarios among its arguments, or all of them."""
    root = scenarios_root()
    # A checkout's conftest.py speaks to pytest itself.
    own = ["-p", "clasp_e2e.plugin", "-c", str(SETTINGS), "--rootdir", str(root), "--noconftest"]
    return [*own, *targets(root, targets_and_options)]


def targets(root: Path, arguments: Sequence[str]) -> list[str]:
    """Return `arguments` with the scenario files among them found; all scenarios if they name none."""
    found: list[str] = []
    named = False
    for argument in arguments:
        file, separator, rest = argument.partition("::")
        places = [root / "scenarios" / file, root / file, Path(file)]
        place = next((place for place in places if file.endswith(".py") and place.is_file()), None)
        named = named or place is not None
        found.append(f"{place}{separator}{rest}" if place else argument)
    return found if named else [*found, str(root / "scenarios")]
