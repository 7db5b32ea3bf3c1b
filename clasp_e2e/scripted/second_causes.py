"""Further peers that fail a requirement, each for another cause than its other mutants."""

from collections.abc import Iterable
from dataclasses import replace

from aiortc import RTCPeerConnection

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected, RoutingMode
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.transport import VANISHED
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript, ScriptedDriver, mutant
from clasp_e2e.scripted.routing import Routing, sent
from clasp_e2e.scripted.sending_mutants import Counting, lost
from clasp_e2e.scripted.timeouts import Attempting
from clasp_e2e.scripted.trusting import trust

ELSEWHERE = "stun:127.0.0.1:9"
"""A STUN server that does not exist."""

# fmt: off
LosesTheFirstMessage = Counting.define(
    "LosesTheFirstMessage", "CON-6", "It loses its first message.", *EITHER,
    on=fx.SendOnChannel, alter=lambda script, send: lost(send) if script.sent == 1 else (send,),
)
AsksAnotherStunServer = PeerScript.define(
    "AsksAnotherStunServer", "ICE-1", "It asks another STUN server than the configured one.", *EITHER,
    on=(fx.CreateOffer, fx.AcceptOffer),
    alter=lambda _, start: replace(start, ice_servers=(ELSEWHERE,) if start.ice_servers else ()),
)
OrdersAndRepeatsTheUnreliable = PeerScript.define(
    "OrdersAndRepeatsTheUnreliable", "SND-7", "Its unreliable channel is ordered and retransmits 50 times.",
    on=fx.CreateOffer,
    alter=lambda _, offer: replace(
        offer, channels=(fx.ChannelSpec(fx.UNRELIABLE.label, ordered=True, max_retransmits=50), fx.RELIABLE)
    ),
    also={"SIG-4": "its `clasp` channel is ordered", "SND-8": "its `clasp` channel retransmits"},
)
RetransmitsFiftyTimes = PeerScript.define(
    "RetransmitsFiftyTimes", "SND-8", "Its unreliable channel retransmits 50 times.", on=fx.CreateOffer,
    alter=lambda _, it: replace(it, channels=(replace(fx.UNRELIABLE, max_retransmits=50), fx.RELIABLE)),
    also={"SIG-4": "its `clasp` channel retransmits"},
)
BeginsInP2POnly = Routing.define(
    "BeginsInP2POnly", "RTE-1", "It reports P2POnly as its initial mode.", *EITHER, on=fx.Resolve,
    alter=lambda script, done: (
        replace(done, result=RoutingMode.P2P_ONLY)
        if isinstance(done.result, RoutingMode) and len(script.modes) == 1 else done
    ),
)
ReportsTheModeBefore = Routing.define(
    "ReportsTheModeBefore", "RTE-2", "It reports the mode before the one that was set last.", *EITHER,
    on=fx.Resolve,
    alter=lambda script, done: (
        replace(done, result=script.modes[-2])
        if isinstance(done.result, RoutingMode) and len(script.modes) > 1 else done
    ),
)
ReturnsP2PAfterAFailure = Routing.define(
    "ReturnsP2PAfterAFailure", "RTE-6", "After an attempt fails, it relays but returns P2P.",
    on=fx.PublishRelay,
    alter=lambda script, relay: (
        (replace(relay, call=NO_CALL), sent(relay.call)) if ConnectionFailed in script.reported else relay
    ),
)
TellsALossLate = PeerScript.define(
    "TellsALossLate", "EVT-4", "It emits Disconnected 20 s after consent has expired.", *EITHER,
    on=Disconnected,
    alter=lambda _, end: fx.Delayed(20.0, fx.Emit(end)) if end.reason == VANISHED else fx.Emit(end),
    slow=True,
)
TellsACloseAsALoss = PeerScript.define(
    "TellsACloseAsALoss", "EVT-7", "It emits Disconnected only 25 s after its peer has closed.", *EITHER,
    on=Disconnected,
    alter=lambda _, end: fx.Emit(end) if end.reason == VANISHED else fx.Delayed(25.0, fx.Emit(end)),
    slow=True,
)
OffersOnlyOnce = Attempting.define(
    "OffersOnlyOnce", "TMO-7", "After a failed attempt, it sends no other offer.",
    on=wire.Offer, alter=lambda script, offer: () if script.failed else (offer,),
)
StoresItsSignals = PeerScript.define(
    "StoresItsSignals", "SIG-1", "It also stores its SDP at the router, as a parameter.", *EITHER,
    on=fx.PublishSignal, alter=lambda _, out: (
        out, fx.SendToRouter(wire.Set(f"/calls/{out.target}", {**wire.encode_signal(out.signal)})),
    ),
)
# fmt: on


@mutant("CON-9", "After a repeated `connect_to_peer`, its sends are lost.", *EITHER)
class SendsNothingAfterASecondCall(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.repeated = False

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        self.repeated |= isinstance(event, inputs.ConnectToPeer) and event.peer in self.connected
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        return lost(effect) if self.repeated and isinstance(effect, fx.SendOnChannel) else (effect,)


@mutant("SND-5", "It delivers no message of a connection that it offered.", "offerer")
class HearsOnlyAsAnswerer(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.offered: set[int] = set()

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.CreateOffer):
            self.offered.add(effect.transport)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        is_lost = isinstance(event, inputs.ChannelMessage) and event.transport in self.offered
        return () if is_lost else (event,)


@mutant("RTE-4", "Never connected, it relays 15 s late.", *EITHER)
class RelaysLate(Routing):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.PublishRelay) and Connected not in self.reported:
            return (fx.Delayed(15.0, effect),)
        return (effect,)


@mutant("RTE-10", "A change from ServerOnly to P2POnly applies one send late.", *EITHER)
class ChangesTheModeLate(Routing):
    def __init__(self) -> None:
        super().__init__()
        self.is_pending = False

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        super().alter_input(event)
        if isinstance(event, inputs.SetRoutingMode):
            self.is_pending = self.modes[-2:] == [RoutingMode.SERVER_ONLY, RoutingMode.P2P_ONLY]
        if not isinstance(event, inputs.SendP2P) or not self.is_pending:
            return (event,)
        self.is_pending = False
        before, now = (inputs.SetRoutingMode(NO_CALL, mode) for mode in self.modes[-2:])
        return (before, event, now)


@mutant("EVT-2", "It emits Connected again when the first message arrives.", *EITHER)
class TellsConnectedWithData(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.heard: set[str] = set()

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data(peer_session_id=str(peer))) if peer not in self.heard:
                self.heard.add(peer)
                return (effect, fx.Emit(Connected(peer)))
            case _:
                return (effect,)


@mutant(
    "TMO-3",
    "It waits indefinitely when the router could not deliver its offer.",
    also={"TMO-4": "The router may notice that the answerer is gone before it receives the offer."},
)
class WaitsForANonexistentSession(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.gone: set[str] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalUndeliverable():
                self.gone.add(event.target)
                return ()
            case inputs.TimerFired(key=(_, peer)) if peer in self.gone:
                return ()
            case _:
                return (event,)


@mutant("TMO-6", "Its time-out closes the connection that was established in time.", *EITHER)
class ClosesAtItsTimeOut(Attempting):
    def __init__(self) -> None:
        super().__init__()
        self.transport = 0

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ChannelsOpen):
            self.transport = event.transport
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Connected()):
                return (
                    effect,
                    fx.Delayed(self.seconds, fx.CloseTransport(self.transport, silent=False)),
                )
            case _:
                return (effect,)


@mutant("SEC-3", "It leaves the router when it receives more than 150 messages.", *EITHER)
class LeavesInAFloodOfData(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        self.count += isinstance(event, inputs.ChannelMessage)
        return (inputs.CloseClient(NO_CALL),) if self.count == 150 else (event,)


class VerifiesAnswers(AiortcTransport):
    """A transport that verifies the certificate of an answerer only."""

    _offered = False

    async def _create_offer(self, channels: tuple[fx.ChannelSpec, ...]) -> None:
        self._offered = True
        await super()._create_offer(channels)

    async def _describe(self, pc: RTCPeerConnection) -> None:
        if pc.sctp is not None and not self._offered:
            setattr(pc.sctp.transport, "_validate_peer_identity", trust)  # noqa: B010
        await super()._describe(pc)


@mutant("SEC-1", "As the answerer, it does not verify the certificate of the offerer.", "answerer")
class VerifiesOnlyAnswers(ScriptedDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(VerifiesAnswers))
