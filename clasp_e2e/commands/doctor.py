"""`clasp-e2e doctor DRIVER`: find the faults of a driver before any scenario runs."""

import asyncio
import sys
from textwrap import indent

import click
from rich.console import Console
from rich.text import Text

from clasp_e2e.commands import options
from clasp_e2e.commands.errors import reported
from clasp_e2e.doctor import CannotStart, CheckOutcome, CheckResult, examine
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.spec.catalogue import load_catalogue

_STYLES = {
    CheckOutcome.OK: "green",
    CheckOutcome.FAULT: "bold red",
    CheckOutcome.REMARK: "yellow",
    CheckOutcome.SKIPPED: "dim",
}
_COLUMN = 24


@click.command()
@click.argument("driver", metavar="DRIVER")
@options.deadline_scale
def doctor(driver: str, deadline_scale: float) -> None:
    """Check DRIVER step by step; for each fault, print what to do.

    DRIVER is a registered name, module:attribute, or cmd:COMMAND LINE for an adapter over stdio.

    Exit status: 0 no fault; 1 a fault; 2 usage; 3 the driver could not be started.
    """
    catalogue = load_catalogue().hash
    with reported(UnknownDriver):
        resolved = resolve_driver(driver, catalogue=catalogue, deadline_scale=deadline_scale)
    with reported(CannotStart, status=ExitStatus.INCONCLUSIVE):
        results = asyncio.run(examine(resolved, _show, patience=deadline_scale, catalogue=catalogue))
    if count := len(results.faults):
        click.echo(f"\n{count} {'fault' if count == 1 else 'faults'} found.")
        sys.exit(ExitStatus.FAILED)
    click.echo("\nNo fault of the driver was found. Use `clasp-e2e run` to judge the implementation.")


def _show(result: CheckResult) -> None:
    """Print a check in one line, with advice and standard error below it."""
    console = Console(highlight=False, soft_wrap=True)
    line = Text(f"{result.check:{_COLUMN}}")
    line.append(f"{result.outcome.value:8}", _STYLES[result.outcome])
    line.append(f" {result.text}")
    console.print(line)
    if result.advice:
        console.print(Text(indent(f"→ {result.advice}", " " * (_COLUMN + 9))))
    if result.stderr:
        console.print(Text("    Its last lines on standard error:\n" + indent(result.stderr, " " * 8)))
