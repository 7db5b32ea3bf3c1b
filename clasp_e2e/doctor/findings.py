"""What an examination finds: one finding a step, told at once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from clasp_e2e.drivers.interface import Description, DriverFault, NotOffered, Refused
from clasp_e2e.drivers.stdio.advice import advice_for


class Outcome(Enum):
    """How a step ended."""

    OK = "ok"
    WRONG = "wrong"
    REMARK = "remark"
    """Nothing is wrong, and yet the author may want to know."""
    LEFT_OUT = "left out"
    """It could not be looked at, for the reason given."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step found: what is so, and for what is wrong what to do."""

    step: str
    outcome: Outcome
    text: str
    advice: str = ""
    stderr: str = ""
    """The adapter's last lines on standard error."""


class Wrong(Exception):
    """Something is wrong with the adapter, or with what stands behind it; `advice` says what to do."""

    def __init__(self, text: str, advice: str = "", *, stderr: str = "") -> None:
        super().__init__(text)
        self.advice = advice or advice_for(text)
        self.stderr = stderr


class LeftOut(Exception):
    """A step cannot be done; the text says why."""


class CannotStart(Exception):
    """The driver does not come as far as its first answer; the text says why."""


class Findings(list[Finding]):
    """The findings so far; `tell` is called with each."""

    def __init__(self, tell: Callable[[Finding], None]) -> None:
        super().__init__()
        self._tell = tell

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not any(finding.outcome is Outcome.WRONG for finding in self)

    def known(self, text: str) -> str | None:
        """What was found wrong before that `text` says again, if anything."""
        earlier = (finding.text for finding in self if finding.outcome is Outcome.WRONG)
        return next((words for words in earlier if _same(words) in _same(text)), None)

    def add(self, step: str, outcome: Outcome, text: str, advice: str = "", stderr: str = "") -> None:
        """Add a finding. What was found wrong before is not blamed again."""
        if outcome is Outcome.WRONG and (again := self.known(text)) is not None:
            outcome, text, advice, stderr = Outcome.LEFT_OUT, f"as before: {again}", "", ""
        self.append(Finding(step, outcome, text, advice, stderr))
        self._tell(self[-1])

    async def step(self, name: str, doing: Callable[[], Awaitable[str]]) -> bool:
        """Do one step, and add what it found; return whether all was well."""
        try:
            text = await doing()
        except Wrong as wrong:
            self.add(name, Outcome.WRONG, str(wrong), wrong.advice, wrong.stderr)
        except DriverFault as fault:
            text = str(fault.args[0])
            self.add(name, Outcome.WRONG, text, fault.advice or advice_for(text), fault.stderr)
        except Refused as refusal:
            self.add(
                name,
                Outcome.WRONG,
                f"the implementation refused: {refusal or 'without a word'}",
                "Find out why it refuses here: nothing in this step should be.",
            )
        except NotOffered as missing:
            self.add(
                name,
                Outcome.WRONG,
                f"{missing} is not offered",
                "Offer it: the specification asks for it without condition; without it a run stays partial.",
            )
        except LeftOut as reason:
            self.add(name, Outcome.LEFT_OUT, str(reason))
        else:
            self.add(name, Outcome.OK, text)
            return True
        return False


def _same(text: str) -> str:
    """What makes a fault the same though it is met again: its words, without numbers and handles."""
    return re.sub(r"\d+", "0", text)


def introduction(description: Description) -> str:
    """Who is examined, in a line."""
    who = description.implementation
    return (
        f"{who.name} {who.version} ({who.language}): {' and '.join(sorted(description.roles))},"
        f" offers {', '.join(sorted(description.capabilities)) or 'no capability'}"
    )
