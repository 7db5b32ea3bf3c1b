"""`clasp-e2e doctor DRIVER`: check a driver before any scenario runs."""

from __future__ import annotations

import asyncio
import sys
from textwrap import indent

import click
from rich.console import Console
from rich.text import Text

from clasp_e2e.commands import options
from clasp_e2e.commands.errors import CommandError
from clasp_e2e.doctor import CannotStart, Finding, Findings, Outcome, examine
from clasp_e2e.drivers.interface import Driver
from clasp_e2e.drivers.registry import UnknownDriver, resolve_driver
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.spec.catalogue import load_catalogue

_STYLES = {Outcome.OK: "green", Outcome.WRONG: "bold red", Outcome.REMARK: "yellow", Outcome.LEFT_OUT: "dim"}
_COLUMN = 24


@click.command()
@click.argument("driver", metavar="DRIVER")
@options.deadline_scale
def doctor(driver: str, deadline_scale: float) -> None:
    """Check DRIVER step by step, and print what is wrong with it and what to do.

    DRIVER is a registered name, module:attribute, or cmd:COMMAND LINE for an adapter over stdio.

    Exit status: 0 no fault; 1 a fault; 2 usage; 3 DRIVER could not be started.
    """
    catalogue = load_catalogue().hash
    try:
        found = resolve_driver(driver, catalogue=catalogue, deadline_scale=deadline_scale)
    except UnknownDriver as error:
        raise CommandError(str(error)) from None
    try:
        findings = asyncio.run(_examine(found, deadline_scale, catalogue))
    except CannotStart as error:
        raise CommandError(str(error), ExitStatus.INCONCLUSIVE) from None
    wrong = sum(finding.outcome is Outcome.WRONG for finding in findings)
    if wrong:
        click.echo(f"\n{wrong} {'thing is' if wrong == 1 else 'things are'} wrong.")
        sys.exit(ExitStatus.FAILED)
    click.echo("\nNothing is wrong that can be seen from outside. `clasp-e2e run` judges the implementation.")


async def _examine(driver: Driver, patience: float, catalogue: str) -> Findings:
    return await examine(driver, _tell, patience=patience, catalogue=catalogue)


def _tell(finding: Finding) -> None:
    """A line for the step, and what to do under it."""
    console = Console(highlight=False, soft_wrap=True)
    line = Text(f"{finding.step:{_COLUMN}}")
    line.append(f"{finding.outcome.value:9}", _STYLES[finding.outcome])
    line.append(f" {finding.text}")
    console.print(line)
    if finding.advice:
        console.print(Text(indent(f"→ {finding.advice}", " " * (_COLUMN + 10))))
    if finding.stderr:
        console.print(Text("    Its last lines on standard error:\n" + indent(finding.stderr, " " * 8)))
