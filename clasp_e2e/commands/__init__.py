"""The `clasp-e2e` command: a file for each subcommand. Bad usage ends with exit status 2."""

from __future__ import annotations

import click

from clasp_e2e import __version__
from clasp_e2e.commands.build_adapter import build_adapter
from clasp_e2e.commands.completion import completion
from clasp_e2e.commands.doctor import doctor
from clasp_e2e.commands.explain import explain
from clasp_e2e.commands.fuzz import fuzz
from clasp_e2e.commands.gate import gate
from clasp_e2e.commands.list import list_requirements
from clasp_e2e.commands.matrix import matrix
from clasp_e2e.commands.model import model
from clasp_e2e.commands.new_driver import new_driver
from clasp_e2e.commands.replay import replay
from clasp_e2e.commands.report import report
from clasp_e2e.commands.router import router
from clasp_e2e.commands.run import run

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="clasp-e2e", message="%(prog)s %(version)s")
def main() -> None:
    """Judge whether an implementation of CLASP's peer-to-peer connections does what it must."""


for command in (
    run,
    matrix,
    gate,
    fuzz,
    model,
    list_requirements,
    explain,
    report,
    replay,
    router,
    doctor,
    build_adapter,
    new_driver,
    completion,
):
    main.add_command(command)
