"""The results of the doctor's checks, each reported as soon as it is known."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from clasp_e2e.drivers.interface import Description, DriverFault, NotOffered, Refused
from clasp_e2e.drivers.stdio.advice import advice_for
from clasp_e2e.drivers.stdio.connection import AdapterFault

Check = Callable[[], Awaitable[str]]
"""Performs a check and returns its result in words. Raises `CheckFailed`, `CheckSkipped`, or an error of
the driver."""


class CheckOutcome(Enum):
    """How a check ended."""

    OK = "ok"
    FAULT = "fault"
    REMARK = "remark"
    """Not a fault, but information for the author."""
    SKIPPED = "skipped"
    """The check could not be performed; the text says why."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    check: str
    outcome: CheckOutcome
    text: str
    advice: str = ""
    """What to do about a fault."""
    stderr: str = ""
    """The adapter's last lines on standard error."""


class CheckFailed(Exception):
    """A fault of the adapter or of the implementation behind it; `advice` says what to do."""

    def __init__(self, text: str, advice: str = "", *, stderr: str = "") -> None:
        super().__init__(text)
        self.advice = advice or advice_for(text)
        self.stderr = stderr


class CheckSkipped(Exception):
    """A check that cannot be performed; the text says why."""


class CannotStart(Exception):
    """A driver that does not answer its first request; the text says why."""


class CheckResults(list[CheckResult]):
    """The results so far; `on_result` is called with each."""

    def __init__(self, on_result: Callable[[CheckResult], None]) -> None:
        super().__init__()
        self._on_result = on_result

    @property
    def faults(self) -> list[CheckResult]:
        """The results that are faults."""
        return [result for result in self if result.outcome is CheckOutcome.FAULT]

    def known_fault(self, text: str) -> str | None:
        """Return the text of the earlier fault that `text` repeats, if there is one."""
        known = (fault.text for fault in self.faults)
        return next((fault for fault in known if _comparable(fault) in _comparable(text)), None)

    def add(self, check: str, outcome: CheckOutcome, text: str, advice: str = "", stderr: str = "") -> None:
        """Add a result. A fault that repeats an earlier one is added as a skipped check."""
        if outcome is CheckOutcome.FAULT and (known := self.known_fault(text)) is not None:
            outcome, text, advice, stderr = CheckOutcome.SKIPPED, f"same fault as above: {known}", "", ""
        self.append(CheckResult(check, outcome, text, advice, stderr))
        self._on_result(self[-1])

    def add_error(self, check: str, error: CheckFailed | DriverFault | Refused | NotOffered) -> None:
        """Add the fault that `error` reports."""
        stderr = ""
        match error:
            case CheckFailed():
                text, advice, stderr = str(error), error.advice, error.stderr
            case DriverFault():
                text = error.reason if isinstance(error, AdapterFault) else str(error.args[0])
                advice, stderr = error.advice or advice_for(text), error.stderr
            case Refused():
                text = f"the implementation refused the call: {error or 'it gave no reason'}"
                advice = "Find out why it refuses: it should accept every call of this check."
            case NotOffered():
                text = f"{error} is not offered"
                advice = "Offer it: the specification requires it, and a run without it is partial."
        self.add(check, CheckOutcome.FAULT, text, advice, stderr)

    async def run(self, name: str, check: Check) -> bool:
        """Perform `check` and add its result; return whether it succeeded."""
        try:
            text = await check()
        except CheckSkipped as reason:
            self.add(name, CheckOutcome.SKIPPED, str(reason))
        except (CheckFailed, DriverFault, Refused, NotOffered) as error:
            self.add_error(name, error)
        else:
            self.add(name, CheckOutcome.OK, text)
            return True
        return False


def _comparable(text: str) -> str:
    """Return `text` with all numbers replaced, which differ when the same fault occurs again."""
    return re.sub(r"\d+", "0", text)


def introduction(description: Description) -> str:
    """Return one line that names the implementation, its roles and its capabilities."""
    who = description.implementation
    return (
        f"{who.name} {who.version} ({who.language}): {' and '.join(sorted(description.roles))},"
        f" offers {', '.join(sorted(description.capabilities)) or 'no capability'}"
    )
