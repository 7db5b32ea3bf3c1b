"""Peers whose calls return at another moment, or report otherwise, than those of the reference."""

import asyncio
from collections.abc import Iterable

from aiortc import RTCPeerConnection

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, RoutingMode
from clasp_e2e.peer import P2PNotConfigured, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.errors import NegotiationError
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.peer.transport import VANISHED
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import NO_CALL, Outs, PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant, vary

CONNECTING = ("CON-5", "CON-10", "CON-17", "EVT-1", "TMO-2", "TMO-3", "TMO-5", "EVT-5")
"""What depends on the call that connects."""


class Calling(PeerScript):
    """A script that records the calls that connect, by peer, until they have returned."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, list[int]] = {}

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ConnectToPeer):
            self.calls.setdefault(event.peer, []).append(event.call)
        return (event,)

    def note(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Emit(event=Disconnected(peer_session_id=peer)):
                self.connected.discard(peer)
            case _:
                pass

    def is_connecting(self, call: int) -> bool:
        """Return whether `call` is a call that connects."""
        return any(call in calls for calls in self.calls.values())


class Blocking(Calling):
    """A script whose `connect_to_peer` returns when connected, and raises when the attempt fails."""

    emits = True
    """Whether a failure is emitted too."""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(call=call) if self.is_connecting(call) and not self.is_done(call):
                return ()
            case fx.Emit(event=Connected(peer_session_id=peer)):
                return (effect, *(fx.Resolve(call) for call in self.calls.pop(peer, [])))
            case fx.Emit(event=ConnectionFailed(peer_session_id=peer, reason=reason)):
                error = NegotiationError(reason)
                return (effect, *(fx.Reject(call, error) for call in self.calls.pop(peer, [])))
            case _:
                return (effect,)

    def is_done(self, call: int) -> bool:
        """Return whether `call` concerns a peer that is connected already."""
        return any(call in self.calls.get(peer, ()) for peer in self.connected)


@variant(OpenPoint.CONNECT_CALL, "`connect_to_peer` returns when connected.", *CONNECTING, "CON-8", "ICE-4")
class ConnectsBeforeItReturns(Blocking):
    pass


@variant(
    OpenPoint.FAILURE_REPORT, "A failed `connect_to_peer` raises after ConnectionFailed.", *CONNECTING,
    "TMO-7", "EVT-6", "SEC-4",
)  # fmt: skip
class RaisesAndEmits(Blocking):
    pass


@variant(OpenPoint.CONNECT_CALL, "`connect_to_peer` returns before its offer exists.", *CONNECTING)
class ReturnsAtOnce(Calling):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer():
                return (*(fx.Resolve(call) for calls in self.calls.values() for call in calls), effect)
            case fx.Reject(call=call, error=error):
                # The call has returned already.
                peers = [peer for peer, calls in self.calls.items() if call in calls]
                return (effect, *(fx.Emit(ConnectionFailed(peer, str(error))) for peer in peers))
            case _:
                return (effect,)


@variant(
    OpenPoint.FAILURE_REPORT, "An attempt that the router refuses is reported by the call alone.",
    "CON-5", "CON-17", "TMO-3", "EVT-5", "EVT-6",
)  # fmt: skip
class RaisesForAnUnknownSession(Blocking):
    """`connect_to_peer` returns when the answer arrives."""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(call=call) if self.is_connecting(call) and not self.is_done(call):
                return ()
            case fx.AcceptAnswer() | fx.AcceptOffer():
                answered = [fx.Resolve(call) for calls in self.calls.values() for call in calls]
                self.calls.clear()
                return (effect, *answered)
            case fx.Emit(event=ConnectionFailed(peer_session_id=peer, reason=reason)) if peer in self.calls:
                refused = [fx.Reject(call, NegotiationError(reason)) for call in self.calls.pop(peer)]
                return (*refused, *(() if "the router" in reason else (effect,)))
            case _:
                return (effect,)


@variant(OpenPoint.SECOND_CALL, "It refuses a second `connect_to_peer`.", "CON-8", "CON-9", "SEC-2")
class RefusesASecondCall(Calling):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ConnectToPeer) and event.peer in self.connected:
            self.calls.setdefault(event.peer, []).append(event.call)
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(call=call) if self.is_connecting(call):
                return (fx.Reject(call, NegotiationError("there is a connection to this peer")),)
            case _:
                return (effect,)


class ConnectingToSend(Calling):
    """A script that connects before it sends in PreferP2P."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = RoutingMode.PREFER_P2P
        self.waiting: list[inputs.SendP2P] = []
        self.tried: set[str] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SetRoutingMode(mode=mode):
                self.mode = mode
            case inputs.SendP2P(peer=peer) if self.mode is RoutingMode.PREFER_P2P:
                if peer not in self.connected and event not in self.waiting and peer not in self.tried:
                    self.waiting.append(event)
                    return (inputs.ConnectToPeer(NO_CALL, peer),)
            case _:
                pass
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        match effect:
            case fx.Emit(event=Connected(peer_session_id=peer) | ConnectionFailed(peer_session_id=peer)):
                yield from self.go_on(peer)
            case fx.Reject(call=call) if call == NO_CALL:
                for peer in {send.peer for send in self.waiting}:
                    yield from self.go_on(peer)
            case _:
                pass

    def go_on(self, peer: str) -> Outs:
        """Return the effects that send what waited for `peer`, directly or by relay."""
        due = [send for send in self.waiting if send.peer == peer]
        self.waiting = [send for send in self.waiting if send.peer != peer]
        self.tried.add(peer)
        return [fx.Feed(send) for send in due]


@variant(
    OpenPoint.SEND_CALL, "Without a connection, a send in PreferP2P connects first.",
    "SND-3", "RTE-4", "RTE-6", "RTE-8", "RTE-9", "RTE-11", "CON-7",
)  # fmt: skip
class ConnectsToSend(ConnectingToSend):
    pass


@variant(OpenPoint.WITHOUT_P2P, "Without a P2P configuration it relays.", "CON-7")
class RelaysWithoutP2P(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Reject(call=call, error=P2PNotConfigured()) if call in self.sends:
                send = self.sends[call]
                value: wire.Value = {"from": "", "data": send.data, "reliable": send.reliable}
                return (fx.PublishRelay(call, RELAY_PREFIX + send.peer, value),)
            case _:
                return (effect,)


EmitsALittleLater = vary(
    "EmitsALittleLater", OpenPoint.CONNECTED_EVENT, "It emits each event 100 ms later.",
    "EVT-1", "EVT-2", "EVT-3", "EVT-7", "SND-1",
    on=fx.Emit, alter=lambda _, emit: fx.Delayed(0.1, emit),
)  # fmt: skip


class Slow(AiortcTransport):
    """A transport that gathers its candidates for some seconds."""

    seconds = 12.0

    async def _describe(self, pc: RTCPeerConnection) -> None:
        await self._gathering.query(lambda: asyncio.sleep(self.seconds))
        await super()._describe(pc)


class RatherSlow(Slow):
    """A transport that gathers its candidates for a second and a half."""

    seconds = 1.5


@variant(OpenPoint.PACE, "It gathers its candidates for 12 s.", "CON-3", "CON-5")
class GathersFor12Seconds(PeerScript):
    webrtc = Slow


@variant(OpenPoint.PACE, "It gathers its candidates for 1.5 s.", "CON-5", "EVT-1", "ICE-4", "TMO-2", "RTE-4")
class GathersSlowly(PeerScript):
    webrtc = RatherSlow


@variant(
    OpenPoint.RECONNECTION, "It reconnects by itself after a loss.", "EVT-3", "EVT-4", "EVT-7", "EVT-8",
    "RTE-5",
)  # fmt: skip
class ReconnectsByItself(Calling):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Disconnected(peer_session_id=peer, reason=reason)) if reason == VANISHED:
                return (effect, fx.Feed(inputs.ConnectToPeer(NO_CALL, peer)))
            case _:
                return (effect,)


@variant(
    OpenPoint.RENEGOTIATION, "It withdraws its first offer when that is answered, and makes another.",
    "CON-3", "CON-5", "CON-6", "EVT-1", "EVT-2", "TMO-5",
)  # fmt: skip
class OffersAgain(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.offered_again: set[str] = set()

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            # Without retries, there is no such timer.
            case fx.StartTimer(key=("reoffer", peer)) if peer not in self.offered_again:
                self.offered_again.add(peer)
                return (fx.Feed(inputs.TimerFired(("reoffer", peer))),)
            case _:
                return (effect,)
