"""The option `--attach`: adapters that the user starts, without time limits by default."""

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

ATTACHED = "cmd:ADAPTER"
"""The implementation to judge if none is named: the attached adapter, in both roles."""


def patience_of(options: argparse.Namespace) -> float:
    """Return the value of `--deadline-scale`; the default is infinite with `--attach`, and 1 otherwise."""
    if options.deadline_scale is not None:
        return options.deadline_scale
    return 1.0 if options.attach is None else math.inf


def default_participants(options: argparse.Namespace) -> None:
    """Select the attached adapter as the peer, if `--attach` is given and no implementation is named."""
    named = (options.peer, options.offerer, options.answerer, options.router)
    if options.attach is not None and not any(named):
        options.peer = ATTACHED


def attach(config: pytest.Config, selection: Selection) -> None:
    """Make the drivers of `selection` wait for adapters at the address of `--attach`, if it is given.

    Raises `SelectionError`.
    """
    address: str | None = config.option.attach
    if address is None:
        return
    if getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput"):
        raise SelectionError("--attach needs a single process: leave out -n")
    drivers = {id(driver): driver for driver in (*selection.drivers.values(), selection.router)}
    over_stdio = [driver for driver in drivers.values() if isinstance(driver, StdioDriver)]
    if not over_stdio:
        raise SelectionError(
            "--attach needs an adapter over stdio, and none is selected: name yours, as in"
            ' --peer "cmd:node adapter.mjs", or name no implementation. A driver in Python runs in this'
            " process: run pytest in the debugger"
        )
    try:
        point = AttachPoint(address, _announcer(config))
    except AttachPointError as error:
        raise SelectionError(f"--attach: {error}") from None
    config.add_cleanup(point.close)
    for driver in over_stdio:
        driver.attach(point)


def _announcer(config: pytest.Config) -> Callable[[str], None]:
    """Return a function that prints a line at once, without pytest's capturing."""

    def announce(line: str) -> None:
        capture: Any = config.pluginmanager.getplugin("capturemanager")
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            print(f"\n{line}", file=sys.stderr, flush=True)

    return announce
