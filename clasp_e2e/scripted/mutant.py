"""Mutants: peers or routers with one fault, and the requirement that the fault must fail.

Each mutant is the reference with a single fault. It shows that the check of a requirement can fail, and
fails for this reason only.
Calling a mutant creates a driver: `--peer clasp_e2e.scripted.routing:RelaysInP2POnly`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self, TypedDict, TypeVar, Unpack, cast

from clasp_e2e.drivers.interface import Description, Driver, Implementation
from clasp_e2e.drivers.reference import ReferenceDriver
from clasp_e2e.p2p_types import Connected
from clasp_e2e.peer import ClaspBuilder, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.router_session import RouterSession
from clasp_e2e.peer.transport import TransportKind
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.router import Deliver
from clasp_e2e.router import Effect as RouterEffect
from clasp_e2e.scripted.router_front import FrontSession, RouterFront
from clasp_e2e.wire import Signal, Welcome

Role = Literal["offerer", "answerer", "both", "router"]
Outs = Iterable[fx.Effect]
RouterOuts = Iterable[RouterEffect]
Out = fx.Effect | Signal

E = TypeVar("E")

EITHER: tuple[Role, Role] = ("offerer", "answerer")
"""The roles of a mutant whose fault is visible in either role."""

NO_CALL = 0
"""The number of a call that does not exist: its result is discarded."""


class Options(TypedDict, total=False):
    """The less common properties of a mutant; see `Mutant`."""

    also: Mapping[str, str]
    slow: bool


def drop(*_: object) -> tuple[()]:
    """Return no effects: the fault is an omission."""
    return ()


class PeerScript:
    """A layer around the core of one peer, through which all its inputs and effects pass."""

    webrtc: TransportKind = AiortcTransport
    """The transports of the peer."""
    router_session: type[RouterSession] = RouterSession
    """The type of its session with the router."""

    def __init__(self) -> None:
        self.sends: dict[int, inputs.SendP2P] = {}
        """The sends that the application requested, by call."""
        self.connected: set[str] = set()
        """The peers that a Connected event has named."""

    def pass_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        """Record sends, and return the inputs that the core receives instead of `event`."""
        if isinstance(event, inputs.SendP2P):
            self.sends[event.call] = event
        return self.alter_input(event)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        """Return the inputs that the core receives instead of `event`."""
        return (event,)

    def pass_effect(self, effect: fx.Effect) -> Outs:
        """Record `effect`, and return the effects that are executed instead of it."""
        if isinstance(effect, fx.Emit) and isinstance(effect.event, Connected):
            self.connected.add(effect.event.peer_session_id)
        self.note(effect)
        return self.alter(effect)

    def note(self, effect: fx.Effect) -> None:
        """Record what the fault depends on."""

    def alter(self, effect: fx.Effect) -> Outs:
        """Return the effects that are executed instead of `effect`."""
        return (effect,)

    @classmethod
    def altering(
        cls,
        name: str,
        on: type[E] | tuple[type[E], ...],
        alter: Callable[[Self, E], Out | Iterable[Out]],
    ) -> type[Self]:
        """Return a script `name`, whose function `alter` replaces everything of the type `on`.

        `on` is a type of effects, or of the events or signals that an effect contains. `alter` returns one
        effect or several; signals among them are sent to the target of the signal that they replace.
        """

        def replacements(script: Self, effect: fx.Effect) -> Outs:
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

        return cast("type[Self]", type(name, (cls,), {"alter": replacements, "__module__": cls.__module__}))

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
        """Define the mutant `name`, whose fault `alter` replaces everything of the type `on` (`altering`)."""
        return mutant(requirement, broken, *roles, **options)(cls.altering(name, on, alter))


class RouterScript:
    """A layer around the core of one router, through which all its effects pass."""

    def __init__(self) -> None:
        self.welcomed: list[int] = []
        """The connections that received a WELCOME."""

    def pass_effect(self, effect: RouterEffect) -> RouterOuts:
        """Record welcomed connections, and return the effects that are executed instead of `effect`."""
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


class ScriptedDriver(ReferenceDriver):
    """The reference with a script, named after what the script changes."""

    name = ""
    """What it is and its name, such as `mutant RelaysInP2POnly`."""

    async def initialize(self) -> Description:
        """Describe this implementation: the reference with a script."""
        description = await super().initialize()
        reference = description.implementation
        scripted = Implementation(self.name, reference.version, reference.language)
        return Description(scripted, description.roles, description.capabilities)


def scripted_driver(kind: type[PeerScript]) -> ScriptedDriver:
    """Return a driver of reference peers, each with its own script of the type `kind`."""

    def prepare(builder: ClaspBuilder) -> None:
        script = kind()
        builder.script(script.pass_effect).input_filter(script.pass_input)
        builder.webrtc(kind.webrtc).router_session(kind.router_session)

    driver = ScriptedDriver(prepare)
    driver.name = kind.__name__
    return driver


class FrontedDriver(ScriptedDriver):
    """A driver whose router is behind a front with sessions of the type `kind`."""

    def __init__(self, kind: type[FrontSession]) -> None:
        super().__init__()
        self._kind = kind
        self._behind = kind.behind()
        self.router_per_scenario = self._behind.router_per_scenario

    async def initialize(self) -> Description:
        """Describe this implementation: the router behind the front, under the name of the script."""
        behind = (await self._behind.initialize()).implementation
        scripted = Implementation(self.name, behind.version, behind.language)
        return Description(scripted, frozenset({"router"}))

    async def open_router(self, *, host: str, port: int) -> RouterFront:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start the router and the front."""
        front = RouterFront(await self._behind.open_router(host=host, port=0), self._kind)
        await front.listen(host, port)
        return front

    async def aclose(self) -> None:
        """Free the resources of the driver behind the front."""
        await self._behind.aclose()


AnyScript = type[PeerScript] | type[RouterScript] | type[FrontSession] | type[ScriptedDriver]


def driver_of(script: AnyScript, name: str) -> ScriptedDriver:
    """Return a driver of the reference with `script`, named `name`."""
    if issubclass(script, ScriptedDriver):
        driver = script()
    elif issubclass(script, RouterScript):
        driver = ScriptedDriver(router_script=lambda: script().pass_effect)
    elif issubclass(script, FrontSession):
        driver = FrontedDriver(script)
    else:
        driver = scripted_driver(script)
    driver.name = name
    return driver


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault and the requirements that it fails.

    `requirement` is the id that fails. `also` maps further ids that fail, although they do not depend on
    it, to the reason. `roles` are those in which the fault is visible; `both` means a pair of two such
    peers.
    """

    name: str
    requirement: str
    broken: str
    """One sentence that describes the fault."""
    fault: AnyScript
    roles: tuple[Role, ...]
    also: Mapping[str, str] = field(default_factory=dict[str, str])
    slow: bool = False
    """Whether the failure takes as long as the time-outs of the specification or of ICE."""

    def __call__(self) -> Driver:
        """Create a driver of the mutant."""
        return driver_of(self.fault, f"mutant {self.name}")


MUTANTS: list[Mutant] = []
"""All mutants in order of definition; complete when `clasp_e2e.scripted` is imported."""


def mutant(
    requirement: str,
    broken: str,
    *roles: Role,
    **options: Unpack[Options],
) -> Callable[[AnyScript], Mutant]:
    """Make a mutant of a script or a driver: the requirement that it fails, the fault, and the roles.

    Without roles, a peer is judged as the offerer, and a router as the router.
    """

    def make(fault: AnyScript) -> Mutant:
        default: Role = "router" if requirement.startswith("RTR") else "offerer"
        made = Mutant(fault.__name__, requirement, broken, fault, roles or (default,), **options)
        MUTANTS.append(made)
        return made

    return make
