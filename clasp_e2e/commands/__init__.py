"""The `clasp-e2e` command: a file for each subcommand. Bad usage ends with exit status 2."""

import importlib
from typing import Any

import click

from clasp_e2e import __version__
from clasp_e2e.commands.errors import errors_in_one_line

COMMANDS = {
    "run": ("run:run", "Run the scenarios and print a verdict."),
    "matrix": ("matrix:matrix", "Judge every pair of several implementations."),
    "gate": ("gate:gate", "Run, and fail on anything but known failures."),
    "fuzz": ("fuzz:fuzz", "Send invalid and mutated input to a router and a peer."),
    "model": ("model:model", "Perform random calls and compare with a model."),
    "list": ("list:list_requirements", "List the requirements and their scenarios."),
    "explain": ("explain:explain", "Explain one requirement in full."),
    "report": ("report:report", "Write reports of a run; merge the parts of a run."),
    "replay": ("replay:replay", "Repeat one case of a run from its evidence."),
    "router": ("router:router", "Run the reference router."),
    "doctor": ("doctor:doctor", "Check an adapter or a driver step by step."),
    "connect": ("connect:connect", "Start an adapter for a run that waits with --attach."),
    "build-adapter": ("build_adapter:build_adapter", "Build one of the included adapters."),
    "new-driver": ("new_driver:new_driver", "Create an adapter to start from."),
    "completion": ("completion:completion", "Print the completion script of a shell."),
}
"""The subcommands by name: where each is found, and what the list of commands says of it."""


class LateGroup(click.Group):
    """A group whose subcommands are imported when they are asked for.

    `run` starts pytest, which must be the first to import what it has plugins of (hypothesis).
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a user comes to need them."""
        del ctx
        return [*COMMANDS]  # The module `list` of this package hides the built-in once it is imported.

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the subcommand, or None if there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        place, summary = COMMANDS[cmd_name]
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(f"clasp_e2e.commands.{module}"), name)
        command.short_help = summary
        return command

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Return the context of the group; what is wrong with its arguments is said in one line."""
        with errors_in_one_line(COMMANDS):
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; what is wrong with its arguments is said in one line."""
        with errors_in_one_line(COMMANDS):
            return super().invoke(ctx)


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="clasp-e2e", message="%(prog)s %(version)s")
def main() -> None:
    """Judge whether an implementation of CLASP's peer-to-peer connections conforms to its specification."""
