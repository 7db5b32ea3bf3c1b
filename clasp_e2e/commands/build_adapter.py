"""`clasp-e2e build-adapter`: build an included adapter in the user's cache."""

import click

from clasp_e2e.commands.errors import reported
from clasp_e2e.drivers.building import BuildError, build_browser_adapter, build_node_adapter
from clasp_e2e.drivers.building_go import build_go_adapter
from clasp_e2e.drivers.building_rust import build_rust_adapter
from clasp_e2e.drivers.building_wasm import build_wasm_adapter

BUILDERS = {
    "rust": build_rust_adapter,
    "node": build_node_adapter,
    "go": build_go_adapter,
    "browser": build_browser_adapter,
    "wasm": build_wasm_adapter,
}
"""The build function of each adapter."""


@click.command("build-adapter")
@click.argument("adapter", type=click.Choice([*BUILDERS]))
def build_adapter(adapter: str) -> None:
    """Build an included adapter if necessary, and print its path on standard output.

    The build folder is $XDG_CACHE_HOME/clasp-e2e, or ~/.cache/clasp-e2e; it can be deleted at any time.
    """
    with reported(BuildError):
        path = BUILDERS[adapter]()
    click.echo(path)
    click.echo(f"Use it as: clasp-e2e run --peer {adapter}", err=True)
