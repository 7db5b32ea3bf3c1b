"""The driver of the JavaScript peer in headless Chromium, with one page for each peer."""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from clasp_e2e.drivers.building import BuildError, browser_adapter_command
from clasp_e2e.drivers.stdio import StdioDriver

CHROMIUM = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
"""Program names of Chromium; first the headless shell, which starts at a third of the cost."""


class BrowserDriver(StdioDriver):
    """The driver of the browser adapter, which is built at its first use. Raises `BuildError`.

    Peers share a browser, in which each has its own page. A killable peer has its own browser, whose
    processes are killed: a browser that closes a page notifies the other peers.
    """

    baseline = Path(__file__).parent / "adapters/browser/baseline.toml"

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        # Adapters create the directory, and the last one removes it, unless it is killed. The name is
        # short because each profile contains a socket, whose path is limited to 107 bytes.
        self._profiles = Path(tempfile.gettempdir()) / f"clasp-e2e-{secrets.token_hex(6)}"
        command = [*browser_adapter_command(), chromium(), str(self._profiles)]
        super().__init__(command, catalogue=catalogue, deadline_scale=deadline_scale)

    async def aclose(self) -> None:
        """End all remaining processes, and remove the profiles of killed browsers."""
        await super().aclose()
        if self._profiles.exists():
            shutil.rmtree(self._profiles)


def chromium() -> str:
    """Return the path of Chromium: CLASP_E2E_BROWSER, or a program on the PATH. Raises `BuildError`."""
    if given := os.environ.get("CLASP_E2E_BROWSER"):
        if found := shutil.which(given):
            return found
        raise BuildError(f"CLASP_E2E_BROWSER={given} is not a program: set it to one, or unset it")
    for name in CHROMIUM:
        if found := shutil.which(name):
            return found
    raise BuildError(
        f"Chromium is not on the PATH under any of the names {', '.join(CHROMIUM)}: install it "
        "(on Debian `apt install chromium-headless-shell`), or set CLASP_E2E_BROWSER to its program"
    )
