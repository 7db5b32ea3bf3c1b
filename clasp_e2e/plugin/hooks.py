"""The hooks of the pytest plugin: options, a test for each case, outcomes.

There is no `pytest11` entry point: the root `conftest.py` and `clasp-e2e run` name the plugin.
The package `execution` judges the cases; a test only requests the result of its case.
"""

import argparse
import random
import re
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from clasp_e2e.drivers.interface import DriverFault
from clasp_e2e.execution import loop_watchdog
from clasp_e2e.execution.plan import Case, RunPlan, case_id
from clasp_e2e.execution.run_options import LATEST, RUN_OPTIONS
from clasp_e2e.execution.run_session import RunSession
from clasp_e2e.execution.runner import JudgedCase, harness_error
from clasp_e2e.execution.scheduler import Limits
from clasp_e2e.execution.selection import SelectionError, known_labels, load_baselines, select
from clasp_e2e.plugin import attach
from clasp_e2e.plugin.chosen_pairings import PAIRING_ERRORS, check_pairings
from clasp_e2e.plugin.errors import cannot_judge, usage_error
from clasp_e2e.plugin.failed_cases import cases_not_passed
from clasp_e2e.plugin.network_option import enter_network
from clasp_e2e.plugin.session import (
    RUN,
    Reporting,
    command_of,
    header,
    is_shard,
    is_worker,
    repeat_command,
)
from clasp_e2e.report.failure import render_failure, render_same_failure
from clasp_e2e.results.documents import to_plain
from clasp_e2e.results.outcome import NO_VERDICT, Outcome
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.run_record import ScenarioResult
from clasp_e2e.results.same_reason import is_same_cause
from clasp_e2e.results.store import ResultsError
from clasp_e2e.spec.catalogue import Catalogue, UnknownRequirement, load_catalogue
from clasp_e2e.testbed.scenario import Scenario, scenario_of
from clasp_e2e.testbed.waiting import Patience

LETTERS = {
    Outcome.DEVIATION: ("deviation", "d", ("DEVIATION", {"yellow": True})),
    Outcome.BLOCKED: ("blocked", "b", ("BLOCKED", {"yellow": True})),
    Outcome.UNOBSERVED: ("unobserved", "u", ("UNOBSERVED", {"yellow": True})),
    Outcome.NOT_JUDGED: ("not judged", "j", ("NOT JUDGED", {"yellow": True})),
    Outcome.NOT_OFFERED: ("not offered", "n", ("NOT OFFERED", {"yellow": True})),
    Outcome.EXPECTED_FAILURE: ("expected failure", "x", ("EXPECTED FAILURE", {"yellow": True})),
    Outcome.ERROR: ("error", "E", ("ERROR", {"red": True})),
}


JUDGED = pytest.StashKey[JudgedCase]()
FAILED = pytest.StashKey[frozenset[str] | None]()
"""The cases that `--failed` runs again; None without it."""
SHOWN = pytest.StashKey[list[ScenarioResult]]()
"""The failures that were shown at full length."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's options; `--strict` is an option of pytest that also applies to deviations."""
    group = parser.getgroup("clasp-e2e", "conformance of CLASP peer-to-peer implementations")
    for option in RUN_OPTIONS:
        if option.metavar is None:
            group.addoption(option.flag, action="store_true", help=option.help)
        else:
            rest: dict[str, Any] = {"nargs": "?", "const": option.const} if option.const else {}
            group.addoption(option.flag, type=option.type, metavar=option.metavar, help=option.help, **rest)
    group.addoption("--clasp-command", help=argparse.SUPPRESS)  # The user's command, if not `pytest`.


def pytest_configure(config: pytest.Config) -> None:
    """Resolve the selected implementations before collection; an unknown name ends the session."""
    config.addinivalue_line(
        "markers", "slow: waits for a time that the specification or ICE defines, some 30 s"
    )
    config.addinivalue_line("markers", "extended: waits for minutes; runs with --extended or -m extended")
    options = config.option
    if re.search(r"(?<!not )\bextended\b", options.markexpr or ""):
        options.extended = True
    scale = attach.patience_of(options)
    if not scale > 0:
        usage_error(f"--deadline-scale {scale}: give a number above 0; 2 doubles the time limits")
    if options.jobs is not None and options.jobs < 1:
        usage_error(f"--jobs {options.jobs}: give a whole number above 0")
    attach.default_participants(options)
    directory = Path(options.results) if options.results else config.rootpath / LATEST
    try:
        catalogue = load_catalogue()
        selection = select(
            peer=options.peer,
            offerer=options.offerer,
            answerer=options.answerer,
            router=options.router,
            catalogue=catalogue.hash,
            deadline_scale=scale,
        )
        attach.attach(config, selection)
        lab = enter_network(config)
        given = None if options.baseline is None else config.invocation_params.dir / options.baseline
        labels = known_labels(selection)
        baselines = load_baselines(selection, catalogue, given, labels)
        config.stash[FAILED] = _failed(config, directory)
    except (SelectionError, ResultsError) as error:
        usage_error(str(error))
    seed: int = random.randrange(2**32) if options.seed is None else options.seed
    if is_worker(config):  # Under xdist, all workers share the seed of the controller.
        seed = int(config.workerinput["clasp_seed"])  # pyright: ignore
    run = config.stash[RUN] = RunSession(
        RunPlan(
            catalogue=catalogue,
            selection=selection,
            seed=seed,
            patience=Patience(scale),
            jobs=_jobs(config),
            directory=directory,
            baselines=baselines,
            labels=labels,
            command=command_of(config),
            strict=bool(config.getini("strict")),
            lab=lab,
            coturn=options.coturn,
            pcap=options.pcap,
            attack_router=options.attack_router,
            extended=options.extended,
            one_by_one=options.attach is not None,
            specs={
                name: getattr(options, name)
                for name in ("peer", "offerer", "answerer", "router")
                if getattr(options, name) is not None
            },
        )
    )
    config.pluginmanager.register(Reporting(config, run), "clasp-e2e-reporting")
    if config.pluginmanager.hasplugin("xdist"):  # Without xdist, pytest rejects its hooks as unknown.
        from clasp_e2e.plugin.xdist import Controller, Worker

        ours = Worker(config, run) if is_worker(config) else Controller(run, config.stash[FAILED])
        config.pluginmanager.register(ours, "clasp-e2e-xdist")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Return the line with the judged implementations and the seed."""
    return [header(config.stash[RUN])]


# Collection: one test for each case, in the order of the files.


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Explain why pytest did not find a case that an argument names."""
    errors = session.config.stash[PAIRING_ERRORS] = []
    try:
        return (yield)
    except pytest.UsageError:
        if errors:
            usage_error("\n".join(errors))
        raise


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(obj: object) -> None:
    """Make pytest-asyncio run the scenarios in the session's event loop, in any of its modes."""
    if scenario_of(obj) is not None and not hasattr(obj, "pytestmark"):
        obj.pytestmark = [pytest.mark.asyncio(loop_scope="session")]  # pyright: ignore[reportAttributeAccessIssue]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a case for each pairing in which the scenario judges a selected role."""
    scenario = scenario_of(metafunc.function)
    if scenario is None:
        return
    run = metafunc.config.stash[RUN]
    try:
        pairings: list[Pairing | None] = [*run.cases.add(metafunc.definition.path, scenario)]
    except UnknownRequirement as error:
        code = scenario.function.__code__  # pyright: ignore[reportFunctionMemberAccess]
        where = f"{code.co_filename}:{code.co_firstlineno}"
        raise pytest.Collector.CollectError(f"{where}: {scenario.name}: {error}") from None
    check_pairings(metafunc, scenario.name, [pairing.id for pairing in pairings if pairing])
    # A test waits for its case, which may be queued; the run limits the time of the case.
    marks = [pytest.mark.timeout(0)] + ([pytest.mark.slow] if scenario.slow else [])
    marks += [pytest.mark.extended] if scenario.extended else []
    metafunc.parametrize(
        "case",
        [
            pytest.param(pairing, id=pairing.id if pairing else "nobody", marks=marks)
            for pairing in pairings or [None]
        ],
        indirect=True,
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect scenarios that judge no selected role, and with `--failed`, cases that passed."""
    failed = config.stash[FAILED]

    def is_wanted(item: pytest.Item) -> bool:
        if _scenario(item) is None:
            return True
        return _pairing(item) is not None and (failed is None or _case(item).id in failed)

    left_out = [item for item in items if not is_wanted(item)]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    config.stash[RUN].cases.choose(_case(item).id for item in items if _scenario(item) is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Record the selected cases after all deselection, and select a progress display on one line."""
    cases = (_case(item).id for item in session.items if _scenario(item) is not None)
    session.config.stash[RUN].cases.take(cases, is_shard=is_shard(session.config))
    reporter: Any = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None and all(_scenario(item) is not None for item in session.items):
        reporter.showfspath = reporter.showlongtestinfo  # One line of letters, not one for each file.


def _scenario(item: pytest.Item) -> Scenario | None:
    return scenario_of(getattr(item, "function", None))


def _pairing(item: pytest.Item) -> Pairing | None:
    return item.callspec.params.get("case")  # pyright: ignore


def _case(item: pytest.Item) -> Case:
    scenario, pairing = _scenario(item), _pairing(item)
    assert scenario is not None
    assert pairing is not None
    return Case(case_id(item.path, scenario, pairing), scenario, pairing, repeat_command(item))


@dataclass(frozen=True, slots=True)
class _CaseOfTest:
    """The case of a test, which the run has started, or starts when its result is requested."""

    run: RunSession
    case: Case
    item: pytest.Item

    async def judge(self) -> None:
        """Wait for the result and pass it on to pytest."""
        judged = await self.run.result(self.case)
        self.item.stash[JUDGED] = judged
        result = judged.result
        self.item.user_properties += [  # For JUnit, which has only passed, failed and skipped.
            ("outcome", result.outcome.value),
            ("requirements", " ".join(result.requirements)),
        ]
        match result.outcome:
            case Outcome.FAILED | Outcome.ERROR:
                pytest.fail(result.message, pytrace=False)
            case Outcome.DEVIATION if self.run.plan.strict:
                pytest.fail(result.message, pytrace=False)
            case Outcome.EXPECTED_FAILURE:
                pytest.xfail(result.known_failure or "")
            case outcome if outcome in NO_VERDICT:
                pytest.skip(result.message)
            case _:
                pass


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clasp_run(request: pytest.FixtureRequest) -> AsyncGenerator[RunSession]:
    """Provide the run with started implementations and scheduled cases."""
    config = request.config
    run = config.stash[RUN]
    message = ""
    try:
        await run.open()
    except DriverFault as fault:
        message = str(fault)
    if message and is_worker(config):  # xdist would report an exit of the worker as a crash.
        request.session.shouldfail = message
        pytest.fail(message, pytrace=False)
    if message:
        cannot_judge(message)
    in_debugger = config.option.attach is not None or config.option.usepdb or config.option.trace
    watchdog = (
        None
        if in_debugger
        else loop_watchdog.LoopWatchdog(max(1.0, run.plan.patience.scale) * loop_watchdog.BLOCKED_S)
    )
    if config.option.attach is None:
        run.start(
            [
                _case(item)
                for place, item in enumerate(request.session.items)
                if _scenario(item) is not None and _runs_here(config, place)
            ]
        )
    yield run
    if watchdog is not None:
        watchdog.close()
    await run.close()


def _runs_here(config: pytest.Config, place: int) -> bool:
    if not is_worker(config):
        return True
    from clasp_e2e.plugin.xdist import runs_here

    return runs_here(config, place)


@pytest.fixture
def case(request: pytest.FixtureRequest, clasp_run: RunSession) -> _CaseOfTest:
    """Provide the case that a scenario's test judges."""
    return _CaseOfTest(clasp_run, _case(request.node), request.node)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the result of the case to pytest's report, which also carries it to the controller of xdist."""
    report = yield
    scenario = _scenario(item)
    if scenario is None:
        return report
    run, case = item.config.stash[RUN], _case(item)
    judged = item.stash.get(JUDGED, None)
    if report.when == "teardown" or judged is None:
        if report.failed:  # Outside the runner: the harness itself failed.
            result = harness_error(case, report.longreprtext)
            name = f"{result.id} at its end" if report.when == "teardown" else result.id
            report.__dict__["clasp_records"] = [to_plain(replace(result, id=name))]
            report.__dict__["clasp_outcome"] = Outcome.ERROR.value
        return report
    result = judged.result
    report.__dict__["clasp_outcome"] = result.outcome.value
    if is_worker(item.config):
        report.__dict__["clasp_records"] = [to_plain(result.as_observed())]
        report.__dict__["clasp_subjects"] = to_plain(run.journal.subjects)
    if report.failed:
        report.longrepr = _failure(item.config, run.plan.catalogue, judged)
    return report


def _failure(config: pytest.Config, catalogue: Catalogue, judged: JudgedCase) -> str:
    """Return the text of a failure; one that repeats an earlier one in another pairing is short."""
    result = judged.result
    requirement = catalogue.get(judged.requirement or result.requirements[0])
    shown = config.stash.setdefault(SHOWN, [])
    before = next((each for each in shown if is_same_cause(each, result, requirement.id)), None)
    if before is not None:
        return render_same_failure(result, before=before, requirement_id=requirement.id)
    shown.append(result)
    return render_failure(
        result, requirement, expected=judged.expected, seen=judged.seen, timeline_tail=judged.tail
    )


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """Show the outcome of the case instead of pytest's."""
    value = getattr(report, "clasp_outcome", None)
    if value is None or report.when != "call":
        return None
    outcome = Outcome(value)
    if outcome is Outcome.DEVIATION and report.failed:  # With --strict, it is listed among the failures.
        return ("failed", "d", ("DEVIATION", {"red": True}))
    return LETTERS.get(outcome)


def _jobs(config: pytest.Config) -> int | None:
    """Return the number of jobs of this process; an xdist worker has a share of the run's jobs."""
    jobs: int | None = config.option.jobs
    if not is_worker(config):
        return jobs
    workers = int(config.workerinput["workercount"])  # pyright: ignore
    return max(1, (jobs or Limits.for_machine().active) // workers)


def _failed(config: pytest.Config, directory: Path) -> frozenset[str] | None:
    """Return the cases that `--failed` selects. Raises `ResultsError`."""
    if config.option.failed is None:
        return None
    if is_worker(config):  # The controller has read them; the results of this run may have replaced them.
        return frozenset(config.workerinput["clasp_failed"])  # pyright: ignore
    return cases_not_passed(config.option.failed, directory)
