"""Error reports of all commands: one line on standard error, and an exit status."""

from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError, NoSuchCommand, NoSuchOption

from clasp_e2e.results.exit_status import ExitStatus


class CommandError(click.ClickException):
    """An error that ends a command, printed as `Error: <what happened>; <what to do>`."""

    def __init__(self, message: str, status: ExitStatus = ExitStatus.USAGE) -> None:
        super().__init__(message)
        self.exit_code = status


class ExistingFile(click.Path):
    """A parameter type for a file to read; if it is missing, the error suggests files with similar names."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path of the file."""
        path = Path(value)
        if path.exists() or not path.parent.is_dir():
            return super().convert(value, param, ctx)
        stems = [each.stem for each in path.parent.glob(f"*{path.suffix}")]
        close = get_close_matches(path.stem, stems, cutoff=0.75)
        hint = did_you_mean(str(path.with_name(stem + path.suffix)) for stem in close)
        raise CommandError(f"there is no file {str(path)!r}{hint or '; name one that a run wrote'}")


@contextmanager
def reported(*errors: type[Exception], status: ExitStatus = ExitStatus.USAGE) -> Generator[None]:
    """Convert `errors` to `CommandError`."""
    try:
        yield
    except errors as error:
        raise CommandError(str(error), status) from None


def did_you_mean(names: Iterable[str]) -> str:
    """Return the suggestion of similar names for a message, or an empty string."""
    quoted = " or ".join(repr(name) for name in names)
    return f"; did you mean {quoted}?" if quoted else ""


@contextmanager
def errors_in_one_line(commands: Collection[str]) -> Generator[None]:
    """Convert the usage errors of click to `CommandError`, without the usage text of the command."""
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except KeyboardInterrupt:  # click exits with 1, which is "not conformant".
        raise CommandError("interrupted", ExitStatus.INCONCLUSIVE) from None
    except (NoSuchCommand, NoSuchOption) as error:
        if isinstance(error, NoSuchCommand):
            error.possibilities = get_close_matches(error.command_name, commands)
        message = error.message.rstrip(".")
        raise CommandError(message + (did_you_mean(error.possibilities or ()) or _see_help(error))) from None
    except click.UsageError as error:
        raise CommandError(error.format_message().rstrip(".") + _see_help(error)) from None


def _see_help(error: click.UsageError) -> str:
    return f"; see `{error.ctx.command_path} --help`" if error.ctx else ""
