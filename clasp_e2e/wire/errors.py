"""The error of the wire package."""


class WireError(ValueError):
    """Bytes that are not valid CLASP, or a value that CLASP cannot encode.

    The message says what was read or written, what was found, and what is expected.
    """
