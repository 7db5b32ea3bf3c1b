"""What a mutant is: a peer or a router with one fault, and the requirement that the fault must fail.

A judge that cannot say no proves nothing. Each mutant is the reference with one thing wrong, and the
harness shows with it that the check of a requirement is able to fail, for that reason and no other.
Called, a mutant makes a driver: `--peer clasp_e2e.scripted.routing:RelaysInP2POnly`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self, TypedDict, TypeVar, Unpack

from clasp_e2e.drivers.interface import Description, Driver, Implementation
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.peer import ClaspBuilder, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.router import Deliver
from clasp_e2e.router import Effect as RouterEffect
from clasp_e2e.wire import Signal, Welcome

Role = Literal["offerer", "answerer", "both", "router"]
Outs = Iterable[fx.Effect]
RouterOuts = Iterable[RouterEffect]
Out = fx.Effect | Signal

E = TypeVar("E")

EITHER: tuple[Role, Role] = ("offerer", "answerer")
"""The roles of a mutant whose fault shows in each of them."""

NO_CALL = 0
"""A call that nobody made: what is done for it is answered to nobody."""


class Options(TypedDict, total=False):
    """The rarer properties of a mutant; see `Mutant`."""

    also: Mapping[str, str]
    slow: bool


def drop(*_: object) -> tuple[()]:
    """Return nothing: the fault is to leave out what is due."""
    return ()


class PeerScript:
    """A layer around the core of one peer: all its inputs and effects pass through it."""

    def __init__(self) -> None:
        self.sends: dict[int, inputs.SendP2P] = {}
        """The sends that the application asked for, by call."""

    def pass_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        """Note the sends, and return the inputs that the core receives instead of `event`."""
        if isinstance(event, inputs.SendP2P):
            self.sends[event.call] = event
        return self.alter_input(event)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        """Return the inputs that the core receives instead of `event`."""
        return (event,)

    def pass_effect(self, effect: fx.Effect) -> Outs:
        """Note `effect`, and return the effects that are executed instead of it."""
        self.note(effect)
        return self.alter(effect)

    def note(self, effect: fx.Effect) -> None:
        """Keep of `effect` what the fault depends on."""

    def alter(self, effect: fx.Effect) -> Outs:
        """Return the effects that are executed instead of `effect`."""
        return (effect,)

    @classmethod
    def define(
        cls,
        name: str,
        requirement: str,
        broken: str,
        *roles: Role,
        on: type[E] | tuple[type[E], ...],
        alter: Callable[[Self, E], Out | Iterable[Out]],
        **options: Unpack[Options],
    ) -> Mutant:
        """Define the mutant `name`, whose fault `act` replaces everything of the type `on`.

        `on` is a type of effects, or of the events or signals that an effect brings. `act` returns one effect
        or several; a signal among them goes to the session that the signal it replaces was for.
        """

        def acted(script: Self, effect: fx.Effect) -> Outs:
            subject: object = effect
            if not isinstance(effect, on) and isinstance(effect, fx.Emit | fx.PublishSignal):
                subject = effect.event if isinstance(effect, fx.Emit) else effect.signal
            if not isinstance(subject, on):
                return (effect,)
            outs = alter(script, subject)
            target = effect.target if isinstance(effect, fx.PublishSignal) else ""
            return tuple(
                fx.PublishSignal(target, out) if isinstance(out, Signal) else out
                for out in (outs if isinstance(outs, Iterable) else (outs,))
            )

        return mutant(requirement, broken, *roles, **options)(type(name, (cls,), {"act": acted}))


class RouterScript:
    """A layer behind the core of one router: all its effects pass through it."""

    def __init__(self) -> None:
        self.welcomed: list[int] = []
        """The connections that were welcomed."""

    def pass_effect(self, effect: RouterEffect) -> RouterOuts:
        """Note who is welcomed, and return the effects that are executed instead of `effect`."""
        outs = self.alter(effect)
        if isinstance(effect, Deliver) and isinstance(effect.message, Welcome):
            self.welcomed.append(effect.connection)
        return outs

    def alter(self, effect: RouterEffect) -> RouterOuts:
        """Return the effects that are executed instead of `effect`."""
        return self.deliver(effect) if isinstance(effect, Deliver) else (effect,)

    def deliver(self, effect: Deliver) -> RouterOuts:
        """Return the effects that are executed instead of a delivery."""
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
        builder.script(script.pass_effect).input_filter(script.pass_input)

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
            return MutantDriver(router_script=lambda: fault().pass_effect)
        return scripted_driver(fault)


MUTANTS: list[Mutant] = []
"""All there are, in the order of their definition; complete once `clasp_e2e.scripted` is imported."""


def mutant(
    requirement: str,
    broken: str,
    *roles: Role,
    **options: Unpack[Options],
) -> Callable[[Fault], Mutant]:
    """Make a mutant of a script or a driver: what it fails, in one sentence what is wrong, and where.

    Without roles a peer is judged as the offerer, and a router as the router.
    """

    def make(fault: Fault) -> Mutant:
        default: Role = "router" if requirement.startswith("RTR") else "offerer"
        made = Mutant(fault.__name__, requirement, broken, fault, roles or (default,), **options)
        MUTANTS.append(made)
        return made

    return make
