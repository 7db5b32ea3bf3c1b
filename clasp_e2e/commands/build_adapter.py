"""`clasp-e2e build-adapter`: build an included adapter in the user's cache."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clasp_e2e.commands.errors import CommandError
from clasp_e2e.drivers.building import BuildError, build_browser_adapter, build_node_adapter
from clasp_e2e.drivers.building_rust import build_rust_adapter


@click.command("build-adapter")
@click.argument("adapter", type=click.Choice(["rust", "node", "browser"]))
def build_adapter(adapter: str) -> None:
    """Build an included adapter if necessary, and print its path on standard output.

    The build folder is $XDG_CACHE_HOME/clasp-e2e, or ~/.cache/clasp-e2e; it can be deleted at any time.
    """
    try:
        path = BUILDERS[adapter]()
    except BuildError as error:
        raise CommandError(str(error)) from None
    click.echo(path)
    click.echo(f"Use it as: clasp-e2e run --peer {adapter}", err=True)


def _build_rust() -> Path:
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("Rust adapter", total=None)

        def show(done: int, total: int, what: str) -> None:
            display.update(task, completed=done, total=total or None, description=f"Rust adapter: {what}")

        return build_rust_adapter(show)


BUILDERS = {"rust": _build_rust, "node": build_node_adapter, "browser": build_browser_adapter}
"""The build function of each adapter."""
