"""Peers that emit events, or complete calls, later or in other circumstances than the reference."""

from collections.abc import Iterable

from clasp_e2e.p2p_types import Disconnected, RoutingMode
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.errors import NotConnected
from clasp_e2e.scripted.mutant import Outs, PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant, vary
from clasp_e2e.scripted.variants.call_variants import CONNECTING, Calling, ConnectingToSend

EVENTS = ("EVT-1", "EVT-3", "EVT-7", "EVT-8", "SND-1")
"""What depends on the time of events."""

EmitsASecondLater = vary(
    "EmitsASecondLater", OpenPoint.CONNECTED_EVENT, "It emits each event 1 s later.", *EVENTS,
    on=fx.Emit, alter=lambda _, emit: fx.Delayed(1.0, emit),
)  # fmt: skip
EmitsTwoSecondsLater = vary(
    "EmitsTwoSecondsLater", OpenPoint.CONNECTED_EVENT, "It emits each event 2 s later.", "EVT-1", "EVT-2",
    "TMO-2", "TMO-5", "EVT-5", "EVT-6", "CON-18",
    on=fx.Emit, alter=lambda _, emit: fx.Delayed(2.0, emit),
)  # fmt: skip


@variant(OpenPoint.CONNECT_CALL, "`connect_to_peer` returns 1 s later.", *CONNECTING, "EVT-6")
class ReturnsASecondLater(Calling):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(call=call) | fx.Reject(call=call) if self.is_connecting(call):
                return (fx.Delayed(1.0, effect),)
            case _:
                return (effect,)


@variant(OpenPoint.SEND_CALL, "Each send returns 200 ms later.", "SND-1", "SND-3", "SND-9",
         "RTE-3", "RTE-10")  # fmt: skip
class SendsReturnLater(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(call=call) | fx.Reject(call=call) if call in self.sends:
                return (fx.Delayed(0.2, effect),)
            case _:
                return (effect,)


@variant(OpenPoint.SEND_CALL, "Without a connection, a send in PreferP2P or P2POnly connects first.",
         "SND-3", "SND-13", "RTE-4", "RTE-8")  # fmt: skip
class ConnectsToSendInBothModes(ConnectingToSend):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.SendP2P) and self.mode is RoutingMode.P2P_ONLY:
            self.mode = RoutingMode.PREFER_P2P
            try:
                return super().alter_input(event)
            finally:
                self.mode = RoutingMode.P2P_ONLY
        return super().alter_input(event)


@variant(OpenPoint.ENDING, "It emits no Disconnected for a connection that it has ended itself.",
         "EVT-3", "EVT-7", "EVT-9", "SND-15")  # fmt: skip
class TellsNoEndOfItsOwn(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Disconnected(reason="this client closed the connection")):
                return ()
            case _:
                return (effect,)


@variant(
    OpenPoint.ENDING, "It closes its channels, and the connection a second later.", "EVT-3", "EVT-7", "SND-15"
)
class ClosesItsChannelsFirst(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.lost: set[int] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.TransportLost):
            self.lost.add(event.transport)
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.CloseTransport) and not effect.silent and effect.transport not in self.lost:
            channels = (fx.RELIABLE.label, fx.UNRELIABLE.label)
            closing = (fx.CloseChannel(effect.transport, label) for label in channels)
            return (*closing, fx.Delayed(1.0, effect))
        return (effect,)


NamesNoReason = vary(
    "NamesNoReason", OpenPoint.ENDING, "Its Disconnected has no reason.", "EVT-3", "EVT-7",
    on=Disconnected, alter=lambda _, event: fx.Emit(Disconnected(event.peer_session_id, None)),
)  # fmt: skip


@variant(OpenPoint.ENDING, "`disconnect_peer` without a connection is refused.", "EVT-3", "EVT-8", "EVT-9")
class RefusesToEndNothing(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.refused: set[int] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.DisconnectPeer) and event.peer not in self.connected:
            self.refused.add(event.call)
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(call=call) if call in self.refused:
                return (fx.Reject(call, NotConnected("there is no connection to this peer")),)
            case fx.Emit(event=Disconnected(peer_session_id=peer)):
                self.connected.discard(peer)
            case _:
                pass
        return (effect,)


@variant(OpenPoint.ENDING, "It closes a connection 800 ms after it has said so.", "EVT-3", "EVT-7", "SND-15")
class ClosesAfterAWhile(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.CloseTransport) and not effect.silent:
            return (fx.Delayed(0.8, effect),)
        return (effect,)
