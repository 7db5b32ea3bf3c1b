"""The doctor: for each fault a driver that has it, and the words for it."""

from __future__ import annotations

import ast
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clasp_e2e import doctor
from clasp_e2e.doctor import CannotStart, Finding, Findings, Outcome, examine
from clasp_e2e.doctor.conversation import Conversation
from clasp_e2e.doctor.findings import Wrong
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.drivers.stdio import StdioDriver
from clasp_e2e.drivers.stdio.advice import ADVICE, advice_for

from .doctor_faults import FAULTS, SLIPPING, Fault

HERE = Path(__file__).parent
AT_ONCE = 6
"""Examinations side by side: most of their time they wait."""

Place = tuple[str, int]
Examined = Callable[[Fault], asyncio.Task[list[Finding]]]

DIAGNOSES = {
    "Wrong": Wrong,
    "Ended": Wrong,
    "CannotStart": CannotStart,
    "add": Findings,
    "_problem": Conversation,
}
"""How the doctor's code says that something is wrong, and where."""


def places_of_diagnoses() -> dict[Place, str]:
    """Each place in the doctor's code that says of something that it is wrong."""
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
    """The places in the doctor's code from which something was said, as the examinations come by."""
    reached: set[Place] = set()

    def noted(kind: type, name: str) -> None:
        original = getattr(kind, name)

        def note(self: Any, *args: Any, **how: Any) -> None:
            caller = sys._getframe(1)
            reached.add((Path(caller.f_code.co_filename).name, caller.f_lineno))
            original(self, *args, **how)

        patch.setattr(kind, name, note)

    with pytest.MonkeyPatch.context() as patch:
        noted(Wrong, "__init__")
        noted(CannotStart, "__init__")
        noted(Findings, "add")
        noted(Conversation, "_problem")
        yield reached


@pytest.fixture(scope="module")
async def examined(request: pytest.FixtureRequest, reached: set[Place]) -> AsyncIterator[Examined]:
    """The findings for a fault. The faults that are asked for are all examined side by side."""
    places = asyncio.Semaphore(AT_ONCE)
    tasks: dict[Fault, asyncio.Task[list[Finding]]] = {}

    async def when_free(fault: Fault) -> list[Finding]:
        async with places:
            return await fault.examined()

    def begun(fault: Fault) -> asyncio.Task[list[Finding]]:
        if fault not in tasks:
            tasks[fault] = asyncio.create_task(when_free(fault))
        return tasks[fault]

    if not hasattr(request.config, "workerinput"):  # A worker of xdist does not know its share.
        for item in request.session.items:
            fault = item.callspec.params.get("fault") if hasattr(item, "callspec") else None  # type: ignore[attr-defined]
            if isinstance(fault, Fault):
                begun(fault)
    yield begun
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_fault_is_named_and_nothing_else(examined: Examined, fault: Fault) -> None:
    findings = await examined(fault)
    [finding] = [found for found in findings if found.outcome in (Outcome.WRONG, fault.outcome)]
    assert finding.outcome is fault.outcome
    assert fault.words in finding.text
    assert fault.step in ("", finding.step)
    if fault.step != "cannot start":  # Whatever cannot be started says itself what to do.
        assert (finding.advice not in ("", advice_for(""))) == (fault.outcome is Outcome.WRONG)


async def test_each_diagnosis_has_a_fault(examined: Examined, reached: set[Place]) -> None:
    """Whatever the doctor can say is wrong was said of one of the faults."""
    await asyncio.gather(*(examined(fault) for fault in FAULTS))
    missing = {place: words for place, words in places_of_diagnoses().items() if place not in reached}
    for place, words in sorted(missing.items()):
        print(place, words, sep="\n")
    assert missing == {}


async def test_each_advice_has_a_fault(examined: Examined) -> None:
    given = {finding.advice for fault in FAULTS for finding in await examined(fault)}
    # A defect of the harness; and an adapter that its author attached, which the doctor does not examine.
    elsewhere = {advice_for("not the adapter, but the harness"), advice_for("its connection ended")}
    assert {advice for _, advice in ADVICE} - given == elsewhere


async def test_the_last_words_are_told(examined: Examined) -> None:
    crash = next(fault for fault in FAULTS if fault.name == "crash")
    [finding] = [finding for finding in await examined(crash) if finding.outcome is Outcome.WRONG]
    assert finding.stderr == "Segmentation fault, so to speak"


async def test_what_cannot_be_started_says_why() -> None:
    with pytest.raises(CannotStart, match="No such file or directory: no-such-adapter"):
        await examine(StdioDriver(["no-such-adapter"]))
    command = [sys.executable, str(HERE / SLIPPING), "early_exit"]
    with pytest.raises(CannotStart, match=r"(?s)exited with status 1.*cannot find libclasp\.so"):
        await examine(StdioDriver(command))


async def test_the_reference_is_healthy_in_this_process() -> None:
    told: list[Finding] = []
    findings = await examine(ReferenceDriver(), told.append)
    assert findings.healthy
    assert told == findings
    # The machine may be slow.
    assert {finding.outcome for finding in findings if "to its first answer" not in finding.text} == {
        Outcome.OK
    }


async def test_the_reference_adapter_is_healthy() -> None:
    findings = await examine(StdioDriver([sys.executable, "-m", "clasp_e2e.drivers.adapters.reference"]))
    # The machine may be slow.
    assert {finding.outcome for finding in findings if "to its first answer" not in finding.text} == {
        Outcome.OK
    }
