"""Peers that mix up what they do with several others at once, or forget their mode when a connection ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected, RoutingMode, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.scripted.event_mutants import Answering
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript, mutant
from clasp_e2e.scripted.routing import Routing
from clasp_e2e.scripted.steady_mutants import NamingAnotherConnection, Tracking
from clasp_e2e.scripted.timeouts import is_deadline

# fmt: off
RelaysToTheLatestPeer = NamingAnotherConnection.define(
    "RelaysToTheLatestPeer", "SND-3", "With several connections, it relays to the peer of the latest.",
    *EITHER, on=fx.PublishRelay, alter=lambda script, relay: (
        replace(relay, address=RELAY_PREFIX + script.in_order[-1]) if script.in_order else relay
    ),
)
NamesTheFirstSender = NamingAnotherConnection.define(
    "NamesTheFirstSender", "EVT-10", "With several connections, its Data names the peer of the first.",
    *EITHER, on=Data, alter=lambda script, data: fx.Emit(
        replace(data, peer_session_id=script.in_order[0]) if script.in_order else data
    ),
)
NamesAConnectedPeerInAFailure = NamingAnotherConnection.define(
    "NamesAConnectedPeerInAFailure", "EVT-5", "While connected, its ConnectionFailed names that peer.",
    on=ConnectionFailed, alter=lambda script, failed: fx.Emit(
        replace(failed, peer_session_id=script.in_order[-1]) if script.in_order else failed
    ),
)
ReturnsP2PAfterTheEnd = Routing.define(
    "ReturnsP2PAfterTheEnd", "SND-3", "After a connection, it returns P2P for what it does not send.",
    *EITHER, on=fx.PublishRelay, alter=lambda script, relay: (
        fx.Resolve(relay.call, SendResult.P2P)
        if Disconnected in script.reported and script.mode is RoutingMode.PREFER_P2P else relay
    ), also={"RTE-5": "it returns P2P after a loss, too"},
)
RelaysInP2POnlyAfterTheEnd = Routing.define(
    "RelaysInP2POnlyAfterTheEnd", "RTE-8", "In P2POnly after a connection, it relays.", *EITHER,
    on=fx.Reject, alter=lambda script, no: (
        script.relayed(no.call) if no.call in script.sends and Disconnected in script.reported else no
    ),
)
# fmt: on


@mutant("RTE-2", "When a connection ends, its routing mode is the default again.", *EITHER)
class ForgetsItsModeAtTheEnd(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if isinstance(effect, fx.Emit) and isinstance(effect.event, Disconnected):
            yield fx.Feed(inputs.SetRoutingMode(NO_CALL, RoutingMode.PREFER_P2P))


@mutant("CON-10", "It answers no offer while it is connected to another peer.", "answerer")
class AnswersOneAtATime(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        is_further = isinstance(effect, fx.AcceptOffer) and self.established.keys() - {effect.peer}
        return () if is_further else (effect,)


@mutant("CON-10", "It makes two connections at most.", *EITHER)
class ConnectsToTwoAtMost(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        is_third = isinstance(effect, fx.AcceptOffer | fx.AcceptAnswer) and len(self.established) > 1
        return () if is_third else (effect,)


@mutant("EVT-8", "`is_peer_connected` is true for every session while it is connected to one.", *EITHER)
class SaysConnectedIfToAnyone(Answering):
    def __init__(self) -> None:
        super().__init__()
        self.peers: set[str] = set()

    def note(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Emit(event=Connected(peer_session_id=peer)):
                self.peers.add(peer)
            case fx.Emit(event=Disconnected(peer_session_id=peer)):
                self.peers.discard(peer)
            case _:
                pass

    def answer(self, *, connected: bool) -> bool:  # noqa: ARG002
        return bool(self.peers)


@mutant("EVT-8", "`is_peer_connected` is true during an attempt.", *EITHER)
class SaysConnectedWhileConnecting(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[int, str] = {}
        self.called: set[str] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.ConnectToPeer(peer=peer):
                self.called.add(peer)
            case inputs.IsPeerConnected(call=call, peer=peer):
                self.asked[call] = peer
            case _:
                pass
        return (event,)

    def note(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Emit(event=ConnectionFailed(peer_session_id=peer) | Disconnected(peer_session_id=peer)):
                self.called.discard(peer)
            case _:
                pass

    def alter(self, effect: fx.Effect) -> Outs:
        is_answer = isinstance(effect, fx.Resolve) and self.asked.get(effect.call) in self.called
        return (replace(effect, result=True),) if is_answer else (effect,)


@mutant("TMO-2", "It has one timer: the next attempt stops that of the attempt before.")
class HasOneTimer(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.latest: inputs.TimerKey | None = None

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.StartTimer) and is_deadline(effect):
            if self.latest not in (None, effect.key):
                yield fx.CancelTimer(self.latest)
            self.latest = effect.key
        yield effect


@mutant("TMO-9", "When the time of one attempt is over, it ends all attempts.")
class EndsAllAttemptsAtOnce(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.running: set[inputs.TimerKey] = set()

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.StartTimer) and is_deadline(effect):
            self.running.add(effect.key)
        elif isinstance(effect, fx.CancelTimer):
            self.running.discard(effect.key)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if event not in [inputs.TimerFired(key) for key in self.running]:
            return (event,)
        ended, self.running = self.running, set()
        return [inputs.TimerFired(key) for key in ended]


@mutant("ICE-4", "It gives all candidates that it receives to the attempt that began last.")
class MixesUpCandidates(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.latest = 0

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.CreateOffer | fx.AcceptOffer):
            self.latest = effect.transport

    def alter(self, effect: fx.Effect) -> Outs:
        return (replace(effect, transport=self.latest) if isinstance(effect, fx.AddCandidate) else effect,)


@mutant("CON-13", "It relays each message twice once it has been connected.", *EITHER)
class RepeatsRelaysAfterReconnecting(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        is_repeated = isinstance(effect, fx.PublishRelay) and self.ended
        return (effect, replace(effect, call=NO_CALL)) if is_repeated else (effect,)
