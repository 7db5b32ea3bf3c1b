"""Options that several commands have."""

from __future__ import annotations

import math

import click

from clasp_e2e.drivers.stdio.attached import ANY


def _above_zero(_: click.Context, __: click.Parameter, value: float) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise click.BadParameter("give a number above 0")
    return value


deadline_scale = click.option(
    "--deadline-scale",
    type=float,
    default=1.0,
    metavar="X",
    callback=_above_zero,
    help="Stretch the harness's own patience, never the specification's times.",
)

attach = click.option(
    "--attach",
    metavar="[HOST:PORT]",
    is_flag=False,
    flag_value=ANY,
    help="Start no adapter: wait, without deadlines, for those that you start with `clasp-e2e connect`.",
)
