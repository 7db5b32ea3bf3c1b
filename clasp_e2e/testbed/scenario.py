"""A scenario: a coroutine function that judges requirements, in a world that it names by a parameter."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from clasp_e2e.scripted.mutant import PeerScript

ScenarioFunction = Callable[..., Awaitable[None]]
PeerRole = Literal["offerer", "answerer"]

FIXTURES = {
    "pair": "pair",
    "connected_pair": "pair",
    "unconnected": "pair",
    "single": "single",
    "router": "router",
    "attacked_router": "router",
}
"""The parameter by which a scenario asks for its world, and who takes part in it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a scenario judges and what it needs.

    `waits` marks one that spends its time waiting: it runs while the others do. `slow` marks one
    that waits for a time that the specification (or ICE) names, some 30 s. `opposite` is the script
    of the partner, where that is not one of the kinds that are judged or the reference. `role` is the
    one role in which the scenario looks at a peer; None is each that the requirement judges. `kills`
    says that it kills a peer: each of its peers then has a process of its own.
    """

    function: ScenarioFunction
    requirements: tuple[str, ...]
    world: str
    waits: bool = False
    slow: bool = False
    opposite: type[PeerScript] | None = None
    role: PeerRole | None = None
    kills: bool = False

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
        """Who takes part: `pair`, `single` or `router`."""
        return FIXTURES[self.world]


class _Judging(Protocol):
    async def judge(self) -> None: ...


def requirement(
    *ids: str,
    waits: bool = False,
    slow: bool = False,
    opposite: type[PeerScript] | None = None,
    role: PeerRole | None = None,
    kills: bool = False,
) -> Callable[[ScenarioFunction], Any]:
    """Make a coroutine function the scenario that judges the requirements `ids`.

    Its only parameter names its fixture: `pair`, `connected_pair`, `unconnected`, `single`, `router` or
    `attacked_router`. What
    pytest then collects takes a `case`, which the plugin provides: one for each pairing to be judged.
    With `opposite`, the partner of the peer that is judged follows that script. A scenario that kills
    a peer says so by `kills`.
    """

    def mark(function: ScenarioFunction) -> Any:
        parameters = list(inspect.signature(function).parameters)
        if not ids:
            raise TypeError(f"{function.__name__}: a scenario names at least one requirement")
        if len(parameters) != 1 or parameters[0] not in FIXTURES:
            raise TypeError(
                f"{function.__name__}: a scenario takes one fixture as its parameter: {', '.join(FIXTURES)};"
                f" this one takes ({', '.join(parameters)})"
            )
        if opposite is not None and FIXTURES[parameters[0]] != "pair":
            raise TypeError(f"{function.__name__}: a scripted partner needs a pair, not {parameters[0]}")

        async def test(case: _Judging) -> None:
            await case.judge()

        # Not functools.wraps: pytest would follow __wrapped__ and ask for a fixture of the world's name.
        test.__name__ = function.__name__
        test.__qualname__ = function.__qualname__
        test.__module__ = function.__module__
        test.__doc__ = function.__doc__
        test.scenario = Scenario(  # pyright: ignore[reportFunctionMemberAccess]
            function, ids, parameters[0], waits or slow, slow, opposite, role, kills
        )
        return test

    return mark


def scenario_of(function: object) -> Scenario | None:
    """Return the scenario that `requirement` made of a collected function, if it is one."""
    found = getattr(function, "scenario", None)
    return found if isinstance(found, Scenario) else None
