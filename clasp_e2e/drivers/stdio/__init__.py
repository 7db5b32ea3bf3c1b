"""The stdio driver: an adapter in any language, behind the driver protocol, version 1."""

from clasp_e2e.drivers.stdio.driver import StdioDriver

__all__ = ["StdioDriver"]
