"""Scenarios: coroutine functions that judge requirements, each with one fixture as its parameter."""

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
"""The name of a scenario's parameter, which selects its fixture, and who takes part."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, the requirements that it judges, and what it needs.

    `waits`: it spends its time waiting, and runs in parallel with others. `slow`: it waits for a time
    that the specification or ICE defines, some 30 s. `extended`: it waits for minutes, and is run only on
    request. `opposite`: the script of a scripted partner.
    `role`: the only role in which it judges a peer; None means each role that the requirement judges.
    `kills`: it kills a peer, so each of its peers has its own process. `own_router`: what it does may hold up
    the router, so that it has one of its own if the harness starts the router. `heavy`: it needs
    a processor for seconds, so that few such run at the same time. `lab`: it needs the lab, and is run only
    there.
    """

    function: ScenarioFunction
    requirements: tuple[str, ...]
    world: str
    waits: bool = False
    slow: bool = False
    opposite: type[PeerScript] | None = None
    role: PeerRole | None = None
    kills: bool = False
    extended: bool = False
    own_router: bool = False
    heavy: bool = False
    lab: bool = False

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    @property
    def title(self) -> str:
        """The first line of the function's docstring."""
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
    extended: bool = False,
    own_router: bool = False,
    heavy: bool = False,
    lab: bool = False,
) -> Callable[[ScenarioFunction], Any]:
    """Turn a coroutine function into a scenario that judges the requirements `ids`.

    The only parameter of the function names its fixture: one of `FIXTURES`. pytest collects a test that
    takes a `case`, which the plugin provides for each pairing. `Scenario` describes the options.
    """

    def mark(function: ScenarioFunction) -> Any:
        parameters = list(inspect.signature(function).parameters)
        if not ids:
            raise TypeError(f"{function.__name__}: a scenario must name at least one requirement")
        if len(parameters) != 1 or parameters[0] not in FIXTURES:
            raise TypeError(
                f"{function.__name__}: a scenario must have one fixture as its only parameter"
                f" ({', '.join(FIXTURES)}), not ({', '.join(parameters)})"
            )
        if opposite is not None and FIXTURES[parameters[0]] != "pair":
            raise TypeError(f"{function.__name__}: a scripted partner needs a pair, not {parameters[0]}")

        async def test(case: _Judging) -> None:
            await case.judge()

        # Not functools.wraps: pytest would follow __wrapped__ and look for a fixture of the parameter's name.
        test.__name__ = function.__name__
        test.__qualname__ = function.__qualname__
        test.__module__ = function.__module__
        test.__doc__ = function.__doc__
        test.scenario = Scenario(  # pyright: ignore[reportFunctionMemberAccess]
            function,
            ids,
            parameters[0],
            waits or slow or extended,
            slow or extended,
            opposite,
            role,
            kills,
            extended,
            own_router,
            heavy,
            lab,
        )
        return test

    return mark


def scenario_of(function: object) -> Scenario | None:
    """Return the scenario that `requirement` attached to a collected function, or None."""
    found = getattr(function, "scenario", None)
    return found if isinstance(found, Scenario) else None
