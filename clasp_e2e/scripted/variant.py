"""Legal variants: peers or routers that break no rule, and that no check may fail.

Each variant is the reference with a difference in something that the specification leaves open. It shows
that a check judges what the specification says, and not what the reference happens to do. Calling a variant
creates a driver: `--peer clasp_e2e.scripted.variants.channel_variants:NamesItsChannelsOtherwise`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypedDict, TypeVar, Unpack

from clasp_e2e.drivers.interface import Driver
from clasp_e2e.scripted.mutant import AnyScript, Out, PeerScript, RouterScript, driver_of
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.router_front import FrontSession

E = TypeVar("E")
S = TypeVar("S", bound=PeerScript)

CONVENTIONS = frozenset({"SIG-1", "SIG-2", "SIG-3", "SIG-4", "SIG-5", "SIG-7", "RTR-4", "RTR-5", "RTR-9"})
"""The requirements from which a variant may deviate: the public implementation defines them, not the page."""


class VariantOptions(TypedDict, total=False):
    """The optional properties of a variant; see `Variant`."""

    deviations: Iterable[str]
    not_judged: Iterable[str]
    is_router: bool
    unreadable: bool


@dataclass(frozen=True, slots=True)
class Variant:
    """A difference that no requirement forbids."""

    name: str
    open_point: OpenPoint
    difference: str
    """One sentence that describes the difference."""
    script: AnyScript
    touches: frozenset[str]
    """The requirements whose checks the difference might affect."""
    deviations: frozenset[str] = frozenset()
    """The ids among `CONVENTIONS` that it does not follow."""
    not_judged: frozenset[str] = frozenset()
    """The ids that the difference removes from the pairings with the reference."""
    unreadable: bool = False
    """Whether the harness cannot observe `not_judged` opposite itself, as without reading its signals."""
    is_router: bool = False
    """Whether the variant is a router, and not a peer; always so for a `RouterScript` or `FrontSession`."""

    def __call__(self) -> Driver:
        """Create a driver of the variant."""
        return driver_of(self.script, f"variant {self.name}")


VARIANTS: list[Variant] = []
"""All variants in order of definition; complete when `clasp_e2e.scripted.variants` is imported."""


def variant(
    open_point: OpenPoint, difference: str, *touches: str, **options: Unpack[VariantOptions]
) -> Callable[[AnyScript], Variant]:
    """Make a legal variant of a script or a driver; `touches` are the ids that it might affect."""

    def make(script: AnyScript) -> Variant:
        made = Variant(
            script.__name__,
            open_point,
            difference,
            script,
            frozenset(touches),
            frozenset(options.get("deviations", ())),
            frozenset(options.get("not_judged", ())),
            options.get("unreadable", False),
            options.get("is_router", issubclass(script, RouterScript | FrontSession)),
        )
        VARIANTS.append(made)
        return made

    return make


def vary(
    name: str,
    open_point: OpenPoint,
    difference: str,
    *touches: str,
    on: type[E] | tuple[type[E], ...],
    alter: Callable[[S, E], Out | Iterable[Out]],
    script: type[S] = PeerScript,
    **options: Unpack[VariantOptions],
) -> Variant:
    """Define the variant `name`, whose function `alter` replaces all of the type `on` (`altering`)."""
    return variant(open_point, difference, *touches, **options)(script.altering(name, on, alter))
