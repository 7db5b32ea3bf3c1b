"""The exit statuses of every command."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit status of a command. Other exit statuses of pytest are not verdicts."""

    OK = 0
    """Conformant, or no fault, or nothing failed in the chosen part."""
    FAILED = 1
    """Not conformant, or a fault or a contradiction was found."""
    USAGE = 2
    """The command line is invalid, or cannot be executed."""
    INCONCLUSIVE = 3
    """The run reached no verdict, or did not finish."""
    GONE = 4
    """The case that failed before passes now (`replay`)."""
