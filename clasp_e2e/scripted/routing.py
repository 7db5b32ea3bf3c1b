"""Peers that take the wrong way for their routing mode, or get the mode itself wrong."""

from __future__ import annotations

from collections.abc import Iterable

from clasp_e2e.model import Connected, ConnectionFailed, Disconnected, RoutingMode, SendResult
from clasp_e2e.peer import PeerNotConnected, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.scripted.mutant import NO_CALL, Outs, PeerScript, mutant


class Routing(PeerScript):
    """A script that knows the modes that were set, the transport in use and what was told."""

    def __init__(self) -> None:
        super().__init__()
        self.modes = [RoutingMode.PREFER_P2P]
        self.transport: int | None = None
        self.told: set[type] = set()

    def hear(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.SetRoutingMode):
            self.modes.append(event.mode)
        if isinstance(event, inputs.ChannelsOpen):
            self.transport = event.transport
        return (event,)

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel():
                return self.direct(effect)
            case fx.PublishRelay():
                return self.relay(effect)
            case fx.Emit():
                self.told.add(type(effect.event))
            case _:
                pass
        return (effect,)

    def direct(self, effect: fx.SendOnChannel) -> Outs:
        """Return what is done instead of sending directly."""
        return (effect,)

    def relay(self, effect: fx.PublishRelay) -> Outs:
        """Return what is done instead of relaying."""
        return (effect,)

    def relayed(self, call: int, answered: int | None = None) -> fx.PublishRelay:
        """Return the relaying of a send, answered to the call `answered`."""
        send = self.sends[call]
        value = {"from": "", "data": send.data, "reliable": send.reliable}
        return fx.PublishRelay(call if answered is None else answered, RELAY_PREFIX + send.peer, {**value})


def refused(call: int) -> fx.Reject:
    """Return the refusal of a send."""
    return fx.Reject(call, PeerNotConnected("this peer does not send just now"))


@mutant("RTE-1", "It says that it begins in ServerOnly.", "offerer", "answerer")
class BeginsInServerOnly(Routing):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(result=RoutingMode()) if len(self.modes) == 1:
                return (fx.Resolve(effect.call, RoutingMode.SERVER_ONLY),)
            case _:
                return (effect,)


@mutant("RTE-2", "Asked for its mode, it always says PreferP2P.", "offerer", "answerer")
class SaysPreferP2PAlways(Routing):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(result=RoutingMode()):
                return (fx.Resolve(effect.call, RoutingMode.PREFER_P2P),)
            case _:
                return (effect,)


@mutant("RTE-3", "In PreferP2P it relays although it is connected.", "offerer", "answerer")
class RelaysInPreferP2P(Routing):
    def direct(self, effect: fx.SendOnChannel) -> Outs:
        return (self.relayed(effect.call) if self.modes[-1] is RoutingMode.PREFER_P2P else effect,)


@mutant("RTE-4", "Never connected, it refuses to send instead of relaying.", "offerer", "answerer")
class RefusesWithoutAConnection(Routing):
    def relay(self, effect: fx.PublishRelay) -> Outs:
        return (effect,) if Connected in self.told else (refused(effect.call),)


@mutant("RTE-5", "After a connection was lost it refuses to send.", "offerer", "answerer", slow=True)
class RefusesAfterALoss(Routing):
    def relay(self, effect: fx.PublishRelay) -> Outs:
        return (refused(effect.call),) if Disconnected in self.told else (effect,)


@mutant("RTE-5", "After a connection was lost it says P2P of what goes nowhere.", slow=True)
class SendsIntoTheVoidAfterALoss(Routing):
    def relay(self, effect: fx.PublishRelay) -> Outs:
        return (fx.Resolve(effect.call, SendResult.P2P),) if Disconnected in self.told else (effect,)


@mutant("RTE-6", "After an attempt failed it refuses to send.")
class RefusesAfterAFailure(Routing):
    def relay(self, effect: fx.PublishRelay) -> Outs:
        return (refused(effect.call),) if ConnectionFailed in self.told else (effect,)


@mutant("RTE-7", "In P2POnly it relays although it is connected.", "offerer", "answerer")
class RelaysInP2POnlyConnected(Routing):
    def direct(self, effect: fx.SendOnChannel) -> Outs:
        return (self.relayed(effect.call) if self.modes[-1] is RoutingMode.P2P_ONLY else effect,)


@mutant("RTE-7", "In P2POnly it refuses to send although it is connected.", "offerer", "answerer")
class RefusesInP2POnlyConnected(Routing):
    def direct(self, effect: fx.SendOnChannel) -> Outs:
        return (refused(effect.call) if self.modes[-1] is RoutingMode.P2P_ONLY else effect,)


@mutant("RTE-8", "In P2POnly, without a connection, it relays.", "offerer", "answerer")
class RelaysInP2POnly(Routing):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Reject(error=PeerNotConnected()):
                return (self.relayed(effect.call),)
            case _:
                return super().act(effect)


@mutant(
    "RTE-8", "In P2POnly, without a connection, it refuses and relays all the same.", "offerer", "answerer"
)
class RefusesAndRelaysInP2POnly(Routing):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Reject(error=PeerNotConnected()):
                return (self.relayed(effect.call, answered=NO_CALL), effect)
            case _:
                return super().act(effect)


@mutant("RTE-9", "In ServerOnly it sends directly when it is connected.", "offerer", "answerer")
class SendsDirectlyInServerOnly(Routing):
    def relay(self, effect: fx.PublishRelay) -> Outs:
        if self.modes[-1] is not RoutingMode.SERVER_ONLY or self.transport is None:
            return (effect,)
        send = self.sends[effect.call]
        return (
            fx.SendOnChannel(NO_CALL, self.transport, fx.RELIABLE.label, send.data),
            fx.Resolve(effect.call, SendResult.P2P),
        )


@mutant("RTE-9", "In ServerOnly it refuses to send.", "offerer", "answerer")
class RefusesInServerOnly(Routing):
    def relay(self, effect: fx.PublishRelay) -> Outs:
        return (refused(effect.call) if self.modes[-1] is RoutingMode.SERVER_ONLY else effect,)


@mutant("RTE-10", "Once set to ServerOnly, it relays in PreferP2P too.", "offerer", "answerer")
class StaysWithTheRouter(Routing):
    def direct(self, effect: fx.SendOnChannel) -> Outs:
        prefers = self.modes[-1] is RoutingMode.PREFER_P2P and RoutingMode.SERVER_ONLY in self.modes
        return (self.relayed(effect.call) if prefers else effect,)
