"""Peers that mishandle crossing offers, repeated calls or a lost router; routers that mishandle attacks."""

import asyncio
from collections.abc import Iterable

from clasp_e2e import wire
from clasp_e2e.drivers.reference import ReferenceRouter
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.router_session import CLOSED_ORDERLY
from clasp_e2e.router import CloseConnection, Deliver, ErrorCode
from clasp_e2e.scripted.mutant import (
    EITHER,
    NO_CALL,
    Outs,
    PeerScript,
    RouterOuts,
    RouterScript,
    ScriptedDriver,
    mutant,
)
from clasp_e2e.scripted.routers import Front


class Crossing(PeerScript):
    """A script for offers that arrive while this side's own offer is unanswered."""

    def __init__(self) -> None:
        super().__init__()
        self.own: wire.Offer | None = None
        self.crossed = False

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.PublishSignal) and isinstance(effect.signal, wire.Offer):
            self.own = effect.signal

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "answer"}):
                self.own = None
            case inputs.SignalReceived(value={"type": "offer", "from": str(sender)}) if self.own is not None:
                self.crossed = True
                return self.cross(event, sender, self.own)
            case _:
                pass
        return (event,)

    def cross(self, event: inputs.Input, sender: str, own: wire.Offer) -> Iterable[inputs.Input]:
        """Return the inputs that the core receives for an offer of `sender` that crossed `own`."""
        del sender, own
        return (event,)


@mutant("CON-8", "Of two crossing offers, it emits ConnectionFailed for the one that lost.", *EITHER)
class TellsThatTheLoserFailed(Crossing):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Connected(peer_session_id=peer)) if self.crossed:
                return (effect, fx.Emit(ConnectionFailed(peer, "the other side's offer won")))
            case _:
                return (effect,)


@mutant("CON-8", "It ignores offers while its own is unanswered, so that two such peers deadlock.", "both")
class InsistsOnItsOffer(Crossing):
    def cross(self, event: inputs.Input, sender: str, own: wire.Offer) -> Iterable[inputs.Input]:  # noqa: ARG002
        return ()


@mutant("CON-8", "It withdraws its offer when another arrives, so that two such peers both yield.", "both")
class GivesWay(Crossing):
    def cross(self, event: inputs.Input, sender: str, own: wire.Offer) -> Iterable[inputs.Input]:
        back: dict[str, wire.Value] = {
            "type": "disconnected",
            "from": sender,
            "correlation_id": own.correlation_id,
            "reason": "taken back",
        }
        return (inputs.SignalReceived(back), event)


@mutant("CON-9", "It ends the connection when `connect_to_peer` is repeated.", *EITHER)
class BeginsAnew(PeerScript):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ConnectToPeer) and event.peer in self.connected:
            return (inputs.DisconnectPeer(NO_CALL, event.peer), event)
        return (event,)


class EndsItsConnections(PeerScript):
    """A script that ends its connections at some losses of its router."""

    def __init__(self) -> None:
        super().__init__()
        self.transports: list[int] = []
        self.losses = 0

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.CreateOffer | fx.AcceptOffer):
            self.transports.append(effect.transport)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if not isinstance(event, inputs.RouterLost):
            return (event,)
        self.losses += 1
        if not self.ends_at(event):
            return (event,)
        lost = (inputs.TransportLost(transport, "the router is gone") for transport in self.transports)
        return (event, *lost)

    def ends_at(self, loss: inputs.RouterLost) -> bool:  # noqa: ARG002
        """Return whether it ends its connections at this loss of its router."""
        return True


@mutant("DIR-2", "It ends its connections when the router is lost.", *EITHER)
class EndsWithItsRouter(EndsItsConnections):
    pass


@mutant("DIR-2", "It ends its connections when the router closes its WebSocket with the code 1001.", *EITHER)
class EndsWithItsWebSocket(EndsItsConnections):
    def ends_at(self, loss: inputs.RouterLost) -> bool:
        return loss.reason == CLOSED_ORDERLY


@mutant("DIR-2", "It ends its connections when it has lost its router a second time.", *EITHER)
class EndsAtTheSecondLoss(EndsItsConnections):
    def ends_at(self, loss: inputs.RouterLost) -> bool:  # noqa: ARG002
        return self.losses == 2


@mutant("TMO-4", "After losing the router, it emits no outcome of an attempt.")
class SilentWithoutTheRouter(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.lost = False

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        self.lost = self.lost or isinstance(event, inputs.RouterLost)
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        failed = isinstance(effect, fx.Emit) and isinstance(effect.event, ConnectionFailed)
        return () if failed and self.lost else (effect,)


TellsTheEndTwice = PeerScript.define(
    "TellsTheEndTwice", "EVT-6", "It emits ConnectionFailed in addition to Disconnected.",
    on=Disconnected, slow=True,
    alter=lambda _, end: (fx.Emit(end), fx.Emit(ConnectionFailed(end.peer_session_id, "it ended"))),
)  # fmt: skip


@mutant("RTR-7", "It ends all sessions when it receives an invalid frame.")
class EndsAllForOne(RouterScript):
    def deliver(self, effect: Deliver) -> RouterOuts:
        match effect.message:
            case wire.Error(code=ErrorCode.INVALID_FRAME | ErrorCode.INVALID_MESSAGE):
                return (effect, *(CloseConnection(one, 1011, "a broken frame") for one in self.welcomed))
            case _:
                return (effect,)


class _OneByOne(Front):
    """A front that accepts the next connection only after the last one has sent something."""

    def __init__(self, router: ReferenceRouter) -> None:
        super().__init__(router)
        self._turn = asyncio.Lock()

    async def first_bytes(self, reader: asyncio.StreamReader) -> bytes:
        async with self._turn:
            return await super().first_bytes(reader)


@mutant("RTR-7", "It waits for a client's first bytes before it accepts the next client.")
class WaitsForTheSilent(ScriptedDriver):
    async def open_router(self, *, host: str, port: int) -> Front:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start the router with the front."""
        front = _OneByOne(await super().open_router(host=host, port=0))
        await front.listen(host, port)
        return front
