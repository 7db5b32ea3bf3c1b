"""The `clasp-e2e` command: a file for each subcommand. Bad usage ends with exit status 2."""

from __future__ import annotations

import importlib

import click

from clasp_e2e import __version__

__all__ = ["main"]

COMMANDS = {
    "run": "run:run",
    "matrix": "matrix:matrix",
    "gate": "gate:gate",
    "fuzz": "fuzz:fuzz",
    "model": "model:model",
    "list": "list:list_requirements",
    "explain": "explain:explain",
    "report": "report:report",
    "replay": "replay:replay",
    "router": "router:router",
    "doctor": "doctor:doctor",
    "connect": "connect:connect",
    "build-adapter": "build_adapter:build_adapter",
    "new-driver": "new_driver:new_driver",
    "completion": "completion:completion",
}
"""The subcommands by name: where each is found."""


class LateGroup(click.Group):
    """A group whose subcommands are imported when they are asked for.

    `run` starts pytest, which must be the first to import what it has plugins of (hypothesis).
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a user comes to need them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the subcommand, or None if there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        return getattr(importlib.import_module(f"clasp_e2e.commands.{module}"), name)


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="clasp-e2e", message="%(prog)s %(version)s")
def main() -> None:
    """Judge whether an implementation of CLASP's peer-to-peer connections does what it must."""
