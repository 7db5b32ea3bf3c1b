"""`clasp-e2e run`: run the scenarios of this package from any folder."""

import sys
from pathlib import Path

import click

from clasp_e2e.commands.options import DRIVER, chosen_scenarios, run_options
from clasp_e2e.plugin.invocation import option_arguments, run_scenarios


@click.command(epilog=DRIVER)
@run_options()
@click.option("--strict", is_flag=True, help="Count deviations as failures.")
@chosen_scenarios()
@click.option("--junitxml", metavar="PATH", help="Write a JUnit report too.")
def run(
    results: Path,
    keyword: str | None,
    markers: str | None,
    pytest_args: tuple[str, ...],
    **options: object,
) -> None:
    """Run the scenarios and print a verdict; without options, on the included reference.

    PYTEST_ARGS are scenario files (test_connecting.py), scenarios (test_connecting.py::test_NAME),
    and, after `--`, any options of pytest.

    Exit status: 0 conformant, or nothing failed in a chosen part; 1 not conformant; 2 usage;
    3 no verdict: partial although no part was chosen, inconclusive, or interrupted.
    """
    arguments = option_arguments(options | {"k": keyword, "m": markers})
    sys.exit(run_scenarios([*arguments, *pytest_args], results=results))
