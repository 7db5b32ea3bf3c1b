"""The option `--network`: the lab is entered before the run starts, because it needs a single thread."""

import pytest

from clasp_e2e.execution.selection import SelectionError
from clasp_e2e.lab import LabUnavailable, enter
from clasp_e2e.plugin.errors import cannot_judge

NETWORKS = ("link", "lab")


def enter_network(config: pytest.Config) -> bool:
    """Enter the network that `--network` names; return whether it is the lab. Raises `SelectionError`."""
    options = config.option
    if options.network not in (None, *NETWORKS):
        raise SelectionError(f"--network {options.network}: use {' or '.join(NETWORKS)}")
    if options.network != "lab":
        return False
    if getattr(options, "numprocesses", None) or hasattr(config, "workerinput"):
        raise SelectionError("--network lab needs a single process: leave out -n, and use --jobs")
    if options.attach is not None:
        raise SelectionError("--network lab starts each adapter on a host of its own: leave out --attach")
    if (options.router or "").startswith(("ws://", "wss://")):
        raise SelectionError(
            "no traffic leaves the lab: name a router that the harness starts, by its driver"
        )
    if not config.option.collectonly:
        try:
            enter()
        except LabUnavailable as error:
            cannot_judge(str(error))
    return True
