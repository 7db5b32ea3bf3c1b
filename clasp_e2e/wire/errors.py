"""The one error of the wire room."""


class WireError(ValueError):
    """Bytes that are no CLASP, or a value that CLASP cannot carry.

    Its text says what was being read or written, what was found, and what would have been right.
    """
