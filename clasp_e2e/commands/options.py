"""Options that several commands have."""

from __future__ import annotations

import math

import click


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
