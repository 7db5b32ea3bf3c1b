"""Builds of the Rust adapter with cargo, in the user's cache. They take minutes: only on explicit request."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from clasp_e2e.drivers.building import BuildError, build_once, cache_root, directory_of

PROGRAM = "clasp-e2e-rust-adapter"


def rust_adapter_command() -> list[str]:
    """Return the command that starts the Rust adapter.

    Raises `BuildError` if it is not built from the current sources.
    """
    program = directory_of("rust", _sources()) / PROGRAM
    if not program.is_file():
        raise BuildError(
            "the Rust adapter is not built yet, or not from the sources of this version. "
            "Run: clasp-e2e build-adapter rust. It takes a few minutes, once"
        )
    return [str(program)]


def build_rust_adapter() -> Path:
    """Return the path of the Rust adapter; build it if necessary, with cargo's messages on standard error.

    Compiled crates, about 700 MB, are kept until a build succeeds. Raises `BuildError`.
    """
    sources = _sources()
    program = directory_of("rust", sources) / PROGRAM
    if not program.is_file():
        cargo = find_cargo("Rust", _missing_for_tls())
        objects = cache_root() / "rust-objects"

        def build(place: Path) -> None:
            run_cargo([cargo, "build", "--release", "--target-dir", str(objects)], place, "Rust")
            shutil.copy2(objects / "release" / PROGRAM, place)
            shutil.rmtree(objects, ignore_errors=True)

        build_once("rust", sources, build)
    return program


def find_cargo(adapter: str, more: Iterable[str] = ()) -> str:
    """Return the path of cargo. Raises `BuildError` with the list of all that is missing, `more` included."""
    cargo = shutil.which("cargo")
    missing: list[str] = []
    if cargo is None:
        missing.append("cargo, which comes with Rust: see https://rustup.rs")
    if shutil.which("cc") is None:
        missing.append("a C compiler as `cc`: the package gcc or clang")
    missing += more
    if missing or cargo is None:
        listed = "".join(f"\n  - {each}" for each in missing)
        raise BuildError(f"the {adapter} adapter cannot be built on this machine. Missing:{listed}")
    return cargo


def run_cargo(command: Sequence[str], place: Path, adapter: str) -> None:
    """Run cargo in the directory `place`. Raises `BuildError` if it fails."""
    # Standard output is for the path of the adapter; 2 is standard error.
    finished = subprocess.run(command, cwd=place, stdin=subprocess.DEVNULL, stdout=2, check=False)  # noqa: S603
    if status := finished.returncode:
        raise BuildError(
            f"cargo could not build the {adapter} adapter (exit status {status}); see its messages above."
            " The next attempt reuses the compiled crates"
        )


def _sources() -> dict[str, bytes]:
    """Return the compiled files by path."""
    folder = files("clasp_e2e.drivers.adapters") / "rust"
    found = {f"src/{each.name}": each.read_bytes() for each in (folder / "src").iterdir()}
    found["Cargo.toml"] = (folder / "Cargo.toml").read_bytes()
    return dict(sorted(found.items()))


def _missing_for_tls() -> list[str]:
    missing: list[str] = []
    # Other systems than Linux have their own TLS.
    if sys.platform == "linux":
        if (pkg_config := shutil.which("pkg-config")) is None:
            missing.append("pkg-config: the package pkg-config, on Fedora pkgconf")
        # Also when pkg-config itself is missing, so that one message lists everything.
        if pkg_config is None or _fails([pkg_config, "--exists", "openssl"]):
            missing.append("OpenSSL's headers: the package libssl-dev, on Fedora openssl-devel")
    return missing


def _fails(command: Sequence[str]) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode != 0  # noqa: S603
