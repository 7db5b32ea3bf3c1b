"""`clasp-e2e bisect`: the first bad version of a scripted set is found, with its reason."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clasp_e2e.commands import main

pytestmark = pytest.mark.subprocess

GOOD = "from clasp_e2e.drivers.reference import ReferenceDriver as Peer\n"
BAD = "from clasp_e2e.scripted.routing import RelaysInP2POnly as Peer\n"
BROKEN = "this is no Python\n"


def bisect(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["bisect", *arguments, "--seed", "1"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python_m: list[str]) -> Path:
    """The current folder, in which runs are forked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("clasp_e2e.execution.version_runs.PYTHON_M", python_m)
    return tmp_path


@pytest.mark.timeout(200)
def test_first_bad_version_is_found_with_its_reason(folder: Path) -> None:
    for number, text in enumerate((GOOD, GOOD, GOOD, BAD, BAD)):
        (folder / f"peer_{number}.py").write_text(text)
    found = bisect(
        "rte-8", *("--good", "0", "--bad", "4"), *("--versions", "0,1,2,3,4"), "--peer", "peer_{version}:Peer"
    )
    assert found.exit_code == 0, found.output
    assert found.output.startswith("RTE-8: 5 versions from 0 to 4; at most 3 are judged, by ")
    judged = re.findall(r"^  (\d)  (good|bad)", found.output, re.MULTILINE)
    assert judged == [("2", "good"), ("3", "bad")]
    assert "\nFirst bad version: 3\nLast good version: 2\nReason: expected " in found.output
    assert "\nRepeat with clasp-e2e run 'test_" in found.output
    assert "--peer peer_3:Peer --seed 1\n" in found.output
    assert (folder / "reports/latest/bisect/3/results.json").is_file()


@pytest.mark.timeout(200)
def test_commits_are_judged_in_a_worktree_of_their_own_and_skipped_if_unbuildable(folder: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        command = ["git", "-C", "repo", *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    (folder / "repo").mkdir()
    git("init", "-q", "-b", "main")
    for number, text in enumerate((GOOD, BROKEN, BAD)):
        (folder / "repo/peer.py").write_text(text)
        git("add", ".")
        git("commit", "-q", "-m", f"Commit {number}")
    (folder / "repo/peer.py").write_text("an edit of the user\n")
    before = git("status", "--short", "--branch"), git("rev-parse", "HEAD")
    build = "python3 -m py_compile peer.py"
    ends = ("--good", "HEAD~2", "--bad", "main")
    found = bisect("RTE-8", *ends, "--repository", "repo", "--build", build, "--peer", "peer:Peer")
    assert found.exit_code == 3, found.output
    assert re.search(
        r"^  [0-9a-f]+ Commit 1  skipped: the build ended with exit status 1", found.output, re.MULTILINE
    )
    assert re.search(
        r"First bad version: [0-9a-f]+ Commit 2, or one of the skipped: [0-9a-f]+ Commit 1\n", found.output
    )
    checkout = f"git checkout --quiet --detach --force {git('rev-parse', 'main')}"
    assert f"Repeat with {checkout} && {build} && clasp-e2e run" in found.output
    assert (git("status", "--short", "--branch"), git("rev-parse", "HEAD")) == before
    assert len(git("worktree", "list").splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RTE-99", "--versions", "1,2", "--peer", "x{version}"], "RTE-99 is not in the catalogue"),
        (
            ["DIR-3", "--versions", "1,2", "--peer", "x{version}"],
            "DIR-3 is a remark, which no version can fail",
        ),
        (["RTE-8", "--peer", "x{version}"], "name one of --versions, --crate, --npm, --pypi, --repository"),
        (["RTE-8", "--versions", "1,2"], "name the implementation by --peer or --router"),
        (
            ["RTE-8", "--versions", "1,2", "--peer", "x"],
            "no command contains {version}: all versions would be the",
        ),
        (
            ["RTE-8", "--versions", "2,1", "--peer", "x{version}"],
            "1 is not older than 2; --good must be the older",
        ),
        (["RTE-8", "--versions", "1,3", "--peer", "x{version}"], "there is no version 2; close to it: 1, 3"),
    ],
)
def test_invalid_use_is_one_line(folder: Path, arguments: list[str], message: str) -> None:
    found = bisect(*arguments, "--good", "1", "--bad", "2")
    assert (found.exit_code, len(found.output.splitlines())) == (2, 1)
    assert found.output.startswith(f"Error: {message}")


@pytest.mark.timeout(100)
def test_version_whose_driver_cannot_be_loaded_is_skipped(folder: Path) -> None:
    found = bisect("RTE-8", "--good", "1", "--bad", "2", "--versions", "1,2", "--peer", "none_{version}:Peer")
    assert found.exit_code == 3
    assert re.search(
        r"^  2  skipped: the run ended with exit status \d: .*none_2", found.output, re.MULTILINE
    )
    assert "\nNot found: 2, named by --bad, was not judged: the run ended with" in found.output
