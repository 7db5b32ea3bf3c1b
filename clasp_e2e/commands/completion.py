"""`clasp-e2e completion SHELL`: the completion script of a shell."""

import click
from click.shell_completion import get_completion_class

PROGRAM = "clasp-e2e"
VARIABLE = "_CLASP_E2E_COMPLETE"
"""The variable with which the script calls the command; click derives its name from the program name."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that makes SHELL complete `clasp-e2e`.

    \b
    bash   eval "$(clasp-e2e completion bash)"     in ~/.bashrc
    zsh    eval "$(clasp-e2e completion zsh)"      in ~/.zshrc
    fish   clasp-e2e completion fish > ~/.config/fish/completions/clasp-e2e.fish
    """  # noqa: D301 (\b keeps click from wrapping the lines)
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, PROGRAM, VARIABLE).source())
