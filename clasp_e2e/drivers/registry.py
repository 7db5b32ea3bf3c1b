"""Drivers by the name that a user gives: a registered name, `module:attribute`, or `cmd:COMMAND LINE`."""

import importlib
import inspect
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import NoReturn

from clasp_e2e.drivers.interface import Description, Driver, Implementation, NotAvailable, NotOffered, Router
from clasp_e2e.drivers.stdio import StdioDriver

GROUP = "clasp_e2e.drivers"
"""The entry-point group in which a package registers its drivers."""

BUILT_IN = {
    "browser": "clasp_e2e.drivers.browser:BrowserDriver",
    "firefox": "clasp_e2e.drivers.browser:FirefoxDriver",
    "go": "clasp_e2e.drivers.go:GoDriver",
    "libwebrtc": "clasp_e2e.drivers.libwebrtc:LibwebrtcDriver",
    "node": "clasp_e2e.drivers.node:NodeDriver",
    "rust": "clasp_e2e.drivers.rust:RustDriver",
    "reference": "clasp_e2e.drivers.reference:ReferenceDriver",
    "roamhq": "clasp_e2e.drivers.node:RoamhqDriver",
    "wasm": "clasp_e2e.drivers.browser:WasmDriver",
    "werift": "clasp_e2e.drivers.node:WeriftDriver",
}
"""Drivers that are also available in a source checkout, without installed entry points."""

INTERPRETERS = {".py": "python", ".js": "node", ".mjs": "node", ".cjs": "node"}
"""The program that runs a file, by the file's suffix."""

_QUOTED_OR_COMMA = re.compile(r"""\\.|'[^']*'?|"(?:\\.|[^"\\])*"?|,""", re.DOTALL)
"""A separating comma, or text in which the shell's quoting rules protect a comma."""
_MODULE_ATTRIBUTE = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")


class UnknownDriver(ValueError):
    """A name that denotes no driver; the message lists the known ones."""


class ExternalRouter(Router):
    """A running router that the harness did not start and does not stop."""

    is_ours = False

    def __init__(self, url: str) -> None:
        self.url = url

    async def close(self) -> None:
        """Do nothing: the user who started the router stops it."""


class ExternalRouterDriver(Driver):
    """The driver of a running router at a known URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def initialize(self) -> Description:
        """Return a description with the router's URL; nothing else is known of it."""
        return Description(Implementation(self.url, "unknown", "unknown", self.url), frozenset({"router"}))

    async def open_peer(self, **_: object) -> NoReturn:
        """Raise `NotOffered`: this driver has no peers."""
        raise NotOffered("peer.open")

    async def open_router(self, *, host: str, port: int) -> ExternalRouter:
        """Return the running router; `host` and `port` are ignored."""
        del host, port
        return ExternalRouter(self.url)


def known_drivers() -> dict[str, str]:
    """Return the registered names, each with its `module:attribute`."""
    return BUILT_IN | {point.name: point.value for point in entry_points(group=GROUP)}


def resolve_driver(spec: str, *, catalogue: str = "", deadline_scale: float = 1.0) -> Driver:
    """Return the driver that `spec` names, not yet initialized.

    `catalogue` (the hash of the requirement catalogue) and `deadline_scale` (the factor of the harness's
    time limits) are passed to drivers that take keyword arguments of these names. Raises `UnknownDriver`.
    """
    if spec.startswith("cmd:"):
        return StdioDriver(_command(spec), catalogue=catalogue, deadline_scale=deadline_scale)
    known = known_drivers()
    keywords: dict[str, object] = {"catalogue": catalogue, "deadline_scale": deadline_scale}
    if spec in known:
        return _load(known[spec], keywords)
    if ":" in spec and not spec.startswith(("ws:", "wss:")):
        return _load(spec, keywords)
    close = _as_command(spec) or next(iter(get_close_matches(spec, known, n=1)), "")
    raise UnknownDriver(
        f"no driver named {spec!r}"
        + (f"; did you mean {close!r}?" if close else ".")
        + f" Known: {', '.join(sorted(known))}. Or give one as module:attribute or cmd:COMMAND LINE"
    )


def resolve_router(spec: str, *, catalogue: str = "", deadline_scale: float = 1.0) -> Driver:
    """Return the driver that opens the router `spec`: the name of a driver, or the URL of a running router.

    Raises `UnknownDriver`.
    """
    if spec.startswith(("ws://", "wss://")):
        return ExternalRouterDriver(spec)
    try:
        return resolve_driver(spec, catalogue=catalogue, deadline_scale=deadline_scale)
    except UnknownDriver as error:
        raise UnknownDriver(f"{error}, or a running router by its ws:// or wss:// URL") from error.__cause__


def split_driver_names(values: Sequence[str]) -> list[str]:
    """Return the drivers that `values` name, each once, in their order.

    A comma separates names. A command line (`cmd:...`) ends at a comma only if a registered name, another
    `cmd:`, a `module:attribute` or a ws:// URL follows, so that it can hold commas; quotes protect a comma.
    """
    known = known_drivers()

    def begins_a_name(text: str) -> bool:
        text = text.strip()
        return (
            text in known
            or text.startswith(("cmd:", "ws://", "wss://"))
            or _MODULE_ATTRIBUTE.fullmatch(text) is not None
        )

    names: list[str] = []
    for value in values:
        parts: list[list[str]] = []
        for text in _split_at_commas(value):
            if parts and parts[-1][0].lstrip().startswith("cmd:") and not begins_a_name(text):
                parts[-1].append(text)
            else:
                parts.append([text])
        names += [_joined(part) for part in parts]
    return list(dict.fromkeys(name for name in names if name))


def _split_at_commas(text: str) -> Iterator[str]:
    start = 0
    for match in _QUOTED_OR_COMMA.finditer(text):
        if match[0] == ",":
            yield text[start : match.start()]
            start = match.end()
    yield text[start:]


def _joined(part: list[str]) -> str:
    """Return the name that consists of the parts of `part`, without trailing commas."""
    while len(part) > 1 and not part[-1].strip():
        part.pop()
    return ",".join(part).strip()


def _as_command(spec: str) -> str:
    """Return the `cmd:` name of a text that looks like a program or a command line, else an empty text."""
    path = Path(spec)
    if " " in spec and shutil.which(spec.partition(" ")[0]):
        return f"cmd:{spec}"
    if path.suffix in INTERPRETERS and not _is_program(path):
        return f"cmd:{INTERPRETERS[path.suffix]} {shlex.quote(spec)}"
    if _is_program(path) or ("/" in spec and " " not in spec and ":" not in spec):
        return f"cmd:{shlex.quote(spec if '/' in spec else f'./{spec}')}"
    return ""


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _command(spec: str) -> list[str]:
    try:
        command = shlex.split(spec.removeprefix("cmd:"))
    except ValueError as error:
        raise UnknownDriver(f"{spec!r} is not a command line: {error}; check its quotes") from None
    if not command:
        raise UnknownDriver(f"{spec!r} names no program; write it as in cmd:node adapter.mjs")
    return command


def _load(target: str, keywords: Mapping[str, object]) -> Driver:
    """Import `module:attribute` and return its driver: an instance, or the result of a class or factory.

    A class or factory is called with those `keywords` that it takes.
    """
    module_name, _, path = target.partition(":")
    if not module_name or not path:
        raise UnknownDriver(f"{target!r} is not of the form module:attribute")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)  # Users' drivers are usually in it, and a command does not search it.
    try:
        found: object = importlib.import_module(module_name)
    except Exception as error:
        raise UnknownDriver(
            f"the driver {target!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    try:
        for name in path.split("."):
            found = getattr(found, name)
    except AttributeError as error:
        names = [name for name in dir(found) if not name.startswith("_")]
        close = get_close_matches(path.rpartition(".")[2], names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UnknownDriver(f"the driver {target!r} cannot be found: {error}{hint}") from None
    if isinstance(found, Driver):
        return found
    if not callable(found):
        raise UnknownDriver(f"{target!r} is neither a driver nor a callable that returns one: {found!r}")
    try:
        made: object = found(**_taken(found, keywords))
    except NotAvailable as error:
        raise UnknownDriver(str(error)) from error
    except Exception as error:
        raise UnknownDriver(
            f"{target!r}, called without further arguments, raised {type(error).__name__}: {error}"
        ) from error
    if not isinstance(made, Driver):
        raise UnknownDriver(f"{target!r} returned {made!r}, which is not a clasp_e2e.drivers.Driver")
    return made


def _taken(found: Callable[..., object], keywords: Mapping[str, object]) -> dict[str, object]:
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):  # Some callables in C have no signature.
        return {}
    named = {each.name for each in parameters if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)}
    return {name: value for name, value in keywords.items() if name in named}
