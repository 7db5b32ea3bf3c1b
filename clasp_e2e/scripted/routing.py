"""Peers that send on the wrong path for their routing mode, or report the wrong mode."""

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e.p2p_types import Connected, ConnectionFailed, Disconnected, RoutingMode, SendResult
from clasp_e2e.peer import PeerNotConnected, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.peer.transport import VANISHED
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript


class Routing(PeerScript):
    """A script that records the modes set, the transport in use and the events emitted."""

    def __init__(self) -> None:
        super().__init__()
        self.modes = [RoutingMode.PREFER_P2P]
        self.transport: int | None = None
        self.reported: set[type] = set()
        self.has_lost = False
        """Whether a connection was lost without an orderly end."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.SetRoutingMode):
            self.modes.append(event.mode)
        if isinstance(event, inputs.ChannelsOpen):
            self.transport = event.transport
        return (event,)

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.Emit):
            self.reported.add(type(effect.event))
            end = effect.event
            self.has_lost |= isinstance(end, Disconnected) and end.reason == VANISHED

    @property
    def mode(self) -> RoutingMode:
        """The current routing mode."""
        return self.modes[-1]

    def relayed(self, call: int, answered: int | None = None) -> fx.PublishRelay:
        """Return the effect that relays a send, with its result for the call `answered`."""
        send = self.sends[call]
        value = {"from": "", "data": send.data, "reliable": send.reliable}
        return fx.PublishRelay(call if answered is None else answered, RELAY_PREFIX + send.peer, {**value})

    def direct(self, relay: fx.PublishRelay) -> Outs:
        """Return the effect that sends a relayed payload directly, if there is a connection."""
        if self.transport is None:
            return (relay,)
        data = self.sends[relay.call].data
        return (fx.SendOnChannel(NO_CALL, self.transport, fx.RELIABLE.label, data), sent(relay.call))


def is_mode(answer: fx.Resolve) -> bool:
    """Return whether the result of a call is a routing mode."""
    return isinstance(answer.result, RoutingMode)


def refused(call: int) -> fx.Reject:
    """Return the rejection of a send."""
    return fx.Reject(call, PeerNotConnected("this peer does not send just now"))


def sent(call: int) -> fx.Resolve:
    """Return the result P2P for a send."""
    return fx.Resolve(call, SendResult.P2P)


# fmt: off
BeginsInServerOnly = Routing.define(
    "BeginsInServerOnly", "RTE-1", "It reports ServerOnly as its initial mode.", *EITHER,
    on=fx.Resolve, alter=lambda script, done: (
        replace(done, result=RoutingMode.SERVER_ONLY) if is_mode(done) and len(script.modes) == 1 else done
    ),
)
SaysPreferP2PAlways = Routing.define(
    "SaysPreferP2PAlways", "RTE-2", "It always reports PreferP2P as its mode.", *EITHER, on=fx.Resolve,
    alter=lambda _, done: replace(done, result=RoutingMode.PREFER_P2P) if is_mode(done) else done,
)
RelaysInPreferP2P = Routing.define(
    "RelaysInPreferP2P", "RTE-3", "In PreferP2P, it relays although it is connected.", *EITHER,
    on=fx.SendOnChannel,
    alter=lambda script, send: script.relayed(send.call) if script.mode is RoutingMode.PREFER_P2P else send,
)
RefusesWithoutAConnection = Routing.define(
    "RefusesWithoutAConnection", "RTE-4", "Never connected, it refuses to send instead of relaying.", *EITHER,
    on=fx.PublishRelay,
    alter=lambda script, relay: relay if Connected in script.reported else refused(relay.call),
)
RefusesAfterALoss = Routing.define(
    "RefusesAfterALoss", "RTE-5", "After a connection is lost, it refuses to send.", *EITHER,
    on=fx.PublishRelay,
    alter=lambda script, relay: (
        refused(relay.call) if script.has_lost and script.mode is RoutingMode.PREFER_P2P else relay
    ), slow=True,
)
SendsIntoTheVoidAfterALoss = Routing.define(
    "SendsIntoTheVoidAfterALoss", "RTE-5", "After a connection is lost, it returns P2P but sends nothing.",
    on=fx.PublishRelay,
    alter=lambda script, relay: sent(relay.call) if script.has_lost else relay, slow=True,
)
RefusesAfterAFailure = Routing.define(
    "RefusesAfterAFailure", "RTE-6", "After an attempt fails, it refuses to send.", on=fx.PublishRelay,
    alter=lambda script, relay: refused(relay.call) if ConnectionFailed in script.reported else relay,
)
RelaysInP2POnlyConnected = Routing.define(
    "RelaysInP2POnlyConnected", "RTE-7", "In P2POnly, it relays although it is connected.", *EITHER,
    on=fx.SendOnChannel,
    alter=lambda script, send: script.relayed(send.call) if script.mode is RoutingMode.P2P_ONLY else send,
)
RefusesInP2POnlyConnected = Routing.define(
    "RefusesInP2POnlyConnected", "RTE-7", "In P2POnly, it refuses to send although it is connected.", *EITHER,
    on=fx.SendOnChannel,
    alter=lambda script, send: refused(send.call) if script.mode is RoutingMode.P2P_ONLY else send,
)
RelaysInP2POnly = Routing.define(
    "RelaysInP2POnly", "RTE-8", "In P2POnly without a connection, it relays.", *EITHER, on=fx.Reject,
    alter=lambda script, no: script.relayed(no.call) if isinstance(no.error, PeerNotConnected) else no,
)
RefusesAndRelaysInP2POnly = Routing.define(
    "RefusesAndRelaysInP2POnly", "RTE-8",
    "In P2POnly without a connection, it refuses to send but relays.", *EITHER,
    on=fx.Reject, alter=lambda script, no: (
        (script.relayed(no.call, NO_CALL), no) if isinstance(no.error, PeerNotConnected) else (no,)
    ),
)
SendsDirectlyInServerOnly = Routing.define(
    "SendsDirectlyInServerOnly", "RTE-9", "In ServerOnly, it sends directly when it is connected.", *EITHER,
    on=fx.PublishRelay, alter=lambda script, relay: (
        script.direct(relay) if script.mode is RoutingMode.SERVER_ONLY else (relay,)
    ),
)
RefusesInServerOnly = Routing.define(
    "RefusesInServerOnly", "RTE-9", "In ServerOnly, it refuses to send.", *EITHER, on=fx.PublishRelay,
    alter=lambda script, relay: refused(relay.call) if script.mode is RoutingMode.SERVER_ONLY else relay,
)
StaysWithTheRouter = Routing.define(
    "StaysWithTheRouter", "RTE-10", "After ServerOnly was set, it relays in PreferP2P too.", *EITHER,
    on=fx.SendOnChannel, alter=lambda script, send: (
        script.relayed(send.call)
        if script.mode is RoutingMode.PREFER_P2P and RoutingMode.SERVER_ONLY in script.modes else send
    ),
)
# fmt: on
