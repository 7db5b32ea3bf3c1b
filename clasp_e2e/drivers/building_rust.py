"""Builds of the Rust adapter with cargo, in the user's cache. They take minutes: only on explicit request."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeAlias, cast

from clasp_e2e.drivers.building import BuildError, cache_root, digest, locked

PROGRAM = "clasp-e2e-rust-adapter"

Progress: TypeAlias = Callable[[int, int, str], None]
"""Receives the number of crates built so far, their total number, and the name of the last one."""


def rust_adapter_command() -> list[str]:
    """Return the command that starts the Rust adapter.

    Raises `BuildError` if it is not built from the current sources.
    """
    program = _target(_sources()) / PROGRAM
    if not program.is_file():
        raise BuildError(
            "the Rust adapter is not built yet, or not from the sources of this version. "
            "Run: clasp-e2e build-adapter rust. It takes a few minutes, once"
        )
    return [str(program)]


def build_rust_adapter(progress: Progress) -> Path:
    """Return the path of the Rust adapter; build it if necessary. Raises `BuildError`."""
    sources = _sources()
    target = _target(sources)
    program = target / PROGRAM
    if program.is_file():
        return program
    cargo = _cargo()
    root = target.parent
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / "rust.lock"):
            if not program.is_file():
                _build(cargo, sources, target, progress)
    except OSError as error:
        raise BuildError(
            f"the Rust adapter cannot be built in {root}: {error}. The build needs about 700 MB; "
            "set XDG_CACHE_HOME to use another directory"
        ) from error
    return program


def _build(cargo: str, sources: Mapping[str, bytes], target: Path, progress: Progress) -> None:
    """Build in a temporary directory and rename it. Compiled crates are kept until a build succeeds."""
    objects = target.parent / "rust-objects"
    with tempfile.TemporaryDirectory(prefix=f"{target.name}.", dir=target.parent) as scratch:
        place = Path(scratch) / "sources"
        for name, content in sources.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        progress(0, 0, "the list of crates")
        tree = ("tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}")
        crates = {" ".join(line.split()[:2]) for line in _run([cargo, *tree], place) if line.strip()}
        arguments = ("build", "--release", "--message-format", "json-render-diagnostics")
        built: set[str] = set()

        def follow(line: str) -> None:
            crate, name = _artifact(line)
            if crate is not None:
                built.add(crate)
                progress(len(built), max(len(crates), len(built)), name)

        _run([cargo, *arguments, "--target-dir", str(objects)], place, follow)
        finished = Path(scratch) / "finished"
        finished.mkdir()
        shutil.copy2(objects / "release" / PROGRAM, finished)
        # The versions of crates that Cargo.toml does not pin are part of the evidence.
        if (place / "Cargo.lock").is_file():
            shutil.copy2(place / "Cargo.lock", finished)
        finished.rename(target)
    shutil.rmtree(objects, ignore_errors=True)


def _artifact(line: str) -> tuple[str | None, str]:
    """Return the crate whose compilation a line of cargo reports, and its short name; else None."""
    try:
        message: object = json.loads(line)
    except ValueError:
        return None, ""
    if not isinstance(message, dict):
        return None, ""
    fields = cast("dict[str, object]", message)
    if fields.get("reason") != "compiler-artifact":
        return None, ""
    target = fields.get("target")
    name = cast("dict[str, object]", target).get("name") if isinstance(target, dict) else ""
    return str(fields.get("package_id")), str(name)


def _run(command: Sequence[str], place: Path, follow: Callable[[str], None] | None = None) -> list[str]:
    """Run `command` in `place`; return its lines of output. Raises `BuildError` with its last errors."""
    lines: list[str] = []
    environment = {**os.environ, "CARGO_TERM_COLOR": "never"}
    with (
        tempfile.TemporaryFile("w+", errors="replace") as stderr,
        subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            command,
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            errors="replace",
        ) as process,
    ):
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if follow is not None:
                    follow(line)
            status = process.wait()
        except BaseException:
            process.kill()  # Interrupted: cargo must not continue in the background.
            raise
        stderr.seek(0)
        errors = stderr.read()
    if status:
        last = "\n".join(errors.strip().splitlines()[-20:])
        raise BuildError(
            f"cargo could not build the Rust adapter (`cargo {command[1]}`, exit status {status}). The next "
            f"attempt reuses the compiled crates. The last lines of its output:\n{last}"
        )
    return lines


def _sources() -> dict[str, bytes]:
    """Return the compiled files by path, without `examples/`, which does not affect the adapter."""
    folder = files("clasp_e2e.drivers.adapters") / "rust"
    found = {"Cargo.toml": (folder / "Cargo.toml").read_bytes()}
    found |= _files(folder / "src", "src")
    return {name: found[name] for name in sorted(found)}


def _files(folder: Traversable, path: str) -> dict[str, bytes]:
    return {
        f"{path}/{each.name}": each.read_bytes() for each in folder.iterdir() if each.name.endswith(".rs")
    }


def _target(sources: Mapping[str, bytes]) -> Path:
    return cache_root() / f"rust-{digest(sources)}"


def _cargo() -> str:
    """Return the path of cargo. Raises `BuildError` with the list of all missing programs and packages."""
    cargo = shutil.which("cargo")
    missing: list[str] = []
    if cargo is None:
        missing.append("cargo, which comes with Rust: see https://rustup.rs")
    if shutil.which("cc") is None:
        missing.append("a C compiler as `cc`: the package gcc or clang")
    # Other systems than Linux have their own TLS.
    if sys.platform == "linux":
        if (pkg_config := shutil.which("pkg-config")) is None:
            missing.append("pkg-config: the package pkg-config, on Fedora pkgconf")
        # Also when pkg-config itself is missing, so that one message lists everything.
        if pkg_config is None or _fails([pkg_config, "--exists", "openssl"]):
            missing.append("OpenSSL's headers: the package libssl-dev, on Fedora openssl-devel")
    if missing or cargo is None:
        listed = "".join(f"\n  - {each}" for each in missing)
        raise BuildError(f"the Rust adapter cannot be built on this machine. Missing:{listed}")
    return cargo


def _fails(command: Sequence[str]) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode != 0  # noqa: S603
