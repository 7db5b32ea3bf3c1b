"""The stdio driver, which runs adapters in any language through the driver protocol, version 1."""

from clasp_e2e.drivers.stdio.driver import StdioDriver

__all__ = ["StdioDriver"]
