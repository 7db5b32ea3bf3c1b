"""The driver of the reference peer on libwebrtc, Chromium's WebRTC stack, through the package `wrtc`."""

import sys

from clasp_e2e.drivers.interface import NotAvailable
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.peer.libwebrtc_transport import install_advice


class LibwebrtcDriver(StdioDriver):
    """The driver of the reference adapter on libwebrtc. Raises `NotAvailable` if the extra is not installed.

    Each peer has its own process: libwebrtc notifies the other peer whenever it closes, so only a killed
    process vanishes silently; and its threads last as long as their process.
    """

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        if missing := install_advice():
            raise NotAvailable(missing)
        command = [sys.executable, "-m", "clasp_e2e.drivers.adapters.reference", "--webrtc", "libwebrtc"]
        super().__init__(command, catalogue=catalogue, deadline_scale=deadline_scale)
