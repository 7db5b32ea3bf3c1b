"""Expectations and preconditions of scenarios, and the exceptions that end a scenario.

The runner turns each exception into an outcome. Source of the rules: the catalogue's fairness section.
"""

import asyncio
import random
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeVar

from clasp_e2e.drivers.interface import Refused
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected

T = TypeVar("T")

_LONG_TEXT, _EXCERPT = 60, 12
"""Number of characters of a text whose first difference is named, and of the excerpt."""

LARGE_PAYLOAD = 16_000
"""Bytes: below 16 KiB, which every WebRTC stack passes, by what an implementation may add to a payload."""


class NoVerdict(Exception):
    """Base of the exceptions that end a scenario without a verdict on the implementation."""


class Blocked(NoVerdict):
    """A precondition failed; `requirement` is the id of the requirement that was not met."""

    def __init__(self, requirement: str, reason: str) -> None:
        super().__init__(f"blocked by {requirement}: {reason}")
        self.requirement = requirement
        self.reason = reason


class Unobserved(NoVerdict):
    """The testbed could not observe what the scenario judges."""


class LeftOut(NoVerdict):
    """The scenario needs an option that the user did not give; the message names it."""


class EnvironmentFault(NoVerdict):
    """The machine, not the implementation, caused the failure; the message says what to do."""


class Unmet(AssertionError):
    """An expectation that was not met. `expected` and `seen` are phrases without a full stop."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen
        judgment = JUDGMENT.get(None)  # There is none while a router is being started.
        self.requirement = judgment.requirement if judgment else ""


class Absent(Unmet):
    """What was awaited did not occur. A refusal by the router, for example, can be the cause."""


class Undelivered(Absent):
    """A payload did not arrive."""


@dataclass
class Judgment:
    """The judgment of one run of a scenario, filled in while it runs and read by the runner."""

    requirements: tuple[str, ...]
    rng: random.Random
    requirement: str = ""
    met: set[str] = field(default_factory=set[str])
    remarks: list[str] = field(default_factory=list[str])
    sent: set[bytes] = field(default_factory=set[bytes])
    """The payloads that the scenario has sent."""

    def __post_init__(self) -> None:
        self.requirement = self.requirement or self.requirements[0]


JUDGMENT: ContextVar[Judgment] = ContextVar("clasp_e2e_judgment")
"""The judgment of the current task."""


def current_judgment() -> Judgment:
    """Return the judgment of the running scenario."""
    return JUDGMENT.get()


@contextmanager
def judging(requirement: str) -> Generator[None]:
    """Judge `requirement`, one of the scenario's requirements, by the code in the block."""
    judgment = current_judgment()
    if requirement not in judgment.requirements:
        raise LookupError(f"{requirement} is not among the scenario's requirements {judgment.requirements}")
    before, judgment.requirement = judgment.requirement, requirement
    try:
        yield
        judgment.met.add(requirement)
    except Refused as refusal:
        # Raised here, where the requirement of the call is known.
        raise Absent("the call to succeed", f"it was refused: {refusal}") from refusal
    finally:
        judgment.requirement = before


@contextmanager
def precondition(requirement: str) -> Generator[None]:
    """Treat the block as a precondition: if it fails, the scenario is blocked by `requirement`."""
    try:
        yield
    except (Unmet, Refused) as error:
        raise Blocked(requirement, str(error)) from error


def remark(text: str) -> None:
    """Add `text` to the report of the scenario, without effect on its outcome."""
    current_judgment().remarks.append(text)


def random_payload(size: int = LARGE_PAYLOAD) -> bytes:
    """Return `size` random bytes, the same for the same seed and scenario.

    The default is large enough to recognize its path by the volume of traffic.
    """
    return current_judgment().rng.randbytes(size)


def show(value: object) -> str:
    """Return `value` in a readable form for a report; bytes are shown as their length and first bytes."""
    if isinstance(value, bytes):
        return (
            f"{len(value)} bytes ({value[:8].hex()}…)"
            if len(value) > 8
            else f"{len(value)} bytes ({value.hex()})"
        )
    if isinstance(value, (list, tuple)):
        shown = [show(item) for item in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        groups = ((text, len(list(equal))) for text, equal in groupby(shown))
        items = (f"{count} times {text}" if count > 1 else text for text, count in groups)
        return f"[{', '.join(items)}]" if shown else "nothing"
    if isinstance(value, Connected | Disconnected | ConnectionFailed):
        return f"{type(value).__name__} ({value.peer_session_id})"
    return repr(value) if isinstance(value, str) else str(value)


def _difference(expected: object, seen: object) -> str:
    """Return where two long texts differ first, or nothing."""
    if not (isinstance(expected, str) and isinstance(seen, str)) or len(expected) < _LONG_TEXT:
        return ""
    equal = (one == other for one, other in zip(expected, seen, strict=False))
    place = next((n for n, same in enumerate(equal) if not same), min(len(expected), len(seen)))
    here, there = expected[place : place + _EXCERPT], seen[place : place + _EXCERPT]
    return f"; the first difference, after {place} characters: {here!r} became {there!r}"


class Expectation:
    """A value to check, and its description for the report."""

    def __init__(self, value: Any, what: str) -> None:
        self._value = value
        self._what = what

    def equals(self, expected: object) -> None:
        """Require the value to equal `expected`."""
        if self._value != expected:
            raise Unmet(
                f"{self._what}: {show(expected)}", show(self._value) + _difference(expected, self._value)
            )

    def is_true(self, seen: str = "it is false") -> None:
        """Require the value to be true; the description is then a sentence that should hold."""
        if not self._value:
            raise Unmet(self._what, seen)

    def is_empty(self) -> None:
        """Require a collection to be empty."""
        if self._value:
            raise Unmet(f"{self._what}: nothing", show(self._value))

    def none_missing(self) -> None:
        """Require a number of payloads that did not arrive to be 0."""
        if self._value:
            raise Undelivered(f"{self._what}: 0", show(self._value))

    def at_least(self, least: float) -> None:
        """Require a number that is at least `least`."""
        if self._value < least:
            raise Unmet(f"{self._what}: at least {least:g}", f"{self._value:g}")

    def below(self, limit: float) -> None:
        """Require a number below `limit`."""
        if self._value >= limit:
            raise Unmet(f"{self._what}: less than {limit:g}", f"{self._value:g}")

    def at_most(self, most: float) -> None:
        """Require a number that is at most `most`."""
        if self._value > most:
            raise Unmet(f"{self._what}: at most {most:g}", f"{self._value:g}")


def expect(value: Any, what: str) -> Expectation:
    """Return an expectation on `value`; `what` describes it in the report, as a noun phrase."""
    return Expectation(value, what)


async def expect_refusal(call: Awaitable[object], what: str, *, within: float | None = None) -> str:
    """Require `call` to fail with the implementation's error within `within` seconds; return its message."""
    try:
        async with asyncio.timeout(within):
            result = await call
    except Refused as refusal:
        return str(refusal)
    except TimeoutError:
        raise Unmet(f"{what}: refused with an error", f"it did not return within {within:g} s") from None
    raise Unmet(f"{what}: refused with an error", f"it returned {show(result)}")
