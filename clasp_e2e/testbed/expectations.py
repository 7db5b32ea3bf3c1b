"""What a scenario says when it judges: expectations, and the ways in which there is no verdict.

Each raises an exception that the runner turns into an outcome; none of them is an outcome of a
scenario's own making. Source of the rules: the catalogue's fairness section.
"""

import asyncio
import random
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from clasp_e2e.drivers.interface import Refused

T = TypeVar("T")


class NoVerdict(Exception):
    """Base of all that ends a scenario without a verdict on the implementation."""


class Blocked(NoVerdict):
    """What the scenario stands on did not work; `requirement` is the id that is to blame."""

    def __init__(self, requirement: str, reason: str) -> None:
        super().__init__(f"blocked by {requirement}: {reason}")
        self.requirement = requirement
        self.reason = reason


class Unobserved(NoVerdict):
    """The testbed could not see what it would have had to see."""


class LeftOut(NoVerdict):
    """The user did not ask for it; the text says how to."""


class EnvironmentFault(NoVerdict):
    """The machine, not the implementation, is to blame; the text says what to do."""


class Unmet(AssertionError):
    """An expectation that was not met. `expected` and `seen` are sentences without a full stop."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen
        self.requirement = current_judgment().requirement


@dataclass
class Judgment:
    """What one run of a scenario judges: filled while it runs, read by the runner."""

    requirements: tuple[str, ...]
    rng: random.Random
    requirement: str = ""
    met: set[str] = field(default_factory=set[str])
    remarks: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.requirement = self.requirement or self.requirements[0]


JUDGMENT: ContextVar[Judgment] = ContextVar("clasp_e2e_judgment")
"""The judgment that the current task works on."""


def current_judgment() -> Judgment:
    """Return the judgment of the running scenario."""
    return JUDGMENT.get()


@contextmanager
def judging(requirement: str) -> Generator[None]:
    """Let what stands in the block judge `requirement`, one of the scenario's several."""
    judgment = current_judgment()
    if requirement not in judgment.requirements:
        raise LookupError(f"{requirement} is not among the scenario's requirements {judgment.requirements}")
    before, judgment.requirement = judgment.requirement, requirement
    try:
        yield
        judgment.met.add(requirement)
    except Refused as refusal:
        # Said here, where it is known which requirement the call was made for.
        raise Unmet("the call to succeed", f"it was refused: {refusal}") from refusal
    finally:
        judgment.requirement = before


@contextmanager
def precondition(requirement: str) -> Generator[None]:
    """Take what stands in the block as the ground of the scenario: if it fails, blocked by `requirement`."""
    try:
        yield
    except (Unmet, Refused) as error:
        raise Blocked(requirement, str(error)) from error


def remark(text: str) -> None:
    """Report `text` with the scenario; it judges nobody."""
    current_judgment().remarks.append(text)


def random_payload(size: int = 16 * 1024) -> bytes:
    """Return `size` random bytes, the same ones for the same seed and scenario.

    16 KiB is the size by whose volume a path is recognised.
    """
    return current_judgment().rng.randbytes(size)


def show(value: object) -> str:
    """Return `value` as it reads best in a report: bytes by their length and beginning."""
    if isinstance(value, bytes):
        return (
            f"{len(value)} bytes ({value[:8].hex()}…)"
            if len(value) > 8
            else f"{len(value)} bytes ({value.hex()})"
        )
    if isinstance(value, (list, tuple)):
        items = ", ".join(show(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return f"[{items}]" if items else "nothing"
    return repr(value) if isinstance(value, str) else str(value)


class Expectation:
    """A value that a scenario looks at, and what it is."""

    def __init__(self, value: Any, what: str) -> None:
        self._value = value
        self._what = what

    def equals(self, expected: object) -> None:
        """Require the value to be equal to `expected`."""
        if self._value != expected:
            raise Unmet(f"{self._what}: {show(expected)}", show(self._value))

    def is_true(self, seen: str = "it is not so") -> None:
        """Require the value to be true; `what` then reads as the sentence that should hold."""
        if not self._value:
            raise Unmet(self._what, seen)

    def is_empty(self) -> None:
        """Require a collection to hold nothing."""
        if self._value:
            raise Unmet(f"{self._what}: nothing", show(self._value))

    def at_least(self, least: float) -> None:
        """Require a number not below `least`."""
        if self._value < least:
            raise Unmet(f"{self._what}: at least {least:g}", f"{self._value:g}")

    def below(self, limit: float) -> None:
        """Require a number below `limit`."""
        if self._value >= limit:
            raise Unmet(f"{self._what}: less than {limit:g}", f"{self._value:g}")

    def at_most(self, most: float) -> None:
        """Require a number not above `most`."""
        if self._value > most:
            raise Unmet(f"{self._what}: at most {most:g}", f"{self._value:g}")


def expect(value: Any, what: str) -> Expectation:
    """Open an expectation on `value`; `what` names it in the report, as a noun phrase."""
    return Expectation(value, what)


async def expect_refusal(call: Awaitable[object], what: str, *, within: float | None = None) -> str:
    """Require `call` to end with the implementation's error (`within` s), and return its words."""
    try:
        async with asyncio.timeout(within):
            result = await call
    except Refused as refusal:
        return str(refusal)
    except TimeoutError:
        raise Unmet(f"{what}: refused with an error", f"it has not returned after {within:g} s") from None
    raise Unmet(f"{what}: refused with an error", f"it returned {show(result)}")
