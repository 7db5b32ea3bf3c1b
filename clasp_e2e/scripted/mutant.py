"""What a mutant is: a peer or a router with one fault, and the requirement that the fault must fail.

A judge that cannot say no proves nothing. Each mutant is the reference with one thing wrong, and the
harness shows with it that the check of a requirement is able to fail, for that reason and no other.
Called, a mutant makes a driver: `--peer clasp_e2e.scripted.routing:RelaysInP2POnly`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from clasp_e2e.drivers.interface import Description, Driver, Implementation
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.peer import ClaspBuilder, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.router import Effect as RouterEffect

Role = Literal["offerer", "answerer", "both", "router"]
Outs = Iterable[fx.Effect]
RouterOuts = Iterable[RouterEffect]

NO_CALL = 0
"""A call that nobody made: what is done for it is answered to nobody."""


class PeerScript:
    """What stands around the core of one peer: all that it hears and all that it does passes here."""

    def __init__(self) -> None:
        self.sends: dict[int, inputs.SendP2P] = {}
        """The sends that the application asked for, by call."""

    def hearing(self, event: inputs.Input) -> Iterable[inputs.Input]:
        """Note the sends, and hand on what the core is to hear of `event`."""
        if isinstance(event, inputs.SendP2P):
            self.sends[event.call] = event
        return self.hear(event)

    def hear(self, event: inputs.Input) -> Iterable[inputs.Input]:
        """Return what the core hears in the place of `event`."""
        return (event,)

    def act(self, effect: fx.Effect) -> Outs:
        """Return what is done in the place of `effect`."""
        return (effect,)


class RouterScript:
    """What stands behind the core of one router: all that it does passes here."""

    def act(self, effect: RouterEffect) -> RouterOuts:
        """Return what is done in the place of `effect`."""
        return (effect,)


class MutantDriver(ReferenceDriver):
    """The reference with a fault, under the name of the fault."""

    name = ""
    """Set by `mutant`."""

    async def initialize(self) -> Description:
        """Say what stands here: the reference, broken on purpose."""
        description = await super().initialize()
        told = description.implementation
        mutant = Implementation(f"mutant {self.name}", told.version, told.language)
        return Description(mutant, description.roles, description.capabilities)


def scripted_driver(kind: type[PeerScript]) -> MutantDriver:
    """Return a driver whose peers are the reference, each with a script of `kind` of its own around it."""

    def prepare(builder: ClaspBuilder) -> None:
        script = kind()
        builder.script(script.act).hearing(script.hearing)

    driver = MutantDriver(prepare)
    driver.name = kind.__name__
    return driver


Fault = type[PeerScript] | type[RouterScript] | type[MutantDriver]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault and what comes of it.

    `requirement` is the id that fails. `also` names those that fail too although they do not rest
    on it, each with the reason. `roles` are those in which the fault shows, `both` being a pair
    of two such peers.
    """

    name: str
    requirement: str
    broken: str
    """One sentence: what is wrong."""
    fault: Fault
    roles: tuple[Role, ...]
    also: Mapping[str, str] = field(default_factory=dict[str, str])
    slow: bool = False
    """Whether the failure takes as long as the specification's times, or ICE's."""

    def __call__(self) -> Driver:
        """Make a driver of it."""
        driver = self._driver()
        driver.name = self.name
        return driver

    def _driver(self) -> MutantDriver:
        fault = self.fault
        if issubclass(fault, MutantDriver):
            return fault()
        if issubclass(fault, RouterScript):
            return MutantDriver(router_script=lambda: fault().act)
        return scripted_driver(fault)


MUTANTS: list[Mutant] = []
"""All there are, in the order of their definition; complete once `clasp_e2e.scripted` is imported."""


def mutant(
    requirement: str,
    broken: str,
    *roles: Role,
    also: Mapping[str, str] | None = None,
    slow: bool = False,
) -> Callable[[Fault], Mutant]:
    """Make a mutant of a script or a driver: what it fails, in one sentence what is wrong, and where.

    Without roles a peer is judged as the offerer, and a router as the router.
    """

    def make(fault: Fault) -> Mutant:
        default: Role = "router" if requirement.startswith("RTR") else "offerer"
        made = Mutant(fault.__name__, requirement, broken, fault, roles or (default,), also or {}, slow)
        MUTANTS.append(made)
        return made

    return make
