"""The exit statuses of every command."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """How a command ends. What pytest exits with beyond these is not a verdict."""

    OK = 0
    """Conformant, or no fault, or nothing failed in the chosen part."""
    FAILED = 1
    """Not conformant, or a fault or a contradiction was found."""
    USAGE = 2
    """The command cannot be carried out as it was given."""
    INCONCLUSIVE = 3
    """The run could not decide, or did not come to its end."""
    GONE = 4
    """The case that failed before passes now (`replay`)."""
