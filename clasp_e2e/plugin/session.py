"""What the plugin keeps of a pytest session, and how the session ends: record, verdict, exit status."""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Mapping
from typing import Any

import pytest

from clasp_e2e import __version__
from clasp_e2e.execution.run import Gate
from clasp_e2e.execution.runner import Judged
from clasp_e2e.report.terminal import print_summary
from clasp_e2e.results.run_record import ScenarioResult

FAILS = 1
USAGE = 2
INCONCLUSIVE = 3

CRASHED = "???"
"""What xdist gives for the phase of a test whose worker died in it."""


GATE = pytest.StashKey[Gate]()
BACKGROUND = pytest.StashKey[dict[str, asyncio.Task[Judged]]]()
"""By case: what waits long, and runs already."""


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process runs tests for a controller (xdist), which keeps the record."""
    return hasattr(config, "workerinput")


def is_subset(config: pytest.Config) -> bool:
    """Return whether the user chose a part of the scenarios on purpose."""
    options = config.option
    if options.keyword or options.markexpr or getattr(options, "lf", False) or options.deselect:
        return True
    return is_shard(config) or names_files(config)


def is_shard(config: pytest.Config) -> bool:
    """Return whether this is one part of several, to be merged (pytest-split)."""
    return bool(getattr(config.option, "splits", None))


def names_files(config: pytest.Config) -> bool:
    """Return whether the user named files or tests, and not only folders."""
    return any("::" in argument or argument.endswith(".py") for argument in config.args)


def conditions(config: pytest.Config) -> dict[str, object]:
    """Return what repeats a case of this run, beside its seed (see `write_evidence`)."""
    options, recorder = config.option, config.stash[GATE].recorder
    named = {name: getattr(options, name) for name in ("peer", "offerer", "answerer")}
    return {
        "drivers": {name: spec for name, spec in named.items() if spec is not None},
        "router": options.router,
        "switches": list(switches(config)),
        "deadline_scale": options.deadline_scale or 1.0,  # That of no attaching.
        "tool": {"name": "clasp-e2e", "version": __version__},
        "subjects": recorder.subjects_json(),
    }


def switches(config: pytest.Config) -> tuple[str, ...]:
    """Return the options without a value that change what is run, those that are given."""
    return tuple(name for name in ("coturn", "attack_router") if getattr(config.option, name))


def command_of(config: pytest.Config) -> str:
    """Return the command that started this run."""
    return config.option.clasp_command or shlex.join(["pytest", *config.invocation_params.args])


def repeat_command(item: pytest.Item) -> str:
    """Return the command that runs this one case again, with the seed of this run."""
    options = item.config.option
    if options.clasp_command:  # Its scenarios may lie anywhere; the name finds them from any folder.
        command = ["clasp-e2e", "run", f"{item.path.name}::{item.name}"]
    else:
        path = os.path.relpath(item.path, item.config.invocation_params.dir)
        command = ["pytest", f"{path}::{item.name}"]
        if "clasp_e2e.plugin" in options.plugins:
            command += ["-p", "clasp_e2e.plugin"]
    for name in ("peer", "offerer", "answerer", "router", "baseline"):
        if (value := getattr(options, name)) is not None:
            command += [f"--{name}", value]
    if options.attach is not None:
        command.append(f"--attach={options.attach}")
    if options.deadline_scale not in (None, 1):
        command += ["--deadline-scale", f"{options.deadline_scale:g}"]
    if options.attack_router:
        command.append("--attack-router")
    if item.config.getini("strict"):
        command.append("--strict")
    return shlex.join([*command, "--seed", str(item.config.stash[GATE].seed)])


class Reporting:
    """The hooks of a session's record and end."""

    def __init__(self, config: pytest.Config, gate: Gate) -> None:
        self._config = config
        self._gate = gate
        self._others_failed = False
        self._worker_died = False
        self._collection_failed = False
        self._nothing_selected = False

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notice a file that cannot be read; xdist would have it a failed test."""
        self._collection_failed |= report.failed

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a result into the run and write it at once: what is known survives whatever comes."""
        if is_worker(self._config):
            return
        record: Mapping[str, Any] | None = getattr(report, "clasp_scenario", None)
        if record is None:
            self._worker_died |= str(report.when) == CRASHED
            self._others_failed |= report.failed
            return
        result = ScenarioResult.from_json(record)
        self._gate.recorder.add(result, getattr(report, "clasp_subjects", None))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Reach the verdict and set the exit status; what pytest says of its own use stays usage."""
        if is_worker(self._config) or self._config.option.collectonly:
            return
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            self._nothing_selected = True
            session.exitstatus = USAGE
        elif exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            if self._gate.recorder.results:
                session.exitstatus = self._finish()
            elif self._collection_failed:
                session.exitstatus = USAGE
        elif self._gate.recorder.results or exitstatus == INCONCLUSIVE:
            session.exitstatus = self._gate.break_off(all_files=not names_files(self._config))

    def _finish(self) -> int:
        """Return the exit status of a run that came to its end."""
        gate, config = self._gate, self._config
        subset, strict = is_subset(config), bool(config.getini("strict"))
        status = gate.finish(subset=subset, strict=strict, all_files=not names_files(config))
        if status == 0 and self._others_failed:
            return INCONCLUSIVE if self._worker_died else FAILS
        return status

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the verdict, to be read at a glance."""
        recorder = self._gate.recorder
        if recorder.run is not None and recorder.results:
            print_summary(recorder.run, self._gate.catalogue, terminalreporter, results=recorder.path)
        elif self._nothing_selected:
            terminalreporter.write_line(
                "No scenario selected. `-k` and `-m` leave none of them, or none judges the role you named;"
                " `pytest scenarios/ --collect-only -q` lists all there are.",
                red=True,
            )
