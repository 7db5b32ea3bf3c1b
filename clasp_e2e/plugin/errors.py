"""Errors that end a pytest session with one message and an exit status of the harness."""

from typing import NoReturn

import pytest

from clasp_e2e.results.exit_status import ExitStatus


class RunError(pytest.exit.Exception):
    """An error that ends the session."""


# pytest prints the name of the class before the message, with its module unless that is builtins.
RunError.__module__, RunError.__qualname__, RunError.__name__ = "builtins", "Error", "Error"


def usage_error(message: str) -> NoReturn:
    """End the session because of a usage error; `message` says what to change."""
    raise RunError(message, returncode=ExitStatus.USAGE)


def cannot_judge(message: str) -> NoReturn:
    """End the session because an implementation or the machine does not work."""
    raise RunError(message, returncode=ExitStatus.INCONCLUSIVE)
