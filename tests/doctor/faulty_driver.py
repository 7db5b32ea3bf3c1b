"""The reference driver with one fault, or with one difference that the specification allows."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from clasp_e2e.drivers import Description, DriverFault, NotOffered, Refused, Router
from clasp_e2e.drivers.reference import ReferenceDriver, ReferencePeer
from clasp_e2e.p2p_types import Connected, Data, P2PEvent, RoutingMode, SendResult
from clasp_e2e.peer import ClaspBuilder, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.connecting import without_lines
from clasp_e2e.wire import Answer, IceCandidate, Offer

HEADER = b"\x53\x00\x00\x00"
"""In front of each payload of a peer that frames its payloads."""
SERVER_REFLEXIVE = "a=candidate:9 1 udp 1694498815 192.0.2.1 4000 typ srflx raddr 0.0.0.0 rport 0\r\n"

Change = Callable[[str], str]


def hidden(text: str) -> str:
    return f"x{text}"


CHANGES: dict[str, tuple[Change, Change]] = {
    "no_candidates": (lambda text: without_lines(text, "candidate:"), str),
    "hides_signals": (hidden, lambda text: text.removeprefix("x")),
    "hides_signals_and_events": (hidden, lambda text: text.removeprefix("x")),
    "hides_candidates": (
        lambda text: text.replace("candidate:", "xcandidate:"),
        lambda text: text.replace("xcandidate:", "candidate:"),
    ),
    "offers_ipv6": (
        lambda text: text.replace(" 127.0.0.1 ", " ::1 "),
        lambda text: text.replace(" ::1 ", " 127.0.0.1 "),
    ),
    "offers_tcp": (
        lambda text: text.replace(" udp ", " tcp "),
        lambda text: text.replace(" tcp ", " udp "),
    ),
    "asks_a_server": (lambda text: text + SERVER_REFLEXIVE if text.startswith("v=0") else text, str),
}
"""By fault: the change of each SDP and candidate that is sent, and of each that is received."""


class FaultyPeer(ReferencePeer):
    fault_name = name = ""

    @property
    def fault(self) -> str | None:
        return (
            "it ran out of memory" if (self.fault_name, self.name) == ("breaks_unnoticed", "alice") else None
        )

    async def connect_to_peer(self, target: str) -> None:
        if self.fault_name != "never_connects":
            await super().connect_to_peer(target)

    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> SendResult:
        if self.fault_name == "alters_sent":
            data += b"!"
        if self.fault_name == "frames_payloads":
            data = HEADER + data
        reliable = (
            reliable or self.fault_name == "drops_reliable"
        ) and self.fault_name != "always_unreliable"
        return await super().send_p2p(target, data, reliable)

    async def p2p_routing_mode(self) -> RoutingMode:
        if self.fault_name == "hangs":
            await asyncio.Event().wait()
        return await super().p2p_routing_mode()

    async def is_peer_connected(self, target: str) -> bool:
        if self.fault_name == "refuses":
            raise Refused("never")
        return await super().is_peer_connected(target)

    async def disconnect_peer(self, target: str) -> None:
        if self.fault_name == "offers_less":
            raise NotOffered("disconnect_peer")
        await super().disconnect_peer(target)

    async def close(self) -> None:
        if self.fault_name != "closes_nothing":
            await super().close()

    async def end(self) -> None:
        await super().end()
        if (self.fault_name, self.name) == ("ends_badly", "bob"):
            raise OSError("the profile is locked")


class FaultyDriver(ReferenceDriver):
    def __init__(self, fault: str, stack: AsyncExitStack) -> None:
        super().__init__(self.prepared)
        self.fault = fault
        self.stack = stack

    @classmethod
    @asynccontextmanager
    async def made(cls, fault: str) -> AsyncIterator[FaultyDriver]:
        """A driver; what its fault leaves open is closed at the end."""
        async with AsyncExitStack() as stack:
            yield cls(fault, stack)

    async def initialize(self) -> Description:
        if self.fault == "no_licence":
            raise DriverFault("no licence; buy one")
        return await super().initialize()

    def prepared(self, builder: ClaspBuilder) -> None:
        builder.script(self.altered).input_filter(self.read)

    def altered(self, effect: fx.Effect) -> Iterable[fx.Effect]:
        """What is sent instead of `effect`."""
        change, _ = CHANGES.get(self.fault, (str, str))
        match effect:
            case fx.PublishSignal(signal=Answer()) if self.fault == "never_answers":
                return ()
            case fx.PublishSignal(signal=Offer() | Answer() as signal):
                return (replace(effect, signal=replace(signal, sdp=change(signal.sdp))),)
            case fx.PublishSignal(signal=IceCandidate() as signal):
                changed = change(signal.candidate)
                return (replace(effect, signal=replace(signal, candidate=changed)),) if changed else ()
            case _:
                return (effect,)

    def read(self, event: inputs.Input) -> Iterable[inputs.Input]:
        """What the core receives instead of `event`."""
        _, change = CHANGES.get(self.fault, (str, str))
        if isinstance(event, inputs.SignalReceived) and isinstance(event.value, dict):
            texts = {key: change(str(event.value[key])) for key in ("sdp", "candidate") if key in event.value}
            event = replace(event, value={**event.value, **texts})
        return (event,)

    async def open_peer(self, **how: Any) -> ReferencePeer:
        told = how["on_event"]
        if self.fault == "attaches_nowhere":
            raise Refused("too many clients")

        def wrongly(event: P2PEvent) -> None:
            if self.fault in ("no_events", "hides_signals_and_events"):
                return
            if isinstance(event, Connected) and self.fault == f"deaf_{how['name']}":
                return
            if isinstance(event, Data):
                if self.fault == "alters_told":
                    event = replace(event, data=event.data + b"!")
                if self.fault == "frames_payloads":
                    event = replace(event, data=event.data.removeprefix(HEADER))
                if self.fault == "names_itself":
                    event = replace(event, peer_session_id="me")
            told(event)

        peer = await super().open_peer(**{**how, "on_event": wrongly})
        faulty = FaultyPeer(peer._client)  # pyright: ignore[reportPrivateUsage]
        faulty.fault_name, faulty.name = self.fault, how["name"]
        if self.fault == "own_session":
            faulty.session_id = "made-up"
        return faulty

    async def open_router(self, *, host: str, port: int) -> Router:
        router = await super().open_router(host=host, port=port)
        if self.fault == "port_zero":
            router.url = "ws://127.0.0.1:0"
        if self.fault == "not_yet_listening":
            await router.close()
            bound = self.stack.enter_context(socket.socket())
            bound.bind((host, 0))  # Nobody else gets the port, and nobody answers there.
            router.url = f"ws://{host}:{bound.getsockname()[1]}"
        if self.fault == "still_listens":
            self.stack.push_async_callback(router.close)
            return StillListening(router.url)
        return router


class StillListening(Router):
    def __init__(self, url: str) -> None:
        self.url = url

    async def close(self) -> None:
        return
