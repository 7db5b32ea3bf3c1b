"""Builds of the included adapters, once, in the user's cache. Those in JavaScript are made on demand."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from clasp_e2e.drivers.interface import NotAvailable

OLDEST_NODE = 20
NPM_LIMIT = 600.0
"""Seconds allowed for an npm command: it downloads about 40 MB."""

INSTALL = ("install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
"""Without install scripts: the packages are prebuilt and need none."""

BUNDLE = ("run", "build")
"""Bundles about 40 modules into one file, which halves the processor time of a start."""

PAGE = ("calls.js", "connections.js", "errors.js", "lines.js", "negotiation.js", "peer.js", "signals.js")
"""Files of the Node adapter that the browser adapter shares."""


class BuildError(NotAvailable):
    """A failed build of an adapter; the message says what to do."""


def cache_root() -> Path:
    """Return the cache directory: `$XDG_CACHE_HOME/clasp-e2e`, or `~/.cache/clasp-e2e`."""
    # A relative path must be ignored (XDG Base Directory Specification).
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "clasp-e2e"


def node_adapter_command() -> list[str]:
    """Return the command that starts the Node adapter; build it if necessary. Raises `BuildError`."""
    return [node_program(), str(build_node_adapter() / "adapter.mjs")]


def browser_adapter_command() -> list[str]:
    """Return the command that starts the browser adapter, without its arguments. Raises `BuildError`."""
    return [node_program(), str(build_browser_adapter() / "adapter.js")]


def build_node_adapter() -> Path:
    """Return the directory of the Node adapter; build it if necessary. Raises `BuildError`."""
    return _built("node", javascript_sources("node"))


def build_browser_adapter() -> Path:
    """Return the directory of the browser adapter; build it if necessary. Raises `BuildError`."""
    node = javascript_sources("node")
    return _built("browser", javascript_sources("browser") | {name: node[name] for name in PAGE})


def _built(name: str, sources: Mapping[str, bytes]) -> Path:
    """Return the directory of a JavaScript adapter; build it if necessary."""

    def build(place: Path) -> None:
        _run_npm([npm, *INSTALL], place, f"install the {name} adapter's packages")
        _run_npm([npm, *BUNDLE], place, f"bundle the {name} adapter")

    if not (target := directory_of(name, sources)).is_dir():
        node_program()
        npm = _program("npm", "it comes with Node.js")
        build_once(name, sources, build)
    return target


def directory_of(name: str, sources: Mapping[str, bytes]) -> Path:
    """Return the directory of a built adapter, whose name contains the digest of its sources."""
    return cache_root() / f"{name}-{digest(sources)}"


def build_once(name: str, sources: Mapping[str, bytes], build: Callable[[Path], None]) -> None:
    """Call `build` with a copy of `sources`, which becomes the adapter's directory, unless that exists.

    The copy is renamed at the end, so that the directory is complete whenever it exists. Raises `BuildError`.
    """
    target = directory_of(name, sources)
    root = target.parent
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / f"{name}.lock"):
            if target.is_dir():
                return
            print(f"clasp-e2e: building the {name} adapter, once, in {target}", file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix=f"{target.name}.", dir=root) as scratch:
                place = Path(scratch) / "adapter"
                for file, content in sources.items():
                    (place / file).parent.mkdir(parents=True, exist_ok=True)
                    (place / file).write_bytes(content)
                build(place)
                place.rename(target)
    except OSError as error:
        raise BuildError(
            f"cannot build the {name} adapter in {root}: {error}. Set XDG_CACHE_HOME to a writable directory"
            " with enough space"
        ) from error


def _run_npm(command: list[str], place: Path, purpose: str) -> None:
    try:
        finished = subprocess.run(  # noqa: S603 - our own arguments, no shell
            command,
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=NPM_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"npm did not {purpose} within {NPM_LIMIT:g} s: check its registry with `npm ping`"
        ) from None
    if finished.returncode:
        last = "\n".join(finished.stdout.strip().splitlines()[-15:])
        raise BuildError(
            f"npm could not {purpose} (exit status {finished.returncode}); its last lines of output:\n{last}"
        )


def javascript_sources(name: str) -> dict[str, bytes]:
    """Return the content of a JavaScript adapter's files by name."""
    folder = files("clasp_e2e.drivers.adapters") / name
    found = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    return {name: found[name] for name in sorted(found) if name.endswith((".js", ".mjs", ".json", ".html"))}


def digest(sources: Mapping[str, bytes]) -> str:
    """Return a short digest of `sources`, which must be in a fixed order."""
    found = hashlib.sha256()
    for name, content in sources.items():
        found.update(f"{name} {len(content)}\n".encode() + content)
    return found.hexdigest()[:16]


def node_program() -> str:
    """Return the path of Node.js. Raises `BuildError` if it is missing or too old."""
    node = _program("node", f"install Node.js {OLDEST_NODE} or later")
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = asked.stdout.strip()
    major = version.removeprefix("v").partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_NODE:
        raise BuildError(
            f"{node} is Node.js {version or 'of an unknown version'}, and the adapters need "
            f"{OLDEST_NODE} or later"
        )
    return node


def _program(name: str, advice: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BuildError(f"{name} is not on the PATH, and the adapter needs it: {advice}")
    return found


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Let only one process build at a time: under xdist all workers request the adapter at once."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
