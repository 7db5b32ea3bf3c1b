"""The JavaScript peer in a browser: headless Chromium, with a page for each peer."""

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
"""The names under which systems know it; first without the windows, which starts at a third of the cost."""


class BrowserDriver(StdioDriver):
    """The browser adapter, built at its first use. Raises `BuildError`.

    Peers share a browser, in which each has a page of its own. What is to be killed has a browser of
    its own, and is killed as a browser is, by the end of its processes: where a page is closed, the
    browser sends farewells.
    """

    baseline = Path(__file__).parent / "adapters/browser/baseline.toml"

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        # Made by the adapters and removed by the last one; what is killed removes nothing. The name is
        # short: there is a socket in each profile, whose path may have no more than 107 bytes.
        self._profiles = Path(tempfile.gettempdir()) / f"clasp-e2e-{secrets.token_hex(6)}"
        command = [*browser_adapter_command(), chromium(), str(self._profiles)]
        super().__init__(command, catalogue=catalogue, deadline_scale=deadline_scale)

    async def aclose(self) -> None:
        """End every process that is left, and remove what killed browsers left behind."""
        await super().aclose()
        if self._profiles.exists():
            shutil.rmtree(self._profiles)


def chromium() -> str:
    """The program that is Chromium: CLASP_E2E_BROWSER, or one on the PATH. Raises `BuildError`."""
    if given := os.environ.get("CLASP_E2E_BROWSER"):
        if found := shutil.which(given):
            return found
        raise BuildError(f"CLASP_E2E_BROWSER={given} is no program: name one, or unset it")
    for name in CHROMIUM:
        if found := shutil.which(name):
            return found
    raise BuildError(
        f"no Chromium is on the PATH under any of the names {', '.join(CHROMIUM)}: install one "
        "(on Debian `apt install chromium-headless-shell`), or name its program in CLASP_E2E_BROWSER"
    )
