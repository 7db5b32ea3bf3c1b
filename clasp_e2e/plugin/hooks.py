"""The pytest face: options, a test for each scenario and pairing, outcomes, the exit status.

There is no `pytest11` entry point: the root `conftest.py` names this module, and so does
`clasp-e2e run`. All that judges lies in the testbed; here it is only told to pytest.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
import pytest_asyncio

from clasp_e2e import __version__
from clasp_e2e.drivers.interface import DriverFault
from clasp_e2e.execution.ownership import watch
from clasp_e2e.execution.run import Gate, case_id, place_of
from clasp_e2e.execution.run_context import Bench, Case
from clasp_e2e.execution.runner import Judged, harness_error, judge, judge_when_free, settle
from clasp_e2e.execution.selection import SelectionError, known_labels, load_baselines, select
from clasp_e2e.plugin import attach as plugin_attach
from clasp_e2e.plugin.session import (
    BACKGROUND,
    GATE,
    INCONCLUSIVE,
    USAGE,
    Reporting,
    command_of,
    conditions,
    is_shard,
    is_worker,
    repeat_command,
    switches,
)
from clasp_e2e.report.failure import render_failure
from clasp_e2e.results.outcome import Outcome
from clasp_e2e.results.pairing import Pairing
from clasp_e2e.results.recorder import Recorder
from clasp_e2e.spec.catalogue import UnknownRequirement, load_catalogue
from clasp_e2e.testbed.scenario import Scenario, scenario_of
from clasp_e2e.testbed.waiting import Patience

LAST_RESORT = 120
"""Seconds until pytest-timeout ends a scenario that even the runner's own limit did not end."""

AT_ONCE = 8
"""Scenarios that wait some seconds run so many at once; those that wait 30 s run all at once."""

LETTERS = {
    Outcome.DEVIATION: ("deviation", "d", ("DEVIATION", {"yellow": True})),
    Outcome.BLOCKED: ("blocked", "b", ("BLOCKED", {"yellow": True})),
    Outcome.UNOBSERVED: ("unobserved", "u", ("UNOBSERVED", {"yellow": True})),
    Outcome.NOT_OFFERED: ("not offered", "n", ("NOT OFFERED", {"yellow": True})),
    Outcome.EXPECTED_FAILURE: ("expected failure", "x", ("EXPECTED FAILURE", {"yellow": True})),
    Outcome.ERROR: ("error", "E", ("ERROR", {"red": True})),
}


JUDGED = pytest.StashKey[Judged]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's options; `--strict` is pytest's own, and means deviations here too."""
    group = parser.getgroup("clasp-e2e", "conformance of CLASP peer-to-peer implementations")
    who = "a registered name, module:attribute, or cmd:COMMAND LINE for an adapter over stdio"
    group.addoption("--peer", metavar="DRIVER", help=f"judge this implementation in both roles: {who}")
    group.addoption("--offerer", metavar="DRIVER", help="judge this implementation as the one that connects")
    group.addoption("--answerer", metavar="DRIVER", help="judge this implementation as the one connected to")
    group.addoption(
        "--router", metavar="DRIVER", help="judge this router: a driver, or ws:// or wss:// of one"
    )
    group.addoption("--seed", type=int, help="seed of all payloads (default: a new one, printed)")
    group.addoption(
        "--results", metavar="DIR", help="where results and evidence go (default: reports/latest)"
    )
    group.addoption(
        "--deadline-scale",
        type=float,
        metavar="X",
        help="stretch the harness's own patience, never the specification's times, on a slow machine",
    )
    group.addoption(
        "--baseline",
        metavar="FILE",
        help="known failures (default: those that lie beside the adapters of who is judged)",
    )
    group.addoption(
        "--coturn", action="store_true", help="have coturn, not the embedded TURN server, relay for ICE-3"
    )
    group.addoption(
        "--attack-router", action="store_true", help="attack a router named by its ws:// URL too (RTR-7)"
    )
    plugin_attach.add_option(group)
    group.addoption("--clasp-command", help=argparse.SUPPRESS)  # What the user typed, if not `pytest`.


def pytest_configure(config: pytest.Config) -> None:
    """Resolve who is judged, before anything is collected: a name that is not there ends it here."""
    config.addinivalue_line(
        "markers", "slow: waits for a time that the specification or ICE names, some 30 s"
    )
    options = config.option
    scale = plugin_attach.patience_of(options)
    if not scale > 0:
        _usage(f"--deadline-scale {scale}: give a number above 0; 2 doubles the patience")
    plugin_attach.name_somebody(options)
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
        plugin_attach.attach(config, selection)
        given = None if options.baseline is None else config.invocation_params.dir / options.baseline
        labels = known_labels(selection)
        baselines = load_baselines(selection, catalogue, given, labels)
    except SelectionError as error:
        _usage(str(error))
    seed: int = random.randrange(2**32) if options.seed is None else options.seed
    if is_worker(config):  # Under xdist, all workers share the seed of the controller.
        seed = int(config.workerinput["clasp_seed"])  # pyright: ignore
    directory = Path(options.results) if options.results else config.rootpath / "reports" / "latest"
    recorder = Recorder(
        catalogue, directory, command=command_of(config), seed=seed, judged=selection.subjects.judged
    )
    config.stash[BACKGROUND] = {}
    gate = config.stash[GATE] = Gate(
        catalogue,
        selection,
        seed,
        recorder,
        baselines=baselines,
        labels=labels,
        switches=switches(config),
    )
    config.pluginmanager.register(Reporting(config, gate), "clasp-e2e-reporting")
    if config.pluginmanager.hasplugin("xdist"):  # Its hooks are unknown, and so forbidden, where it is not.
        from clasp_e2e.plugin.xdist import Controller, Worker

        ours = Worker(config, gate) if is_worker(config) else Controller(gate)
        config.pluginmanager.register(ours, "clasp-e2e-xdist")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say who is judged, and with which seed."""
    gate = config.stash[GATE]
    subjects = gate.selection.subjects
    judged = ", ".join(f"{role} {getattr(subjects, role)}" for role in sorted(subjects.judged))
    return [f"clasp-e2e {__version__}: judging {judged}; seed {gate.seed}"]


# Collection: one test for each scenario and pairing, preconditions first, long waits last.


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(obj: object) -> None:
    """Have pytest-asyncio run the scenarios, whatever its mode, in the session's event loop."""
    if scenario_of(obj) is not None and not hasattr(obj, "pytestmark"):
        obj.pytestmark = [pytest.mark.asyncio(loop_scope="session")]  # pyright: ignore[reportAttributeAccessIssue]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Cast a scenario: a case for each pairing in which it judges somebody who is judged."""
    scenario = scenario_of(metafunc.function)
    if scenario is None:
        return
    gate = metafunc.config.stash[GATE]
    try:
        cast: list[Pairing | None] = [*gate.cast(metafunc.definition.path, scenario)]
    except UnknownRequirement as error:
        code = scenario.function.__code__  # pyright: ignore[reportFunctionMemberAccess]
        where = f"{code.co_filename}:{code.co_firstlineno}"
        raise pytest.Collector.CollectError(f"{where}: {scenario.name}: {error}") from None
    last_resort = plugin_attach.last_resort(metafunc.config.option, LAST_RESORT)
    # By a signal, so that what blocks the event loop is interrupted, and the run goes on.
    marks = [pytest.mark.timeout(last_resort, method="signal")] + (
        [pytest.mark.slow] if scenario.slow else []
    )
    metafunc.parametrize(
        "case",
        [
            pytest.param(pairing, id=pairing.id if pairing else "nobody", marks=marks)
            for pairing in cast or [None]
        ],
        indirect=True,
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what judges nobody, and order the rest."""
    gate = config.stash[GATE]
    uncast = [item for item in items if _scenario(item) is not None and _pairing(item) is None]
    if uncast:
        items[:] = [item for item in items if item not in uncast]
        config.hook.pytest_deselected(items=uncast)

    def place(item: pytest.Item) -> tuple[int, int]:
        scenario = _scenario(item)
        return (-1, 0) if scenario is None else place_of(scenario, gate.catalogue)

    items.sort(key=place)
    gate.choose(_case(item).id for item in items if _scenario(item) is not None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note what is left to run here, when all who leave something out have."""
    cases = (_case(item).id for item in session.items if _scenario(item) is not None)
    session.config.stash[GATE].take(cases, is_shard=is_shard(session.config))


def _scenario(item: pytest.Item) -> Scenario | None:
    return scenario_of(getattr(item, "function", None))


def _pairing(item: pytest.Item) -> Pairing | None:
    return item.callspec.params.get("case")  # pyright: ignore


# Running.


@dataclass(frozen=True, slots=True)
class _RunningCase:
    """What a test gets: its case, and the task that already runs it if it waits long."""

    gate: Gate
    case: Case
    item: pytest.Item

    async def judge(self) -> None:
        """Have the case judged and tell pytest."""
        bench = self.gate.bench
        assert bench is not None
        running = self.item.config.stash[BACKGROUND].get(self.case.id)
        judged = self.gate.excuse(settle(bench, await (running or judge(bench, self.case))))
        self.item.stash[JUDGED] = judged
        self.item.user_properties += [  # For JUnit, which knows of passed, failed and skipped alone.
            ("outcome", judged.result.outcome.value),
            ("requirements", " ".join(judged.result.requirements)),
        ]
        match judged.result.outcome:
            case Outcome.FAILED | Outcome.ERROR:
                pytest.fail(judged.result.message, pytrace=False)
            case Outcome.DEVIATION if self.item.config.getini("strict"):
                pytest.fail(judged.result.message, pytrace=False)
            case Outcome.EXPECTED_FAILURE:
                pytest.xfail(judged.result.known_failure or "")
            case Outcome.BLOCKED | Outcome.UNOBSERVED | Outcome.NOT_OFFERED | Outcome.SKIPPED:
                pytest.skip(judged.result.message)
            case _:
                pass


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bench(request: pytest.FixtureRequest) -> AsyncGenerator[Bench]:
    """Provide the implementations of the run, started, and start all that waits long."""
    gate = request.config.stash[GATE]
    selection = gate.selection
    bench = Bench(
        gate.catalogue,
        selection.subjects,
        selection.drivers,
        selection.router,
        seed=gate.seed,
        patience=Patience(plugin_attach.patience_of(request.config.option)),
        coturn=request.config.option.coturn,
        evidence=gate.recorder.directory / "evidence",
        attack_router=request.config.option.attack_router,
    )
    watch(asyncio.get_running_loop())
    message = ""
    try:
        await bench.open()
    except DriverFault as fault:
        message = str(fault)
        with suppress(DriverFault):
            await bench.close()
    if message and is_worker(request.config):  # What a worker exits with, xdist takes for a crash of its own.
        request.session.shouldfail = message
        pytest.fail(message, pytrace=False)
    if message:
        _end(message, INCONCLUSIVE)
    gate.bench = bench
    gate.recorder.subjects = bench.subject_records(selection.specs)
    gate.recorder.capabilities = bench.capabilities()
    bench.conditions = conditions(request.config)
    free = asyncio.Semaphore(AT_ONCE)
    background = request.config.stash[BACKGROUND]
    for place, item in enumerate(request.session.items):
        if (scenario := _scenario(item)) is not None and scenario.waits and _runs_here(request.config, place):
            case = _case(item)
            running = judge(bench, case) if scenario.slow else judge_when_free(free, bench, case)
            background[case.id] = asyncio.create_task(running)
    yield bench
    for task in background.values():
        task.cancel()
    await asyncio.gather(*background.values(), return_exceptions=True)
    await bench.close()


def _runs_here(config: pytest.Config, place: int) -> bool:
    if config.option.attach is not None:  # One after the other, each when its author can see to it.
        return False
    if not is_worker(config):
        return True
    from clasp_e2e.plugin.xdist import runs_here

    return runs_here(config, place)


@pytest.fixture
def case(request: pytest.FixtureRequest, bench: Bench) -> _RunningCase:
    """Provide the case that a scenario's test is to judge."""
    assert bench is not None
    return _RunningCase(request.config.stash[GATE], _case(request.node), request.node)


def _case(item: pytest.Item) -> Case:
    scenario, pairing = _scenario(item), _pairing(item)
    assert scenario is not None
    assert pairing is not None
    return Case(case_id(item.path, scenario, pairing), scenario, pairing, repeat_command(item))


# Telling.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the case's result into pytest's report, so that it reaches the controller of xdist too."""
    report = yield
    scenario = _scenario(item)
    if scenario is None:
        return report
    gate = item.config.stash[GATE]
    case = _case(item)
    judged = item.stash.get(JUDGED, None)
    if report.when == "teardown" or judged is None:
        if report.failed:  # Neither the runner nor a verdict: the harness itself, or its last resort.
            result = harness_error(case, report.longreprtext)
            name = f"{result.id} at its end" if report.when == "teardown" else result.id
            report.__dict__["clasp_scenario"] = replace(result, id=name).to_json()
        return report
    result = judged.result
    report.__dict__["clasp_scenario"] = result.to_json()
    report.__dict__["clasp_subjects"] = gate.recorder.subjects_json()
    if report.failed:
        report.longrepr = render_failure(
            result,
            gate.catalogue.get(judged.requirement or result.requirements[0]),
            expected=judged.expected,
            seen=judged.seen,
            timeline_tail=judged.tail,
            evidence=result.evidence,
            replay=result.replay,
        )
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """Show a scenario's own outcome in the place of pytest's three."""
    record = getattr(report, "clasp_scenario", None)
    if record is None or report.when != "call":
        return None
    outcome = Outcome(record["outcome"])
    if outcome is Outcome.DEVIATION and report.failed:  # --strict; among the failures, to be shown with them.
        return ("failed", "d", ("DEVIATION", {"red": True}))
    return LETTERS.get(outcome)


# Small things.


def _usage(message: str) -> NoReturn:
    _end(message, USAGE)


def _end(message: str, status: int) -> NoReturn:
    pytest.exit(message, returncode=status)
