"""Click options that several commands share."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from clasp_e2e.commands.arguments import existing_scenarios, usable_directory, valid_expression
from clasp_e2e.execution.run_options import BY_NAME, LATEST, RUN_OPTIONS, Option

F = TypeVar("F", bound=Callable[..., Any])

DRIVER = "DRIVER is a registered name, module:attribute, or cmd:COMMAND LINE for an adapter over stdio."


def option(name: str) -> Callable[[F], F]:
    """Add an option of a run (`clasp_e2e.execution.run_options`) to a command."""
    return _click_option(BY_NAME[name])


def run_options(*, without: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Add all options of a run to a command, in their order, except those in `without`."""

    def add(command: F) -> F:
        for each in reversed(RUN_OPTIONS):
            if each.name not in without:
                command = _click_option(each)(command)
        return command

    return add


def chosen_scenarios(argument: str = "pytest_args") -> Callable[[F], F]:
    """Add `-k`, `-m` and the arguments that select scenarios."""
    decorators: tuple[Callable[[F], F], ...] = (
        click.argument(argument, nargs=-1, type=click.UNPROCESSED, callback=existing_scenarios),
        click.option(
            "-m",
            "markers",
            metavar="EXPRESSION",
            callback=valid_expression,
            help='Only scenarios with these marks, for example "not slow".',
        ),
        click.option(
            "-k",
            "keyword",
            metavar="EXPRESSION",
            callback=valid_expression,
            help="Only scenarios whose names match (as in pytest).",
        ),
    )

    def add(command: F) -> F:
        for each in decorators:
            command = each(command)
        return command

    return add


def results_option(default: str, help_text: str = "Output directory.") -> Callable[[F], F]:
    """Add `--results` with a default for the command."""
    return click.option(
        "--results",
        metavar="DIR",
        type=click.Path(path_type=Path),
        callback=usable_directory,
        default=default,
        show_default=True,
        help=help_text,
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


deadline_scale = click.option(
    BY_NAME["deadline-scale"].flag,
    type=float,
    default=1.0,
    metavar="X",
    callback=_above_zero,
    help=BY_NAME["deadline-scale"].help,
)
