"""The reference driver, wrong in a way that has a name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from clasp_e2e.drivers import Description, DriverFault, NotOffered, Refused, Router
from clasp_e2e.drivers.reference import ReferenceDriver, ReferencePeer
from clasp_e2e.p2p_types import Data, P2PConfig, P2PEvent, RoutingMode, SendResult
from clasp_e2e.peer import ClaspBuilder
from clasp_e2e.peer.effects import PublishAnnouncement


class FaultyPeer(ReferencePeer):
    fault_name = ""
    has_p2p = True

    async def connect_to_peer(self, target: str) -> None:
        if self.fault_name != "never_connects" and (self.has_p2p or self.fault_name != "silent_without_p2p"):
            await super().connect_to_peer(target)

    async def send_p2p(self, target: str, data: bytes, reliable: bool) -> SendResult:
        if self.fault_name == "alters_sent":
            data += b"!"
        if self.fault_name == "always_unreliable":
            reliable = False
        result = await super().send_p2p(target, data, reliable or self.fault_name == "drops_reliable")
        return SendResult.P2P if self.fault_name == "always_p2p" else result

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


class FaultyDriver(ReferenceDriver):
    def __init__(self, fault: str, stack: AsyncExitStack) -> None:
        super().__init__(self.prepared)
        self.fault = fault
        self.stack = stack
        self.ice_servers: tuple[str, ...] = ()

    def prepared(self, builder: ClaspBuilder) -> None:
        if self.fault == "no_announcement":
            builder.script(lambda effect: () if isinstance(effect, PublishAnnouncement) else (effect,))

    async def initialize(self) -> Description:
        if self.fault == "no_licence":
            raise DriverFault("no licence; buy one")
        return await super().initialize()

    @classmethod
    @asynccontextmanager
    async def made(cls, fault: str) -> AsyncIterator[FaultyDriver]:
        """A driver; what its fault leaves open is closed at the end."""
        async with AsyncExitStack() as stack:
            yield cls(fault, stack)

    async def open_peer(self, **how: Any) -> ReferencePeer:
        told, p2p = how["on_event"], how["p2p"]

        def wrongly(event: P2PEvent) -> None:
            relayed = isinstance(event, Data) and event.data.startswith(b"relayed")
            if self.fault == "no_events" or (relayed and self.fault == "no_relayed"):
                return
            if self.fault == "alters_told" and isinstance(event, Data):
                event = replace(event, data=event.data + b"!")
            told(event)

        match self.fault:
            case "drops_token":
                how["token"] = None
            case "drops_name":
                how["name"] = "somebody"
            case "remembers_ice_servers" if p2p:
                self.ice_servers = p2p.ice_servers or self.ice_servers
                how["p2p"] = replace(p2p, ice_servers=self.ice_servers)
            case "fills_in_p2p" if p2p is None:
                how["p2p"] = P2PConfig()
            case "drops_ice_servers" if p2p:
                how["p2p"] = replace(p2p, ice_servers=())
            case "drops_turn_servers" if p2p:
                how["p2p"] = replace(p2p, turn_servers=None)
            case "fills_in_timeout" if p2p:
                how["p2p"] = replace(p2p, connection_timeout_secs=p2p.connection_timeout_secs or 1)
            case "drops_timeout" if p2p:
                how["p2p"] = replace(p2p, connection_timeout_secs=None)
            case _:
                pass
        peer = await super().open_peer(**{**how, "on_event": wrongly})
        faulty = FaultyPeer(peer._client)  # pyright: ignore[reportPrivateUsage]
        faulty.fault_name = self.fault
        faulty.has_p2p = p2p is not None
        if self.fault == "own_session":
            faulty.session_id = "made-up"
        if self.fault == "begins_with_relay":
            await faulty.set_p2p_routing_mode(RoutingMode.SERVER_ONLY)
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
