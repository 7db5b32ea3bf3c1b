"""Checks of the arguments of commands that run scenarios, before anything runs.

Functions import what is large: `report`, which checks only a directory, starts in a third of the time.
"""

import re
from pathlib import Path

import click

from clasp_e2e.commands.errors import CommandError, did_you_mean, reported
from clasp_e2e.results.store import ResultsError, check_directory


def existing_scenarios(_: click.Context, __: click.Parameter, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return `arguments` if the scenarios among them exist and the expressions of `-k` and `-m` are valid.

    Other arguments are options of pytest and their values. Raises `CommandError`.
    """
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if before in ("-k", "-m"):
            _check_expression(before, argument)
        elif _names_scenarios(argument, after=before):
            _check_scenario(argument)
    return arguments


def valid_expression(_: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Return the expression of `-k` or `-m` if it is valid. Raises `CommandError`."""
    if text is not None:
        _check_expression(parameter.opts[0], text)
    return text


def usable_directory(_: click.Context, __: click.Parameter, directory: Path | None) -> Path | None:
    """Return `directory`, which need not exist, if it can hold results. Raises `CommandError`."""
    with reported(ResultsError):
        if directory is not None:
            check_directory(directory)
    return directory


def _names_scenarios(argument: str, *, after: str) -> bool:
    if argument.startswith("-"):
        return False
    file = argument.partition("::")[0]
    return file.endswith(".py") or "::" in argument or not after.startswith("-")


def _check_scenario(argument: str) -> None:
    from clasp_e2e.plugin.invocation import find_file

    file, separator, rest = argument.partition("::")
    path = find_file(file)
    if path is None and Path(file).exists():  # For example a folder, which pytest accepts.
        return
    if path is None:
        raise _no_scenario("scenario file", argument)
    name = rest.rpartition("::")[2].partition("[")[0]
    if separator and not re.search(rf"def {re.escape(name)}\(", path.read_text(encoding="utf-8")):
        raise _no_scenario("scenario", argument)


def _no_scenario(what: str, argument: str) -> CommandError:
    from clasp_e2e.execution.bundled_scenarios import closest_scenarios

    hint = did_you_mean(closest_scenarios(argument)) or "; `clasp-e2e list` prints all names"
    return CommandError(f"there is no {what} {argument!r}" + hint)


def _check_expression(option: str, text: str) -> None:
    # No public part of pytest reads an expression.
    from _pytest.mark.expression import Expression

    try:
        Expression.compile(text)
    except SyntaxError as error:
        raise CommandError(
            f"{option} {text!r} is not an expression ({error.msg}, at column {error.offset});"
            ' combine names with and, or, not, as in "routing and not mode"'
        ) from None
