"""Versions are read from the output of package managers and from Git, and ordered from the oldest."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.execution.version_sources import (
    VersionsError,
    commits,
    npm_versions,
    parse_crate_index,
    parse_npm,
    parse_pip,
    version_order,
    version_range,
)

ORDERED = ["0.9.0", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.9.0", "1.10.0", "2.0"]


@given(st.permutations(ORDERED))
def test_versions_are_ordered_by_number_and_pre_releases_first(versions: list[str]) -> None:
    assert sorted(versions, key=version_order) == ORDERED


def test_outputs_of_package_managers_are_read() -> None:
    assert parse_npm('["1.10.0", "1.9.0"]') == ["1.9.0", "1.10.0"]
    assert parse_npm('"3.3.2"') == ["3.3.2"]
    assert parse_pip("clasp-to (4.2.0)\nAvailable versions: 4.2.0, 4.1.0, 0.1.0\n") == [
        "0.1.0",
        "4.1.0",
        "4.2.0",
    ]
    assert parse_pip("nothing") == []
    entries = [
        {"name": "x", "vers": "4.10.0", "yanked": False},
        {"vers": "4.9.0"},
        {"vers": "4.8.0", "yanked": True},
    ]
    lines = b"".join(each["vers"].encode() + b"\0" + json.dumps(each).encode() + b"\0" for each in entries)
    assert parse_crate_index(b"\x03\x02\0\0\0Unknown\0" + lines) == ["4.9.0", "4.10.0"]


def test_range_holds_both_ends_and_its_errors_name_versions() -> None:
    assert version_range(ORDERED, "0.9.0", "1.0.0") == ORDERED[:4]
    with pytest.raises(VersionsError, match=r"there is no version 1\.1\.0; close to it: 1\.10\.0"):
        version_range(ORDERED, "1.1.0", "2.0")
    with pytest.raises(VersionsError, match=r"2\.0 is not older than 0\.9\.0"):
        version_range(ORDERED, "2.0", "0.9.0")


def test_failing_or_missing_tool_is_an_error_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code E404' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), "/bin", "/usr/bin"]))
    with pytest.raises(VersionsError, match="npm view x versions --json failed: code E404"):
        npm_versions("x")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(VersionsError, match="npm is not on the PATH; install it, or use --versions"):
        npm_versions("x")


@pytest.mark.subprocess
def test_commits_follow_the_first_parents(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q", "-b", "main")
    made: list[str] = []
    for subject in ("one", "two"):
        git("commit", "-q", "--allow-empty", "-m", subject)
        made.append(git("rev-parse", "HEAD"))
    git("checkout", "-q", "-b", "side", made[0])
    git("commit", "-q", "--allow-empty", "-m", "side")
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "merge", "side")
    made.append(git("rev-parse", "HEAD"))
    assert commits(tmp_path, "HEAD~2", "main") == made
    with pytest.raises(VersionsError, match=r"main is not an ancestor of HEAD~1; --good must be the older"):
        commits(tmp_path, "main", "HEAD~1")
    with pytest.raises(VersionsError, match="rev-parse --verify none"):
        commits(tmp_path, "none", "main")
