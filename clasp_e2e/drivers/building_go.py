"""The build of the Go adapter, once, in the user's cache, at its first use. It takes about half a minute."""

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

from clasp_e2e.drivers.building import BuildError, build_once, directory_of

PROGRAM = "clasp-e2e-go-adapter"
BUILD_LIMIT = 900.0
"""Seconds allowed for the build, which downloads about 30 MB."""


def go_adapter_command() -> list[str]:
    """Return the command that starts the Go adapter; build it if necessary. Raises `BuildError`."""
    return [str(build_go_adapter())]


def go_adapter_is_built() -> bool:
    """Return whether the Go adapter of this version is in the user's cache."""
    return _program(_sources()).is_file()


def build_go_adapter() -> Path:
    """Return the path of the Go adapter; build it if necessary. Raises `BuildError`."""
    sources = _sources()
    program = _program(sources)
    if not program.is_file():
        go = shutil.which("go")
        if go is None:
            raise BuildError(
                "go is not on the PATH, and the Go adapter needs it: see https://go.dev/doc/install"
            )

        def build(place: Path) -> None:
            command = [go, "build", "-trimpath", "-o", PROGRAM, "."]
            try:
                # Standard output is for the path of the adapter; 2 is standard error.
                done = subprocess.run(  # noqa: S603 - our own arguments, no shell
                    command, cwd=place, stdin=subprocess.DEVNULL, stdout=2, timeout=BUILD_LIMIT, check=False
                )
            except subprocess.TimeoutExpired:
                raise BuildError(
                    f"go did not build the Go adapter within {BUILD_LIMIT:g} s: check that it reaches its"
                    " module proxy (`go env GOPROXY`)"
                ) from None
            if done.returncode:
                raise BuildError(
                    f"go could not build the Go adapter (exit status {done.returncode}): see its messages"
                    " above"
                )

        build_once("go", sources, build)
    return program


def _program(sources: dict[str, bytes]) -> Path:
    return directory_of("go", sources) / PROGRAM


def _sources() -> dict[str, bytes]:
    """Return by name the files that `go build` needs.

    These are the peer in `adapters/go`, and `adapter.go` of the Go template, which speaks the driver
    protocol.
    """
    drivers = files("clasp_e2e.drivers")
    found = {each.name: each.read_bytes() for each in (drivers / "adapters" / "go").iterdir()}
    found["adapter.go"] = (drivers / "templates" / "go" / "adapter.go").read_bytes()
    return {name: found[name] for name in sorted(found) if name.endswith((".go", ".mod", ".sum"))}
