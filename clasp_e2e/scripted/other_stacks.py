"""Mutants on other implementations than the reference: peers on libwebrtc, and the public router.

They show that a check fails for the fault, and not for something that only the reference does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from clasp_e2e import wire
from clasp_e2e.drivers.building import BuildError
from clasp_e2e.drivers.building_rust import rust_adapter_command
from clasp_e2e.drivers.interface import Description, Driver, Implementation
from clasp_e2e.drivers.rust import RustDriver
from clasp_e2e.peer.libwebrtc_transport import LibwebrtcTransport, install_advice
from clasp_e2e.scripted.mutant import MUTANTS, AnyScript, Mutant, PeerScript, ScriptedDriver
from clasp_e2e.scripted.router_front import FrontSession
from clasp_e2e.scripted.routers import RouterWithStun, StunOverUdp
from clasp_e2e.spec.catalogue import Catalogue, Level

LIBWEBRTC = "libwebrtc"
CLASP_ROUTER = "clasp-router"


@dataclass(frozen=True, slots=True)
class StackMutant:
    """A mutant, and the stack or the router that it is made of."""

    mutant: Mutant
    stack: str

    @property
    def missing(self) -> str | None:
        """What to do before it can run on this machine; None if it can."""
        if self.stack == LIBWEBRTC:
            return install_advice()
        try:
            rust_adapter_command()
        except BuildError as error:
            return str(error)
        return None


def mutants_on_libwebrtc(catalogue: Catalogue) -> list[StackMutant]:
    """Return the first mutant of each MUST of a peer that can run on libwebrtc."""
    found: dict[str, StackMutant] = {}
    for mutant in MUTANTS:
        requirement = catalogue.get(mutant.requirement)
        if requirement.level is not Level.MUST or "router" in mutant.roles or requirement.id in found:
            continue
        if (fault := _on_libwebrtc(mutant.fault)) is not None:
            name = f"{mutant.name}OnLibwebrtc"
            found[requirement.id] = StackMutant(replace(mutant, name=name, fault=fault), LIBWEBRTC)
    return list(found.values())


def _on_libwebrtc(fault: AnyScript) -> AnyScript | None:
    if issubclass(fault, PeerScript):
        return type(fault.__name__, (fault,), {"webrtc": LibwebrtcTransport})
    if issubclass(fault, ScriptedDriver) and fault.__init__ is ScriptedDriver.__init__:

        def start(driver: ScriptedDriver) -> None:
            ScriptedDriver.__init__(driver, lambda builder: builder.webrtc(LibwebrtcTransport))

        return type(fault.__name__, (fault,), {"__init__": start})
    return None


class PublicRouterFront(FrontSession):
    """A front of the public router."""

    @staticmethod
    def behind() -> Driver:
        """Return a driver of the public router."""
        return RustDriver()


class LosesWelcomes(PublicRouterFront):
    """It sends no WELCOME."""

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if not isinstance(message, wire.Welcome):
            await self.to_client(frame)


class LosesSignals(PublicRouterFront):
    """It forwards no signal."""

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        if not (isinstance(message, wire.Publish) and message.address.startswith(wire.SIGNAL_PREFIX)):
            await self.to_client(frame)


class NormalizesLineEnds(PublicRouterFront):
    """It normalizes the line endings of an SDP."""

    async def from_router(self, message: wire.Message, frame: bytes) -> None:
        match message:
            case wire.Publish(value={"sdp": str(sdp)} as value) if "\r\n" in sdp:
                await self.tell(replace(message, value={**value, "sdp": sdp.replace("\r\n", "\n")}))
            case _:
                await self.to_client(frame)


class PublicRouterWithStun(ScriptedDriver):
    """It runs a STUN server on the UDP port with the same number."""

    router_per_scenario = RustDriver.router_per_scenario

    def __init__(self) -> None:
        super().__init__()
        self._behind = RustDriver()

    async def initialize(self) -> Description:
        """Describe this implementation: the public router, under the name of the script."""
        behind = (await self._behind.initialize()).implementation
        scripted = Implementation(self.name, behind.version, behind.language)
        return Description(scripted, frozenset({"router"}))

    async def open_router(self, *, host: str, port: int) -> RouterWithStun:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start the router and the STUN server."""
        router = await self._behind.open_router(host=host, port=port)
        loop = asyncio.get_running_loop()
        address = (host, urlsplit(router.url).port or 0)
        _, server = await loop.create_datagram_endpoint(StunOverUdp, local_addr=address)
        return RouterWithStun(router, server)

    async def aclose(self) -> None:
        """Free the resources of the router's driver."""
        await self._behind.aclose()


def mutants_of_the_public_router() -> list[StackMutant]:
    """Return a mutant for each MUST of a router, made of the public router."""
    faults: dict[str, AnyScript] = {
        "CON-1": LosesWelcomes,
        "RTR-1": LosesSignals,
        "RTR-2": NormalizesLineEnds,
        "RTR-6": PublicRouterWithStun,
    }
    return [
        StackMutant(
            Mutant(fault.__name__, requirement, fault.__doc__ or "", fault, ("router",)), CLASP_ROUTER
        )
        for requirement, fault in faults.items()
    ]
