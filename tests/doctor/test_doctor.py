"""The doctor: one driver for each fault, and what the doctor says about it."""

from __future__ import annotations

import ast
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clasp_e2e import doctor
from clasp_e2e.doctor import CannotStart, CheckOutcome, CheckResult, CheckResults, examine
from clasp_e2e.doctor.check_results import CheckFailed
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.drivers.stdio.advice import ADVICE, advice_for

from .doctor_faults import DIFFERENCES, FAULTS, FAULTY, Fault

pytestmark = pytest.mark.timeout(300)

HERE = Path(__file__).parent
AT_ONCE = 6
"""Number of examinations in parallel: most of the time they wait."""

Place = tuple[str, int]
Examined = Callable[[Fault], asyncio.Task[list[CheckResult]]]

DIAGNOSES = {
    "CheckFailed": CheckFailed,
    "CannotStart": CannotStart,
    "add": CheckResults,
}
"""The calls by which the doctor's code reports a fault."""


def places_of_diagnoses() -> dict[Place, str]:
    """Return each place in the doctor's code that reports a fault."""
    found: dict[Place, str] = {}
    for path in Path(doctor.__file__).parent.glob("*.py"):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in DIAGNOSES and len(node.args) > 2 * (name == "add"):
                found[path.name, node.lineno] = (ast.get_source_segment(source, node) or "")[:200]
    return found


@pytest.fixture(scope="module")
def reached() -> Iterator[set[Place]]:
    """The places in the doctor's code that have reported a fault so far."""
    reached: set[Place] = set()

    def noted(kind: type, name: str) -> None:
        original = getattr(kind, name)

        def note(self: Any, *args: Any, **how: Any) -> None:
            caller = sys._getframe(1)
            reached.add((Path(caller.f_code.co_filename).name, caller.f_lineno))
            original(self, *args, **how)

        patch.setattr(kind, name, note)

    with pytest.MonkeyPatch.context() as patch:
        noted(CheckFailed, "__init__")
        noted(CannotStart, "__init__")
        noted(CheckResults, "add")
        yield reached


@pytest.fixture(scope="module")
async def examined(request: pytest.FixtureRequest, reached: set[Place]) -> AsyncIterator[Examined]:
    """The results for a fault. All faults of the selected tests are examined in parallel."""
    places = asyncio.Semaphore(AT_ONCE)
    tasks: dict[Fault, asyncio.Task[list[CheckResult]]] = {}

    async def when_free(fault: Fault) -> list[CheckResult]:
        async with places:
            return await fault.examine()

    def begun(fault: Fault) -> asyncio.Task[list[CheckResult]]:
        if fault not in tasks:
            tasks[fault] = asyncio.create_task(when_free(fault))
        return tasks[fault]

    for item in request.session.items:
        fault = item.callspec.params.get("fault") if hasattr(item, "callspec") else None  # type: ignore[attr-defined]
        if isinstance(fault, Fault):
            begun(fault)
    yield begun
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_one_fault_gives_one_result_with_its_message_and_advice(
    examined: Examined, fault: Fault
) -> None:
    results = await examined(fault)
    [result] = [each for each in results if each.outcome in (CheckOutcome.FAULT, fault.outcome)]
    assert result.outcome is fault.outcome
    assert fault.words in result.text
    assert fault.check in ("", result.check)
    if fault.outcome is CheckOutcome.FAULT and fault.check not in ("cannot start", "end"):
        assert result.advice not in ("", advice_for(""))  # In these two the message itself says what to do.


@pytest.mark.parametrize("difference", DIFFERENCES)
async def test_a_difference_that_the_specification_allows_is_no_fault(
    examined: Examined, difference: str
) -> None:
    results = await examined(Fault(difference, "connected", "", ""))
    assert [result for result in results if result.outcome is CheckOutcome.FAULT] == []
    remarks = [result.text for result in results if result.outcome is CheckOutcome.REMARK]
    assert remarks == DIFFERENCES[difference]
    assert all(result.outcome is not CheckOutcome.SKIPPED for result in results)


async def test_each_place_that_reports_a_fault_is_reached(examined: Examined, reached: set[Place]) -> None:
    allowed = [Fault(name, "connected", "", "") for name in DIFFERENCES]
    await asyncio.gather(*(examined(fault) for fault in [*FAULTS, *allowed]))
    missing = {place: words for place, words in places_of_diagnoses().items() if place not in reached}
    for place, words in sorted(missing.items()):
        print(place, words, sep="\n")
    assert missing == {}


async def test_each_advice_is_given_for_a_fault(examined: Examined) -> None:
    given = {result.advice for fault in FAULTS for result in await examined(fault)}
    # A defect of the harness; an adapter that its author attached, which the doctor does not examine.
    elsewhere = {advice_for("not the adapter, but the harness"), advice_for("its connection ended")}
    assert {advice for _, advice in ADVICE} - given == elsewhere


async def test_a_crash_has_the_last_lines_of_standard_error(examined: Examined) -> None:
    crash = next(fault for fault in FAULTS if fault.name == "crash")
    [result] = [each for each in await examined(crash) if each.outcome is CheckOutcome.FAULT]
    assert result.stderr == "Segmentation fault, so to speak"


async def test_cannot_start_says_why() -> None:
    with pytest.raises(CannotStart, match="No such file or directory: no-such-adapter"):
        await examine(StdioDriver(["no-such-adapter"]))
    command = [sys.executable, str(HERE / FAULTY), "early_exit"]
    with pytest.raises(CannotStart, match=r"(?s)exited with status 1.*cannot find libclasp\.so"):
        await examine(StdioDriver(command))


async def test_the_reference_driver_has_no_fault() -> None:
    reported: list[CheckResult] = []
    results = await examine(ReferenceDriver(), reported.append)
    assert reported == results
    assert_all_ok(results)


async def test_the_reference_adapter_has_no_fault(python_m: list[str]) -> None:
    assert_all_ok(await examine(StdioDriver([*python_m, "clasp_e2e.drivers.adapters.reference"])))


def assert_all_ok(results: CheckResults) -> None:
    assert results.faults == []
    # The machine may be slow.
    outcomes = {result.outcome for result in results if "its first answer took" not in result.text}
    assert outcomes == {CheckOutcome.OK}
