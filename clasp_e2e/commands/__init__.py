"""The `clasp-e2e` command, with one module per subcommand. Usage errors exit with status 2."""

import importlib
import subprocess
from pathlib import Path
from typing import Any

import click

from clasp_e2e import __version__
from clasp_e2e.commands.errors import errors_in_one_line

COMMANDS = {
    "run": ("run:run", "Run the scenarios and print a verdict."),
    "matrix": ("matrix:matrix", "Judge every pair of several implementations."),
    "gate": ("gate:gate", "Run, and fail on unexpected results."),
    "fuzz": ("fuzz:fuzz", "Send invalid and mutated input to a router and a peer."),
    "model": ("model:model", "Perform random calls and compare with a model."),
    "list": ("list:list_requirements", "List the requirements and their scenarios."),
    "explain": ("explain:explain", "Explain one requirement in full."),
    "spec": ("spec:spec", "Write the specification with the verdict of each sentence."),
    "prove": ("prove:prove", "Print which mutants and legal variants prove the checks."),
    "report": ("report:report", "Write reports of a run; merge the parts of a run."),
    "diff": ("diff:diff", "Compare two results: broken, mended, new."),
    "show": ("show:show", "Write a page to walk through one case."),
    "history": ("history:history", "Keep the results of each version, and show them together."),
    "bisect": ("bisect:bisect", "Find the first version that does not meet a requirement."),
    "replay": ("replay:replay", "Repeat one case of a run from its evidence."),
    "stress": ("stress:stress", "Repeat cases, and report those whose outcome changes."),
    "router": ("router:router", "Run the reference router."),
    "dissector": ("dissector:dissector", "Print the path of the Wireshark dissector."),
    "doctor": ("doctor:doctor", "Check an adapter or a driver step by step."),
    "connect": ("connect:connect", "Start an adapter for a run with --attach."),
    "build-adapter": ("build_adapter:build_adapter", "Build one of the included adapters."),
    "new-driver": ("new_driver:new_driver", "Create a template for an adapter."),
    "completion": ("completion:completion", "Print the completion script of a shell."),
}
"""The subcommands by name: module and attribute, and the summary in the list of commands."""


class LateGroup(click.Group):
    """A group that imports its subcommands on demand.

    `run` starts pytest, which must be the first to import modules with pytest plugins (hypothesis).
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, ordered from common to rare use."""
        del ctx
        return [*COMMANDS]  # The module `list` of this package shadows the built-in.

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the subcommand of this name, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        place, summary = COMMANDS[cmd_name]
        module, _, name = place.partition(":")
        command: click.Command = getattr(importlib.import_module(f"clasp_e2e.commands.{module}"), name)
        command.short_help = summary
        return command

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Return the context of the group; report an argument error in one line."""
        with errors_in_one_line(COMMANDS):
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; report an argument error in one line."""
        with errors_in_one_line(COMMANDS):
            return super().invoke(ctx)


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version, with the commit if this is a checkout."""
    if wanted and not ctx.resilient_parsing:
        click.echo(f"clasp-e2e {__version__}{_commit()}")
        ctx.exit()


def _commit() -> str:
    """Return ` (commit ...)` of the checkout that the package is in, or nothing."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    describe = ["git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(describe, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f" (commit {found.stdout.strip()})"


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def main() -> None:
    """Judge whether an implementation of CLASP's peer-to-peer connections conforms to its specification."""
