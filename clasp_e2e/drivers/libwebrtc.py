"""The reference peer on a second WebRTC stack: libwebrtc, the one in Chromium, by the package `wrtc`."""

import sys

from clasp_e2e.drivers.interface import NotAvailable
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.peer.libwebrtc_transport import lacking


class LibwebrtcDriver(StdioDriver):
    """The reference adapter on libwebrtc. Raises `NotAvailable` where the extra is not installed.

    Each peer has a process of its own: libwebrtc takes leave whenever it closes, so that only a
    process that is killed vanishes; and its threads stay as long as their process does.
    """

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        if what := lacking():
            raise NotAvailable(what)
        command = [sys.executable, "-m", "clasp_e2e.drivers.adapters.reference", "--webrtc", "libwebrtc"]
        super().__init__(command, catalogue=catalogue, deadline_scale=deadline_scale)
