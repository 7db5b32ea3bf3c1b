"""The plugin's `--attach`: adapters that their author starts, with the harness's patience without end."""

import argparse
import math
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.drivers.stdio.attached import AttachPoint, AttachPointError
from clasp_e2e.execution.selection import Selection, SelectionError

NOBODY = "cmd:ADAPTER"
"""Who is judged if nobody is named: whoever attaches, in both roles."""


def patience_of(options: argparse.Namespace) -> float:
    """Return the scale of the harness's patience: as given, and otherwise without end for the attached."""
    if options.deadline_scale is not None:
        return options.deadline_scale
    return 1.0 if options.attach is None else math.inf


def name_somebody(options: argparse.Namespace) -> None:
    """Have whoever attaches judged, if nobody was named."""
    named = (options.peer, options.offerer, options.answerer, options.router)
    if options.attach is not None and not any(named):
        options.peer = NOBODY


def attach(config: pytest.Config, selection: Selection) -> None:
    """Have the adapters of `selection` awaited where `--attach` says, if it does.

    Raises `SelectionError`.
    """
    address: str | None = config.option.attach
    if address is None:
        return
    if getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput"):
        raise SelectionError("--attach is for one process: leave out -n")
    drivers = {id(driver): driver for driver in (*selection.drivers.values(), selection.router)}
    over_stdio = [driver for driver in drivers.values() if isinstance(driver, StdioDriver)]
    if not over_stdio:
        raise SelectionError(
            "--attach is for adapters over stdio, and none is judged: name yours, as in"
            ' --peer "cmd:node adapter.mjs", or name nobody. A driver in Python runs in this process:'
            " put the debugger before pytest"
        )
    try:
        point = AttachPoint(address, _announcer(config))
    except AttachPointError as error:
        raise SelectionError(f"--attach: {error}") from None
    config.add_cleanup(point.close)
    for driver in over_stdio:
        driver.attach(point)


def _announcer(config: pytest.Config) -> Callable[[str], None]:
    """Return what prints a line at once, past pytest's capturing."""

    def announce(line: str) -> None:
        capture: Any = config.pluginmanager.getplugin("capturemanager")
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            print(f"\n{line}", file=sys.stderr, flush=True)

    return announce
