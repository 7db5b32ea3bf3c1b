"""Peers whose unreliable messages take another path, are lost by size, repeated or mislabelled."""

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e.p2p_types import Data, RoutingMode, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.mutant import EITHER, NO_CALL
from clasp_e2e.scripted.routing import Routing, refused, sent
from clasp_e2e.scripted.sending_mutants import copied, is_reliable, lost, twice


class Unreliable(Routing):
    """A script with faults in unreliable sends only."""

    def is_unreliable(self, call: int) -> bool:
        """Return whether `call` is an unreliable send."""
        return call in self.sends and not self.sends[call].reliable

    def copied_directly(self, relay: fx.PublishRelay) -> Iterable[fx.Effect]:
        """Relay a message, and also send it on the unreliable channel."""
        yield relay
        if self.transport is not None:
            data = self.sends[relay.call].data
            yield fx.SendOnChannel(NO_CALL, self.transport, fx.UNRELIABLE.label, data)


def is_unreliable_data(data: Data) -> bool:
    """Return whether `data` came on the unreliable channel."""
    return data.reliable is False


# fmt: off
RelaysTheUnreliable = Unreliable.define(
    "RelaysTheUnreliable", "RTE-3", "In PreferP2P, it relays each unreliable send although it is connected.",
    *EITHER, on=fx.SendOnChannel, alter=lambda script, send: (
        send if is_reliable(send) or script.mode is not RoutingMode.PREFER_P2P else script.relayed(send.call)
    ),
)
RefusesTheUnreliable = Unreliable.define(
    "RefusesTheUnreliable", "RTE-3", "In PreferP2P, it refuses unreliable sends above 500 bytes.",
    on=fx.SendOnChannel, alter=lambda script, send: (
        refused(send.call) if script.mode is RoutingMode.PREFER_P2P and script.is_unreliable(send.call)
        and len(send.data) > 500 else send
    ), also={"SND-2": "none of these sizes arrives"},
)
RelaysTheUnreliableInP2POnly = Unreliable.define(
    "RelaysTheUnreliableInP2POnly", "RTE-7", "In P2POnly, it relays each unreliable send although connected.",
    *EITHER, on=fx.SendOnChannel, alter=lambda script, send: (
        send if is_reliable(send) or script.mode is not RoutingMode.P2P_ONLY else script.relayed(send.call)
    ),
)
RefusesTheUnreliableInP2POnly = Unreliable.define(
    "RefusesTheUnreliableInP2POnly", "RTE-7", "In P2POnly, it refuses unreliable sends although connected.",
    on=fx.SendOnChannel, alter=lambda script, send: (
        send if is_reliable(send) or script.mode is not RoutingMode.P2P_ONLY else refused(send.call)
    ),
)
SendsTheUnreliableDirectlyInServerOnly = Unreliable.define(
    "SendsTheUnreliableDirectlyInServerOnly", "RTE-9",
    "In ServerOnly, it sends unreliable messages directly.",
    *EITHER, on=fx.PublishRelay, alter=lambda script, relay: (
        script.direct(relay)
        if script.is_unreliable(relay.call) and script.mode is RoutingMode.SERVER_ONLY else (relay,)
    ),
)
SendsTheUnreliableBothWaysInServerOnly = Unreliable.define(
    "SendsTheUnreliableBothWaysInServerOnly", "RTE-9",
    "In ServerOnly, it also sends unreliable messages directly.", on=fx.PublishRelay,
    alter=lambda script, relay: (
        script.copied_directly(relay)
        if script.is_unreliable(relay.call) and script.mode is RoutingMode.SERVER_ONLY else (relay,)
    ), also={"SND-13": "each arrives twice"},
)
RefusesTheUnreliableWithoutAConnection = Unreliable.define(
    "RefusesTheUnreliableWithoutAConnection", "RTE-4", "Without a connection, it refuses unreliable sends.",
    on=fx.PublishRelay, alter=lambda script, relay: (
        refused(relay.call) if script.is_unreliable(relay.call) and script.transport is None else relay
    ),
)
RelaysTheUnreliableInP2POnlyWithoutAConnection = Unreliable.define(
    "RelaysTheUnreliableInP2POnlyWithoutAConnection", "RTE-8",
    "In P2POnly without a connection, it relays unreliable sends.", on=fx.Reject,
    alter=lambda script, no: script.relayed(no.call) if script.is_unreliable(no.call) else no,
)
CopiesTheUnreliableToTheRouter = Unreliable.define(
    "CopiesTheUnreliableToTheRouter", "DIR-1", "It also publishes unreliable direct sends at the router.",
    *EITHER, on=fx.SendOnChannel, alter=lambda _, send: (send,) if is_reliable(send) else copied(send),
)
CopiesTheUnreliableInP2POnly = Unreliable.define(
    "CopiesTheUnreliableInP2POnly", "DIR-1", "In P2POnly, it also relays unreliable direct sends.",
    on=fx.SendOnChannel, alter=lambda script, send: (
        (send, script.relayed(send.call, NO_CALL))
        if script.is_unreliable(send.call) and script.mode is RoutingMode.P2P_ONLY else (send,)
    ),
)
SaysP2PForTheUnreliable = Unreliable.define(
    "SaysP2PForTheUnreliable", "SND-3", "It relays unreliable sends, and returns P2P.", *EITHER,
    on=fx.SendOnChannel, alter=lambda script, send: (
        (script.relayed(send.call, NO_CALL), sent(send.call)) if script.is_unreliable(send.call) else (send,)
    ),
)
LosesRelayedUnreliable = Unreliable.define(
    "LosesRelayedUnreliable", "SND-3", "It returns Relay for unreliable sends, and relays nothing.",
    on=fx.PublishRelay, alter=lambda script, relay: (
        fx.Resolve(relay.call, SendResult.RELAY) if script.is_unreliable(relay.call) else relay
    ),
)
LosesTheUnreliableAbove900Bytes = Unreliable.define(
    "LosesTheUnreliableAbove900Bytes", "SND-2", "It loses unreliable messages above 900 bytes.",
    *EITHER, on=fx.SendOnChannel,
    alter=lambda _, send: lost(send) if not is_reliable(send) and len(send.data) > 900 else (send,),
)
DeliversNoLargeUnreliable = Unreliable.define(
    "DeliversNoLargeUnreliable", "SND-2", "It does not deliver unreliable messages above 500 bytes.",
    *EITHER, on=Data, alter=lambda _, data: (
        () if is_unreliable_data(data) and len(data.data) > 500 else (fx.Emit(data),)
    ),
)
LosesTheSmallUnreliable = Unreliable.define(
    "LosesTheSmallUnreliable", "SND-2", "It loses unreliable messages below 20 bytes.",
    on=fx.SendOnChannel,
    alter=lambda _, send: lost(send) if not is_reliable(send) and len(send.data) < 20 else (send,),
)
MarksTheUnreliableReliable = Unreliable.define(
    "MarksTheUnreliableReliable", "SND-2", "It marks all received messages reliable.", *EITHER,
    on=Data, alter=lambda _, data: fx.Emit(replace(data, reliable=True)),
)
StripsTheUnreliable = Unreliable.define(
    "StripsTheUnreliable", "SND-2", "It strips NULs and white space from the end of unreliable messages.",
    on=fx.SendOnChannel, alter=lambda _, send: (
        send if is_reliable(send) else replace(send, data=send.data.rstrip(b"\0 \t\r\n") or b" ")
    ),
)
RepeatsTheUnreliable = Unreliable.define(
    "RepeatsTheUnreliable", "SND-10", "It sends every unreliable message twice.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: (send,) if is_reliable(send) else twice(send),
)
DeliversTheUnreliableTwice = Unreliable.define(
    "DeliversTheUnreliableTwice", "SND-10", "It delivers every unreliable message twice.", *EITHER,
    on=Data, alter=lambda _, data: (fx.Emit(data),) * (2 if is_unreliable_data(data) else 1),
)
# fmt: on
