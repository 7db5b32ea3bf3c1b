"""A scenario: a coroutine function that judges requirements, in a world that it names by a parameter."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

ScenarioFunction = Callable[..., Awaitable[None]]

WORLDS = {
    "pair": "pair",
    "connected_pair": "pair",
    "sides": "pair",
    "alone": "alone",
    "router": "router",
}
"""The parameter by which a scenario asks for its world, and who takes part in it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a scenario judges and what it needs.

    `waits` marks one that spends its time waiting: it runs while the others do. `slow` marks one
    that waits for a time that the specification (or ICE) names, some 30 s.
    """

    function: ScenarioFunction
    requirements: tuple[str, ...]
    world: str
    waits: bool = False
    slow: bool = False

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    @property
    def title(self) -> str:
        """The first line of the docstring: what the scenario shows."""
        return (inspect.getdoc(self.function) or self.name).partition("\n")[0]

    @property
    def participants(self) -> str:
        """Who takes part: `pair`, `alone` or `router`."""
        return WORLDS[self.world]


class _Judging(Protocol):
    async def judge(self) -> None: ...


def requirement(*ids: str, waits: bool = False, slow: bool = False) -> Callable[[ScenarioFunction], Any]:
    """Make a coroutine function the scenario that judges the requirements `ids`.

    Its only parameter names its world: `pair`, `connected_pair`, `sides`, `alone` or `router`. What
    pytest then collects takes a `case`, which the plugin provides: one for each pairing to be judged.
    """

    def mark(function: ScenarioFunction) -> Any:
        parameters = list(inspect.signature(function).parameters)
        if not ids:
            raise TypeError(f"{function.__name__}: a scenario names at least one requirement")
        if len(parameters) != 1 or parameters[0] not in WORLDS:
            raise TypeError(
                f"{function.__name__}: a scenario takes one parameter, its world: one of {', '.join(WORLDS)};"
                f" this one takes ({', '.join(parameters)})"
            )

        async def test(case: _Judging) -> None:
            await case.judge()

        # Not functools.wraps: pytest would follow __wrapped__ and ask for a fixture of the world's name.
        test.__name__ = function.__name__
        test.__qualname__ = function.__qualname__
        test.__module__ = function.__module__
        test.__doc__ = function.__doc__
        test.scenario = Scenario(function, ids, parameters[0], waits or slow, slow)  # pyright: ignore[reportFunctionMemberAccess]
        return test

    return mark


def scenario_of(function: object) -> Scenario | None:
    """Return the scenario that `requirement` made of a collected function, if it is one."""
    found = getattr(function, "scenario", None)
    return found if isinstance(found, Scenario) else None
