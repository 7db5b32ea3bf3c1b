"""The record of a pytest session, its verdict and its exit status."""

import os
import shlex
import sys
from typing import Any

import pytest

from clasp_e2e import __version__
from clasp_e2e.execution.run_options import RUN_OPTIONS
from clasp_e2e.execution.run_session import RunSession
from clasp_e2e.plugin.errors import usage_error
from clasp_e2e.report.terminal import print_summary
from clasp_e2e.results.documents import from_plain
from clasp_e2e.results.exit_status import ExitStatus
from clasp_e2e.results.run_record import ScenarioResult, Subject
from clasp_e2e.results.store import ResultsError

CRASHED = "???"
"""The phase that xdist reports for a test whose worker died."""

RUN = pytest.StashKey[RunSession]()

NOT_REPEATED = frozenset({"seed", "jobs", "failed", "results", "coturn", "attach", "deadline-scale", "pcap"})
"""The options that `repeat_command` handles separately, or that do not affect a single case."""


def header(run: RunSession) -> str:
    """Return the line with the judged implementations and the seed."""
    subjects = run.plan.selection.subjects
    judged = ", ".join(f"{role} {getattr(subjects, role)}" for role in sorted(subjects.judged))
    return f"clasp-e2e {__version__}: judging {judged}; seed {run.plan.seed}"


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process is an xdist worker; the controller keeps the record."""
    return hasattr(config, "workerinput")


def is_controller(config: pytest.Config) -> bool:
    """Return whether xdist workers run the tests of this session."""
    return bool(getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None))


def is_subset(config: pytest.Config) -> bool:
    """Return whether the user left out scenarios on purpose."""
    options = config.option
    if options.keyword or options.markexpr or getattr(options, "lf", False) or options.deselect:
        return True
    return options.failed is not None or is_shard(config) or names_files(config)


def is_shard(config: pytest.Config) -> bool:
    """Return whether this run is a shard, to be merged with others (pytest-split)."""
    return bool(getattr(config.option, "splits", None))


def names_files(config: pytest.Config) -> bool:
    """Return whether the user named files or tests, not only folders."""
    return any("::" in argument or argument.endswith(".py") for argument in config.args)


def command_of(config: pytest.Config) -> str:
    """Return the command that started this run."""
    return config.option.clasp_command or shlex.join(["pytest", *config.invocation_params.args])


def repeat_command(item: pytest.Item) -> str:
    """Return the command that runs this case again with the seed of this run."""
    options = item.config.option
    if options.clasp_command:  # It resolves the file name from any folder.
        command = ["clasp-e2e", "run", f"{item.path.name}::{item.name}"]
    else:
        path = os.path.relpath(item.path, item.config.invocation_params.dir)
        command = ["pytest", f"{path}::{item.name}"]
        if "clasp_e2e.plugin" in options.plugins:
            command += ["-p", "clasp_e2e.plugin"]
    for option in RUN_OPTIONS:
        value = getattr(options, option.key)
        if option.name in NOT_REPEATED or value in (None, False):
            continue
        command += [option.flag] if option.metavar is None else [option.flag, str(value)]
    if options.attach is not None:
        command.append(f"--attach={options.attach}")
    if options.deadline_scale not in (None, 1):
        command += ["--deadline-scale", f"{options.deadline_scale:g}"]
    if item.config.getini("strict"):
        command.append("--strict")
    return shlex.join([*command, "--seed", str(item.config.stash[RUN].plan.seed)])


class Reporting:
    """The hooks that record a session and end it."""

    def __init__(self, config: pytest.Config, run: RunSession) -> None:
        self._config = config
        self._run = run
        self._others_failed = False
        self._worker_died = False
        self._collection_failed = False
        self._nothing_selected = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Print the header if pytest's own header is off (`clasp-e2e run`)."""
        reporter: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None and reporter.no_header and reporter.verbosity >= 0:
            reporter.write_line(header(self._run))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record that a file cannot be read, which xdist reports as a failed test."""
        self._collection_failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Check that results can be written, before any test runs."""
        scenarios_here = is_controller(self._config) or any(_is_scenario(item) for item in session.items)
        if is_worker(self._config) or self._config.option.collectonly or not scenarios_here:
            return
        try:
            self._run.begin_record(subset=is_subset(self._config), all_files=not names_files(self._config))
        except ResultsError as error:
            usage_error(str(error))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the results of workers, and errors outside the judgment of a case."""
        if is_worker(self._config):
            return
        records: list[dict[str, Any]] = getattr(report, "clasp_records", [])
        if not hasattr(report, "clasp_outcome") and not records:
            self._worker_died |= str(report.when) == CRASHED
            self._others_failed |= report.failed
            return
        if subjects := getattr(report, "clasp_subjects", None):
            self._run.journal.note(subjects=from_plain(dict[str, Subject], subjects))
        for record in records:
            self._run.record(from_plain(ScenarioResult, record))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Determine the verdict, and set the exit status; a usage error of pytest is kept."""
        if is_worker(self._config) or self._config.option.collectonly:
            return
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            self._nothing_selected = True
            session.exitstatus = ExitStatus.USAGE
        elif exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            if self._run.journal.results:
                session.exitstatus = self._finish()
            elif self._collection_failed:
                session.exitstatus = ExitStatus.USAGE
        elif self._run.journal.results or exitstatus == ExitStatus.INCONCLUSIVE:
            session.exitstatus = self._run.break_off(all_files=not names_files(self._config))

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep pytest from ending with a traceback.

        Sockets that a cancelled call left open are closed by the end of the process. A place without a line
        number, at which an interrupt may come too, cannot be shown.
        """
        sys.unraisablehook = lambda _: None
        excinfo.traceback = excinfo.traceback.filter(_has_line)

    def pytest_unconfigure(self) -> None:
        """Close the journal, also if the session ended early."""
        self._run.journal.close()

    def _finish(self) -> int:
        """Return the exit status of a completed run."""
        config = self._config
        status = self._run.finish(subset=is_subset(config), all_files=not names_files(config)).status
        if status == 0 and self._others_failed:
            return ExitStatus.INCONCLUSIVE if self._worker_died else ExitStatus.FAILED
        return status

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the verdict."""
        run = self._run
        if run.finished is not None and run.journal.results:
            print_summary(run.finished, run.plan.catalogue, terminalreporter, results=run.journal.path)
        elif self._nothing_selected:
            terminalreporter.write_line(_nothing_selected(self._config), red=True)


def _has_line(entry: object) -> bool:
    try:
        return isinstance(getattr(entry, "lineno", None), int)
    except TypeError:  # CPython has no line number for the instruction, which pytest does not expect.
        return False


def _nothing_selected(config: pytest.Config) -> str:
    if config.option.failed is not None:
        return (
            "No scenario selected: this run contains none of the cases that did not pass;"
            " name the same implementations and scenarios as in the run of --failed."
        )
    return (
        "No scenario selected. No scenario matches `-k` and `-m`, or none judges the role that you named;"
        " `clasp-e2e list` shows all scenarios."
    )


def _is_scenario(item: pytest.Item) -> bool:
    return getattr(getattr(item, "function", None), "scenario", None) is not None
