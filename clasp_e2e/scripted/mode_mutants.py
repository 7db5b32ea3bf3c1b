"""Peers whose routing mode affects what they receive, or fails in some states of a connection."""

from __future__ import annotations

from collections.abc import Iterable

from clasp_e2e.p2p_types import ConnectionFailed, Data, Disconnected, RoutingMode
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.errors import PeerNotConnected
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, mutant
from clasp_e2e.scripted.routing import Routing, refused
from clasp_e2e.scripted.steady_mutants import Tracking


class ReceivingByMode(Routing):
    """A script that knows by which path the payload that it delivers has arrived."""

    arrived: inputs.Input | None = None

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        self.arrived = event
        return super().alter_input(event)


@mutant("RTE-11", "In P2POnly, it delivers no relayed payloads.", *EITHER)
class ReceivesNoRelaysInP2POnly(ReceivingByMode):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data()) if self.mode is RoutingMode.P2P_ONLY:
                return () if isinstance(self.arrived, inputs.RelayReceived) else (effect,)
            case _:
                return (effect,)


@mutant("RTE-11", "In ServerOnly, it delivers no direct payloads.", *EITHER)
class ReceivesNothingDirectInServerOnly(ReceivingByMode):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data()) if self.mode is RoutingMode.SERVER_ONLY:
                return () if isinstance(self.arrived, inputs.ChannelMessage) else (effect,)
            case _:
                return (effect,)


class Stateful(Routing):
    """A script whose peer refuses in ServerOnly, or relays in P2POnly, after an event of the type `after`."""

    after: type[ConnectionFailed | Disconnected] = ConnectionFailed

    def is_after(self) -> bool:
        """Return whether the event has been emitted."""
        return self.after in self.reported

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishRelay(call=call) if self.mode is RoutingMode.SERVER_ONLY and self.is_after():
                return self.relays(effect, call)
            case fx.Reject(call=call, error=PeerNotConnected()) if call in self.sends and self.is_after():
                return self.refuses(effect, call)
            case _:
                return (effect,)

    def relays(self, relay: fx.PublishRelay, call: int) -> Outs:
        """Return the effects that are executed instead of a relay in ServerOnly."""
        del call
        return (relay,)

    def refuses(self, refusal: fx.Reject, call: int) -> Outs:
        """Return the effects that are executed instead of a refusal in P2POnly."""
        del call
        return (refusal,)


@mutant("RTE-9", "In ServerOnly, it refuses to send to a peer whose connection has ended.", *EITHER)
class RefusesInServerOnlyAfterTheEnd(Stateful):
    after = Disconnected

    def relays(self, relay: fx.PublishRelay, call: int) -> Outs:  # noqa: ARG002
        return (refused(call),)


@mutant("RTE-9", "In ServerOnly, it refuses to send after an attempt has failed.")
class RefusesInServerOnlyAfterAFailure(Stateful):
    def relays(self, relay: fx.PublishRelay, call: int) -> Outs:  # noqa: ARG002
        return (refused(call),)


@mutant("RTE-8", "In P2POnly, it relays after an attempt has failed.")
class RelaysInP2POnlyAfterAFailure(Stateful):
    def refuses(self, refusal: fx.Reject, call: int) -> Outs:  # noqa: ARG002
        return (self.relayed(call),)


@mutant("RTE-8", "In P2POnly, a send after a failed attempt never returns.")
class HangsInP2POnlyAfterAFailure(Stateful):
    def refuses(self, refusal: fx.Reject, call: int) -> Outs:  # noqa: ARG002
        return ()


@mutant("RTE-8", "In P2POnly, it relays after a connection was lost.", *EITHER, slow=True)
class RelaysInP2POnlyAfterALoss(Stateful):
    def is_after(self) -> bool:
        return self.has_lost

    def refuses(self, refusal: fx.Reject, call: int) -> Outs:  # noqa: ARG002
        return (self.relayed(call),)


@mutant("SND-3", "Without a connection to a peer, it sends on the one that it has to another.", *EITHER)
class SendsOnAnyConnection(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishRelay(call=call) if (send := self.sends.get(call)) and self.is_misdirected(send):
                label = fx.RELIABLE.label if send.reliable else fx.UNRELIABLE.label
                return (fx.SendOnChannel(call, next(iter(self.established.values())), label, send.data),)
            case _:
                return (effect,)

    def is_misdirected(self, send: inputs.SendP2P) -> bool:
        """Return whether there is only a connection to another peer."""
        return send.peer not in self.established and send.peer not in self.ended and bool(self.established)


class RememberingFailures(PeerScript):
    """A script that knows which attempts have failed, and which peer each `is_peer_connected` is about."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: set[str] = set()
        self.asked: dict[int, str] = {}

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.IsPeerConnected):
            self.asked[event.call] = event.peer
        return (event,)

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.Emit) and isinstance(effect.event, ConnectionFailed):
            self.failed.add(effect.event.peer_session_id)


@mutant("EVT-8", "After a failed attempt, `is_peer_connected` returns true.")
class SaysConnectedAfterAFailure(RememberingFailures):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(call=call) if self.asked.get(call) in self.failed:
                return (fx.Resolve(call, True),)
            case _:
                return (effect,)
