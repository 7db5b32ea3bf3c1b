"""The GitHub Action: its steps, run as GitHub runs those of a composite action."""

from __future__ import annotations

import os
import re
import site
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]
"""What `shell: bash` means (GitHub: "Workflow syntax", jobs.<job_id>.steps[*].shell)."""
ACTIONS = {
    "actions/setup-python@v5": {"python-path": sys.executable},
    "actions/upload-artifact@v4": {},
}
"""The actions of others, with the outputs that they give."""
INSTALL = "Install clasp-e2e"
"""The step that is run once for all jobs of this file."""
PEER = "cmd:python -m clasp_e2e.drivers.adapters.reference"
CASE = "test_routing_mode.py --seed 7 -- -q -k 'until_it_is_set and iut'"
LIAR = "clasp_e2e.scripted.routing:BeginsInServerOnly"


class Job:
    """A job in the workspace `folder`, that uses the action with `inputs`; `runner` is what jobs share."""

    def __init__(self, folder: Path, runner: Path, **inputs: str) -> None:
        assert set(inputs) <= set(ACTION["inputs"])
        self.workspace = folder / "workspace"
        self.workspace.mkdir(parents=True)
        self.summary = folder / "summary.md"
        self.summary.touch()
        self.known = {
            **{f"inputs.{name}": given["default"] for name, given in ACTION["inputs"].items()},
            **{f"inputs.{name}": value for name, value in inputs.items()},
            "github.job": "conformance",
            "strategy.job-index": "0",
            "github.event.pull_request.number": "",
            "github.event.repository.default_branch": "main",
            "github.workflow": "Conformance",
            "github.token": "a token",
            "github.repository": "someone/peer",
        }
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))
        }
        self.environment = inherited | {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(runner),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        self.is_installed = (runner / "clasp-e2e").exists()
        self.out: dict[str, str] = {}
        self.failed: list[str] = []
        self.kept: list[Mapping[str, str]] = []
        """What was uploaded."""

    def run(self) -> Job:
        for step in STEPS:
            if step.get("name") == INSTALL and self.is_installed:
                continue
            if self.failed and "always()" not in step.get("if", ""):
                continue
            if "uses" in step:
                given = {name: self.valued(text) for name, text in step.get("with", {}).items()}
                for name, value in ACTIONS[step["uses"]].items():
                    self.known[f"steps.{step['id']}.outputs.{name}"] = value
                if "upload-artifact" in step["uses"]:
                    self.kept.append(given)
                continue
            finished = subprocess.run(
                [*BASH, "-c", step["run"]],
                cwd=self.workspace,
                env=self.environment | {name: self.valued(text) for name, text in step["env"].items()},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            self.out[step["name"]] = finished.stdout
            if finished.returncode != 0:
                self.failed.append(step["name"])
        return self

    def outputs(self) -> dict[str, str]:
        lines = Path(self.environment["GITHUB_OUTPUT"]).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def valued(self, text: str) -> str:
        return EXPRESSION.sub(lambda found: self.known[found[1]], text)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What jobs share: the folder into which the action installs, and the libraries of this Python."""
    runner = tmp_path_factory.mktemp("runner")
    libraries = runner / "libraries"
    libraries.mkdir()
    for folder in site.getsitepackages():
        for entry in Path(folder).iterdir():
            if "clasp_e2e" not in entry.name and not (libraries / entry.name).exists():
                (libraries / entry.name).symlink_to(entry)
    return runner


@pytest.fixture
def job(tmp_path: Path, runner: Path) -> Callable[..., Job]:
    """Make a job. The package is really installed; what it needs is taken from here, not from an index."""
    # As pip reads its settings, 0 puts the isolation off, and 1 the dependencies.
    settings = {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1"}
    settings |= {"PYTHONPATH": str(runner / "libraries")}

    def made(**inputs: str) -> Job:
        job = Job(tmp_path / f"job-{len([*tmp_path.iterdir()])}", runner, **inputs)
        job.environment |= settings
        return job

    return made


def test_every_expression_names_what_there_is() -> None:
    text = (ROOT / "action.yml").read_text()
    used = set(re.findall(r"\binputs\.([\w-]+)", text))
    assert used == set(ACTION["inputs"])
    ids: dict[str, Any] = {
        step["id"]: ACTIONS[step["uses"]] for step in STEPS if "uses" in step and "id" in step
    }
    ids["report"] = {"verdict", "failed", "report"}
    for step, output in re.findall(r"\bsteps\.([\w-]+)\.outputs\.([\w-]+)", text):
        assert output in ids[step]


def test_no_input_becomes_the_text_of_a_script() -> None:
    for step in STEPS:
        assert "${{" not in step.get("run", "")
        assert ("run" in step) == (step.get("shell") == "bash")


def test_it_takes_six_lines() -> None:
    example, sharded = re.findall(
        r"^```yaml\n(jobs:.*?)^```$", (ROOT / "docs/ci.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert set(yaml.safe_load(sharded)["jobs"]) == {"shard", "gate"}
    [job] = yaml.safe_load(example)["jobs"].values()
    [own] = [step for step in job["steps"] if "clasp-e2e" in step["uses"]]
    assert set(own["with"]) <= set(ACTION["inputs"])
    assert len(example.splitlines()) - len(["jobs:"]) <= 6


@pytest.mark.timeout(600)
def test_what_conforms_passes_and_is_kept(job: Callable[..., Job]) -> None:
    done = job(peer=PEER, args=CASE, results="out", strict="true").run()
    assert done.failed == [], done.out
    assert "Gate: passed: no unexpected result" in done.out["Judge"]
    assert "# CLASP" in done.summary.read_text()
    kept = done.workspace / "out"
    assert done.kept == [{"name": "clasp-e2e-conformance-0", "path": "out", "if-no-files-found": "ignore"}]
    files = {"results.json", "junit.xml", "report.html", "badge.json", "evidence"}
    assert files <= {path.name for path in kept.iterdir()}
    assert done.outputs() == {"verdict": "partial", "failed": "", "report": "out/report.html"}
    assert ElementTree.parse(kept / "junit.xml").find(".//testcase") is not None


@pytest.mark.timeout(600)
def test_what_fails_fails_the_job_and_is_told_and_kept(job: Callable[..., Job]) -> None:
    failing = job(peer=LIAR, args=CASE)
    done = failing.run()
    assert done.failed == ["Judge"]
    assert "::error title=clasp-e2e gate::RTE-1 in " in done.out["Judge"]
    assert "RTE-1" in done.summary.read_text()
    assert done.outputs()["failed"] == "RTE-1"
    assert done.kept[0]["path"] == "reports/latest"


@pytest.mark.timeout(600)
def test_an_input_is_a_value_whatever_it_holds(job: Callable[..., Job]) -> None:
    done = job(peer="$(touch ran); touch ran").run()
    assert done.failed == ["Judge"]
    assert "no driver named '$(touch ran); touch ran'" in done.out["Judge"]
    assert done.summary.read_text() == "The run left no results; its log says why.\n"
    assert list(done.workspace.iterdir()) == []


GH = """#!/bin/sh
echo "$@" >> "$GH_CALLS"
case "$1 $2" in
"run list") echo 17 ;;
"run download") [ -n "$GH_EARLIER" ] && cp -R "$GH_EARLIER" "$RUNNER_TEMP/clasp-e2e-earlier" ;;
"pr comment") cat "$5"; [ -z "$GH_FORK" ] ;;
"api repos/someone/peer/issues/5/comments") echo "$GH_COMMENTS" ;;
esac
"""
"""GitHub's command line, as far as the action uses it: there is one earlier run."""


OWN_COMMENTS = "https://api.example.org/comments/8\nhttps://api.example.org/comments/9"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("comments", "fork"), [("", ""), (OWN_COMMENTS, ""), ("", "yes")], ids=["first", "again", "fork"]
)
def test_pull_request_gets_comment_about_changes(
    job: Callable[..., Job], tmp_path: Path, comments: str, fork: str
) -> None:
    before = job(peer=PEER, args=CASE).run()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gh").write_text(GH)
    (tmp_path / "bin" / "gh").chmod(0o755)
    done = job(peer=LIAR, args=CASE, comment="true")
    calls = tmp_path / "calls"
    done.known["github.event.pull_request.number"] = "5"
    done.environment |= {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{done.environment['PATH']}",
        "GH_CALLS": str(calls),
        "GH_EARLIER": str(before.workspace / "reports/latest"),
    }
    done.environment["GH_COMMENTS"] = comments
    done.environment["GH_FORK"] = fork
    done.run()
    assert done.failed == ["Judge"]
    assert "## CLASP P2P: 1 broken" in done.summary.read_text()
    *_, last = calls.read_text().splitlines()
    if comments:
        assert last.startswith("api https://api.example.org/comments/8 --method PATCH --field body=@")
        return
    body = done.out["Compare with the default branch"]
    assert "## CLASP P2P: " in body
    assert "**RTE\\-1**" in body or "**RTE-1**" in body
    assert calls.read_text().splitlines()[0].startswith("run list --workflow Conformance --branch main ")
    assert last.startswith("pr comment 5 --body-file ")
    assert "<!-- clasp-e2e-conformance-0 -->" in body
    assert ("::warning::No comment was written" in body) is bool(fork)
