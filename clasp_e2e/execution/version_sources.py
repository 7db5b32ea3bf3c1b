"""The versions of a package or a repository, from the tools that are configured on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

_TOOL_TIMEOUT = 120.0
"""Seconds for a package manager to answer."""


class VersionsError(Exception):
    """Versions that cannot be listed, or that do not contain the wanted ones; the text says what to do."""


def npm_versions(name: str) -> list[str]:
    """Return the versions of an npm package, from the oldest. Raises `VersionsError`."""
    return parse_npm(_output(["npm", "view", name, "versions", "--json"]))


def pypi_versions(name: str) -> list[str]:
    """Return the versions of a PyPI package, from the oldest. Raises `VersionsError`."""
    text = _output([sys.executable, "-m", "pip", "--disable-pip-version-check", "index", "versions", name])
    return parse_pip(text)


def crate_versions(name: str) -> list[str]:
    """Return the versions of a crate, from the oldest, without yanked ones. Raises `VersionsError`.

    `cargo info` lists the newest version only, but leaves the index entry of the crate in cargo's cache.
    """
    _output(["cargo", "info", "--quiet", name])
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    found = (home / "registry/index").glob(f"*/.cache/**/{name.lower()}")
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    versions = [] if newest is None else parse_crate_index(newest.read_bytes())
    if not versions:
        raise VersionsError(f"cargo keeps no index entry of {name}; list the versions with --versions")
    return versions


def commits(repository: Path, good: str, bad: str) -> list[str]:
    """Return the commits from `good` to `bad` on the first-parent line, from the oldest, with both ends.

    Raises `VersionsError`.
    """
    oldest, newest = (
        _output(["git", "-C", str(repository), "rev-parse", "--verify", f"{each}^{{commit}}"]).strip()
        for each in (good, bad)
    )
    ancestry = ["git", "-C", str(repository), "merge-base", "--is-ancestor", oldest, newest]
    if oldest == newest or subprocess.run(ancestry, capture_output=True, check=False).returncode:  # noqa: S603
        raise VersionsError(f"{good} is not an ancestor of {bad}; --good must be the older commit")
    listed = ["rev-list", "--first-parent", "--reverse", f"{oldest}..{newest}"]
    return [oldest, *_output(["git", "-C", str(repository), *listed]).split()]


def commit_title(repository: Path, commit: str) -> str:
    """Return the abbreviated hash and the subject of a commit. Raises `VersionsError`."""
    return _output(["git", "-C", str(repository), "log", "-1", "--format=%h %s", commit]).strip()


def parse_npm(text: str) -> list[str]:
    """Return the versions in the output of `npm view NAME versions --json`."""
    listed = json.loads(text)
    return sorted([listed] if isinstance(listed, str) else listed, key=version_order)


def parse_pip(text: str) -> list[str]:
    """Return the versions in the output of `pip index versions NAME`, which begins with the newest."""
    found = re.search(r"^Available versions: (.+)$", text, re.MULTILINE)
    return found[1].split(", ")[::-1] if found else []


def parse_crate_index(data: bytes) -> list[str]:
    """Return the versions in an entry of cargo's index cache: JSON objects, separated by zero bytes."""
    entries = [json.loads(part) for part in data.split(b"\0") if part.startswith(b"{")]
    return sorted((each["vers"] for each in entries if not each.get("yanked")), key=version_order)


def version_order(version: str) -> tuple[list[int], bool, list[tuple[bool, int, str]]]:
    """Return the sort key of a semantic version: a pre-release precedes its release."""
    core, _, rest = version.partition("+")[0].partition("-")
    numbers = [int(part) if part.isdigit() else 0 for part in core.split(".")]
    parts = [(not each.isdigit(), int(each) if each.isdigit() else 0, each) for each in rest.split(".")]
    return numbers, not rest, parts


def version_range(versions: Sequence[str], good: str, bad: str) -> list[str]:
    """Return the part of `versions` from `good` to `bad`. Raises `VersionsError`."""
    for name in (good, bad):
        if name not in versions:
            close = get_close_matches(name, versions, n=3) or versions[-3:]
            raise VersionsError(f"there is no version {name}; close to it: {', '.join(close) or 'none'}")
    first, last = versions.index(good), versions.index(bad)
    if first >= last:
        raise VersionsError(f"{good} is not older than {bad}; --good must be the older version")
    return list(versions[first : last + 1])


def _output(command: Sequence[str]) -> str:
    """Return what a tool prints. Raises `VersionsError`."""
    try:
        ended = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_TOOL_TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise VersionsError(f"{command[0]} is not on the PATH; install it, or use --versions") from None
    except subprocess.TimeoutExpired:
        raise VersionsError(f"{' '.join(command)} did not answer within {_TOOL_TIMEOUT:.0f} s") from None
    if ended.returncode:
        reason = "; ".join(_reasons(ended.stderr)[:2]) or f"exit status {ended.returncode}"
        raise VersionsError(f"{' '.join(command)} failed: {reason}")
    return ended.stdout


def _reasons(text: str) -> list[str]:
    """Return the lines of an error output that are no warnings, without the words that only mark an error."""
    lines = [
        re.sub(r"^(?:npm (?:error|ERR!)|ERROR:|error:|fatal:)\s*", "", line) for line in text.splitlines()
    ]
    return [line.strip() for line in lines if line.strip() and not line.startswith(("WARNING", "warning"))]
