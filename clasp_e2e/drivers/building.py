"""Adapters that are built on demand, once, into the user's cache, and never into the package."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

__all__ = ["BuildError", "build_node_adapter", "cache_root", "node_adapter_command"]

OLDEST_NODE = 20
INSTALL_LIMIT = 600.0
"""Seconds that npm has: it fetches some 30 MB."""

INSTALL = ("install", "--omit=dev", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
"""No scripts: what is needed comes prebuilt, and a package has no business running anything here."""


class BuildError(RuntimeError):
    """An adapter that could not be built; the message says what to do."""


def cache_root() -> Path:
    """The directory of what is built: `$XDG_CACHE_HOME/clasp-e2e`, or `~/.cache/clasp-e2e`."""
    # A relative path there is to be ignored (XDG Base Directory Specification).
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "clasp-e2e"


def node_adapter_command() -> list[str]:
    """The command that starts the Node adapter, which is built if it has not been. Raises `BuildError`."""
    return [_node(), str(build_node_adapter() / "adapter.js")]


def build_node_adapter() -> Path:
    """The directory of the Node adapter with its packages, built at the first call. Raises `BuildError`.

    It is named for the content of the sources, so that a change of theirs is a new build.
    """
    sources = _sources()
    root = cache_root()
    target = root / f"node-{_digest(sources)}"
    if target.is_dir():
        return target
    _node()
    npm = _program("npm", "it comes with Node.js")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root / "node.lock"):
            if not target.is_dir():
                _build(npm, sources, target)
    except OSError as error:
        raise BuildError(
            f"the Node adapter cannot be built in {root}: {error}. Set XDG_CACHE_HOME to a directory "
            "that can be written to"
        ) from error
    return target


def _build(npm: str, sources: Mapping[str, bytes], target: Path) -> None:
    """Build beside `target` and rename: what is there is whole, whenever a build was interrupted."""
    print(f"clasp-e2e: building the Node adapter, once, in {target}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix=f"{target.name}.", dir=target.parent) as scratch:
        place = Path(scratch) / "adapter"
        place.mkdir()
        for name, content in sources.items():
            (place / name).write_bytes(content)
        _install(npm, place)
        place.rename(target)


def _install(npm: str, place: Path) -> None:
    try:
        finished = subprocess.run(  # noqa: S603 - our own arguments, no shell
            [npm, *INSTALL],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=INSTALL_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"npm did not install the Node adapter's packages within {INSTALL_LIMIT:g} s: "
            "is its registry reachable? `npm ping` tells"
        ) from None
    if finished.returncode:
        last = "\n".join(finished.stdout.strip().splitlines()[-15:])
        raise BuildError(
            f"npm could not install the Node adapter's packages (exit status {finished.returncode}); "
            f"its last words:\n{last}"
        )


def _sources() -> dict[str, bytes]:
    """The adapter's files by name."""
    folder = files("clasp_e2e.drivers.adapters") / "node"
    found = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    return {name: found[name] for name in sorted(found) if name.endswith((".js", ".json"))}


def _digest(sources: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sources.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _node() -> str:
    node = _program("node", f"install Node.js {OLDEST_NODE} or later")
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = asked.stdout.strip()
    major = version.removeprefix("v").partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        raise BuildError(
            f"{node} is Node.js {version or 'of an unknown version'}, and the Node adapter needs "
            f"{OLDEST_NODE} or later"
        )
    return node


def _program(name: str, advice: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BuildError(f"{name} is not on the PATH, and the Node adapter needs it: {advice}")
    return found


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Only one process at a time: under xdist every worker asks for the adapter at once."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
