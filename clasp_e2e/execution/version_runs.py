"""Runs of one requirement on several versions of an implementation: build, run, and read the verdict."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from os import environ
from pathlib import Path

from clasp_e2e.execution.bundled_scenarios import Bundled, judging, load_scenarios
from clasp_e2e.results.bisection import Judged
from clasp_e2e.results.outcome import RequirementVerdict
from clasp_e2e.results.reading import read_run
from clasp_e2e.results.run_record import Run
from clasp_e2e.results.store import RESULTS, ResultsError, clear_results
from clasp_e2e.results.version_history import BAD
from clasp_e2e.spec.catalogue import Catalogue

PYTHON_M = (sys.executable, "-P", "-m")
"""What starts a module. -P: a checkout may contain another version of this package."""
_PLACEHOLDER = re.compile(r"\{(version|directory)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCommands:
    """How a version is built and judged; `{version}` and `{directory}` stand for those of the version."""

    build: str | None = None
    """A command line of the shell, or None if nothing has to be built."""
    drivers: dict[str, str]
    """Drivers by the option that takes them: `peer`, `router`."""

    def texts(self) -> list[str]:
        """Return all command lines."""
        return [self.build or "", *self.drivers.values()]


@dataclass(frozen=True, slots=True)
class JudgedBuild:
    """What the run of a version showed."""

    judged: Judged
    reason: str = ""
    """Why the requirement is not met, or was not judged."""
    repeat: str = ""
    """The commands that build the version and repeat the case that failed."""


@dataclass(frozen=True, slots=True)
class VersionRuns:
    """Builds and judges versions of an implementation by the cases of one requirement."""

    requirement: str
    catalogue: Catalogue
    commands: VersionCommands
    directory: Path
    """The output directory; it is absolute."""
    seed: int
    deadline_scale: float
    checkout: Path | None = None
    """The worktree in which each commit is checked out; None where versions are not commits."""

    def scenarios(self) -> list[Bundled]:
        """Return the scenarios that judge the requirement or one of its preconditions."""
        bundled = load_scenarios()
        chosen = {each.name for each in judging(self.requirement, bundled)}
        for precondition in self.catalogue.preconditions_of(self.requirement):
            found = judging(precondition.id, bundled)
            # As in a whole run, a case waits only for the quick cases of its preconditions.
            quick = [each for each in found if not each.scenario.waits] or found
            chosen.update(each.name for each in quick if not each.scenario.extended)
        return [each for each in bundled if each.name in chosen]

    def results_of(self, version: str) -> Path:
        """Return the folder for the results and logs of a version."""
        return self.directory / re.sub(r"[^\w.+-]", "_", version)

    def judge(self, version: str) -> JudgedBuild:
        """Build a version, and run the scenarios on it."""
        results = self.results_of(version)
        clear_results(results)
        build = self._build(version)
        if build is not None:
            log = results / "build.txt"
            if status := _logged(["sh", "-ec", build], log, self.checkout):
                return JudgedBuild(Judged.SKIPPED, f"the build ended with exit status {status}; see {log}")
        log = results / "run.txt"
        status = _logged(self._run(version, results), log, self.checkout)
        with suppress(ResultsError):
            run = read_run(results / RESULTS, self.catalogue)
            if run.scenarios:
                return _judgment(run, self.requirement, build)
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        errors = [line.removeprefix("! ") for line in lines if line.startswith(("Error: ", "! "))]
        reason = [*errors, *lines[-1:], "no output"][0]
        return JudgedBuild(Judged.SKIPPED, f"the run ended with exit status {status}: {reason}")

    def _build(self, version: str) -> str | None:
        needs_folder = any("{directory}" in text for text in self.commands.texts())
        if needs_folder:
            self._folder(version).mkdir(parents=True, exist_ok=True)
        steps: list[str] = []
        if self.checkout is not None:
            steps.append(f"git checkout --quiet --detach --force {shlex.quote(version)}")
        if self.commands.build is not None:
            steps.append(self._filled(self.commands.build, version))
        return " && ".join(steps) or None

    def _run(self, version: str, results: Path) -> list[str]:
        drivers = [
            f"--{option}={self._filled(driver, version, quoted=driver.startswith('cmd:'))}"
            for option, driver in self.commands.drivers.items()
        ]
        options = [
            f"--seed={self.seed}",
            f"--deadline-scale={self.deadline_scale}",
            f"--results={results}",
        ]
        scenarios = self.scenarios()
        options += ["--extended"] * any(each.scenario.extended for each in scenarios)
        names = [each.name for each in scenarios]
        return [*PYTHON_M, "clasp_e2e", "run", *drivers, *options, *names, "--", "-q"]

    def _folder(self, version: str) -> Path:
        return self.results_of(version) / "build"

    def _filled(self, text: str, version: str, *, quoted: bool = True) -> str:
        values = {"version": version, "directory": str(self._folder(version))}
        quote = shlex.quote if quoted else str
        return _PLACEHOLDER.sub(lambda found: quote(values[found[1]]), text)


@contextmanager
def separate_worktree(repository: Path, commit: str) -> Generator[Path]:
    """Provide the folder of `repository` in a worktree of its own, and remove the worktree at the end."""
    git = ["git", "-C", str(repository)]
    prefix = subprocess.check_output([*git, "rev-parse", "--show-prefix"], text=True).strip()  # noqa: S603
    with tempfile.TemporaryDirectory(prefix="clasp-e2e-bisect-") as folder:
        place = Path(folder) / "worktree"
        add = [*git, "worktree", "add", "--quiet", "--detach", str(place), commit]
        subprocess.run(add, check=True, capture_output=True)  # noqa: S603
        try:
            yield place / prefix
        finally:
            remove = [*git, "worktree", "remove", "--force", str(place)]
            subprocess.run(remove, check=False, capture_output=True)  # noqa: S603


def _judgment(run: Run, requirement: str, build: str | None) -> JudgedBuild:
    item = next(each for each in run.requirements if each.id == requirement)
    cases = [case for case in run.scenarios if requirement in case.requirements]
    if item.verdict is RequirementVerdict.PASS:
        return JudgedBuild(Judged.GOOD)
    if item.verdict in BAD:
        case = next(each for each in cases if each.did_not_meet(requirement))
        repeat = " && ".join(each for each in (build, case.replay) if each)
        return JudgedBuild(Judged.BAD, _first_line(case.message), repeat)
    reason = next((_first_line(case.message) for case in cases if case.message), "no case judged it")
    return JudgedBuild(Judged.SKIPPED, f"{item.verdict.value.replace('_', ' ')}: {reason}")


def _logged(command: Sequence[str], log: Path, folder: Path | None) -> int:
    """Run a command with its output in the file `log`; return its exit status."""
    # The source of a driver may change within a second, which compiled modules would not notice.
    inherited = environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as output:
        ended = subprocess.run(  # noqa: S603
            command, cwd=folder, env=inherited, stdout=output, stderr=output, check=False
        )
    return ended.returncode


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0]
