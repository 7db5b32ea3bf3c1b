"""The drivers of peers in headless browsers, with one page for each peer."""

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from clasp_e2e.drivers.building import BuildError, browser_adapter_command
from clasp_e2e.drivers.building_wasm import wasm_adapter_command
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
FIREFOX = ("firefox-esr", "firefox")
"""Program names of Firefox."""


class BrowserDriver(StdioDriver):
    """The driver of the browser adapter in Chromium, which is built at its first use. Raises `BuildError`.

    Peers share a browser, in which each has its own page. A killable peer has its own browser, whose
    processes are killed: a browser that closes a page notifies the other peers.
    """

    baseline = Path(__file__).parent / "adapters/browser/baseline.toml"

    def __init__(self, *, catalogue: str = "", deadline_scale: float = 1.0) -> None:
        # Adapters create the directory, and the last one removes it, unless it is killed. The name is
        # short because each profile contains a socket, whose path is limited to 107 bytes.
        self._profiles = Path(tempfile.gettempdir()) / f"clasp-e2e-{secrets.token_hex(6)}"
        command = [*self.adapter(), *self.browser(), str(self._profiles)]
        super().__init__(command, catalogue=catalogue, deadline_scale=deadline_scale)

    @staticmethod
    def adapter() -> list[str]:
        """Return the command that starts the adapter, without its arguments."""
        return browser_adapter_command()

    @staticmethod
    def browser() -> tuple[str, str]:
        """Return the kind of browser, as the adapter calls it, and the path of its program."""
        return "chromium", chromium()

    async def aclose(self) -> None:
        """End all remaining processes, and remove the profiles of killed browsers."""
        await super().aclose()
        if self._profiles.exists():
            shutil.rmtree(self._profiles)


class FirefoxDriver(BrowserDriver):
    """The driver of the browser adapter in Firefox. Raises `BuildError`."""

    baseline = Path(__file__).parent / "adapters/browser/firefox_baseline.toml"

    @staticmethod
    def browser() -> tuple[str, str]:
        """Return the kind of browser, as the adapter calls it, and the path of its program."""
        return "firefox", firefox()


class WasmDriver(BrowserDriver):
    """The driver of clasp-wasm in Chromium. Raises `BuildError` before `clasp-e2e build-adapter wasm`."""

    baseline = Path(__file__).parent / "adapters/wasm/baseline.toml"

    @staticmethod
    def adapter() -> list[str]:
        """Return the command that starts the adapter, without its arguments."""
        return wasm_adapter_command()


def chromium() -> str:
    """Return the path of Chromium: CLASP_E2E_BROWSER, or a program on the PATH. Raises `BuildError`."""
    return _program("Chromium", CHROMIUM, "CLASP_E2E_BROWSER", "chromium-headless-shell")


def firefox() -> str:
    """Return the path of Firefox: CLASP_E2E_FIREFOX, or a program on the PATH. Raises `BuildError`."""
    return _program("Firefox", FIREFOX, "CLASP_E2E_FIREFOX", "firefox-esr")


def _program(browser: str, names: tuple[str, ...], variable: str, package: str) -> str:
    if given := os.environ.get(variable):
        if found := shutil.which(given):
            return found
        raise BuildError(f"{variable}={given} is not a program: set it to one, or unset it")
    for name in names:
        if found := shutil.which(name):
            return found
    raise BuildError(
        f"{browser} is not on the PATH under any of the names {', '.join(names)}: install it "
        f"(on Debian `apt install {package}`), or set {variable} to its program"
    )
