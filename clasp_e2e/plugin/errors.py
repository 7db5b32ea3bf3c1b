"""Ends of a pytest session with one message and an exit status of the harness's."""

from typing import NoReturn

import pytest

from clasp_e2e.results.exit_status import ExitStatus


class RunError(pytest.exit.Exception):
    """The end of the session."""


# pytest prints the name of the class before the message, and its module unless that is builtins.
RunError.__module__, RunError.__name__ = "builtins", "Error"


def usage_error(message: str) -> NoReturn:
    """End the session: what the user wrote makes no sense. `message` says what to change."""
    raise RunError(message, returncode=ExitStatus.USAGE)


def cannot_judge(message: str) -> NoReturn:
    """End the session: an implementation or the machine is not as it has to be."""
    raise RunError(message, returncode=ExitStatus.INCONCLUSIVE)
