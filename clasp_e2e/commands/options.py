"""Options that several commands have, as click takes them."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from clasp_e2e.execution.options import BY_NAME, LATEST, RUN_OPTIONS, Option

F = TypeVar("F", bound=Callable[..., Any])

DRIVER = "DRIVER is a registered name, module:attribute, or cmd:COMMAND LINE for an adapter over stdio."


def option(name: str) -> Callable[[F], F]:
    """Add an option of a run (`clasp_e2e.execution.options`) to a command."""
    return _click_option(BY_NAME[name])


def run_options(*, without: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Add all options of a run to a command, in their order, but for those that it has of its own."""

    def add(command: F) -> F:
        for each in reversed(RUN_OPTIONS):
            if each.name not in without:
                command = _click_option(each)(command)
        return command

    return add


def chosen_scenarios(command: F) -> F:
    """Add `-k`, `-m` and PYTEST_ARGS, by which a user chooses scenarios."""
    for add in (
        click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED),
        click.option(
            "-m", "markers", metavar="EXPRESSION", help='Only scenarios so marked, e.g. "not slow".'
        ),
        click.option(
            "-k", "keyword", metavar="EXPRESSION", help="Only scenarios whose names match (as in pytest)."
        ),
    ):
        command = add(command)
    return command


def results_option(default: str) -> Callable[[F], F]:
    """Add `--results` with a default of the command's own."""
    return click.option(
        "--results", metavar="DIR", default=default, show_default=True, help="Output directory."
    )


def _click_option(each: Option) -> Callable[[F], F]:
    if each.name == "results":
        return results_option(LATEST)
    if each.metavar is None:
        return click.option(each.flag, is_flag=True, help=each.help)
    if each.const is not None:
        metavar = f"[{each.metavar}]"
        return click.option(each.flag, metavar=metavar, is_flag=False, flag_value=each.const, help=each.help)
    checks = {"deadline-scale": _above_zero, "jobs": _above_zero}
    return click.option(
        each.flag, type=each.type, metavar=each.metavar, help=each.help, callback=checks.get(each.name)
    )


def _above_zero(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (value > 0 and math.isfinite(value)):
        raise click.BadParameter("give a number above 0")
    return value


attach = option("attach")

deadline_scale = click.option(
    BY_NAME["deadline-scale"].flag,
    type=float,
    default=1.0,
    metavar="X",
    callback=_above_zero,
    help=BY_NAME["deadline-scale"].help,
)
