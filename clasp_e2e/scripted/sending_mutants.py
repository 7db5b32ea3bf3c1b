"""Peers that lose, repeat, change, mislabel or misdirect messages."""

from dataclasses import replace

from clasp_e2e.p2p_types import Data, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript, drop

LONG = 400
"""Bytes: a long message, as in a transfer; SND-1 judges short ones of every content."""


class Counting(PeerScript):
    """A script that counts the messages sent on DataChannels, and the reliable ones delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.long_sent = 0
        self.delivered = 0
        self.long_delivered = 0

    def note(self, effect: fx.Effect) -> None:
        self.sent += isinstance(effect, fx.SendOnChannel)
        self.long_sent += isinstance(effect, fx.SendOnChannel) and len(effect.data) >= LONG
        self.delivered += isinstance(effect, fx.Emit) and is_reliable(effect)
        self.long_delivered += is_long_delivery(effect)

    def delivers_each(self, number: int, effect: fx.Emit) -> bool:
        """Return whether `effect` delivers every `number`th reliable message."""
        return is_reliable(effect) and self.delivered % number == 0

    def sends_long_each(self, number: int, effect: fx.SendOnChannel) -> bool:
        """Return whether `effect` sends every `number`th long message."""
        return len(effect.data) >= LONG and self.long_sent % number == 0

    def delivers_long_each(self, number: int, effect: fx.Emit) -> bool:
        """Return whether `effect` delivers every `number`th long reliable message."""
        return is_long_delivery(effect) and self.long_delivered % number == 0


def lost(effect: fx.SendOnChannel) -> Outs:
    """Return P2P, but send nothing."""
    return (fx.Resolve(effect.call, SendResult.P2P),)


def twice(effect: fx.SendOnChannel) -> Outs:
    """Send the message twice."""
    return (effect, replace(effect, call=NO_CALL))


def copied(effect: fx.SendOnChannel) -> Outs:
    """Publish the message at the router, and also send it."""
    return (fx.PublishRelay(NO_CALL, "/copies", effect.data), effect)


def is_long_delivery(effect: fx.Effect) -> bool:
    """Return whether `effect` delivers a long reliable message."""
    match effect:
        case fx.Emit(event=Data(reliable=True, data=data)):
            return len(data) >= LONG
        case _:
            return False


def is_reliable(effect: fx.SendOnChannel | fx.Emit) -> bool:
    """Return whether `effect` sends on the reliable channel, or delivers from it."""
    if isinstance(effect, fx.Emit):
        return isinstance(effect.event, Data) and effect.event.reliable is True
    return effect.label == fx.RELIABLE.label


# fmt: off
CopiesToTheRouter = Counting.define(
    "CopiesToTheRouter", "DIR-1", "From the second message on, it also publishes direct sends at the router.",
    *EITHER, on=fx.SendOnChannel, alter=lambda script, send: (send,) if script.sent == 1 else copied(send),
)
WrapsSmallPayloads = PeerScript.define(
    "WrapsSmallPayloads", "DIR-3",
    "It wraps payloads below 1 KiB in an envelope that its partner does not know.", on=fx.SendOnChannel,
    alter=lambda _, send: replace(send, data=b"envelope" + send.data) if len(send.data) < 1024 else send,
)
GarblesAllButTheFirst = Counting.define(
    "GarblesAllButTheFirst", "SND-1", "It alters all messages after the first.", *EITHER, on=fx.SendOnChannel,
    alter=lambda script, send: send if script.sent == 1 else replace(send, data=send.data[::-1]),
)
AppendsAByte = PeerScript.define(
    "AppendsAByte", "SND-1", "It appends a byte to every message.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: replace(send, data=send.data + b"!"),
)
DeliversInLowerCase = PeerScript.define(
    "DeliversInLowerCase", "SND-1", "It delivers messages with their letters in lower case.", "both",
    on=Data, alter=lambda _, data: fx.Emit(replace(data, data=data.data.lower())),
)
SendsTwice = PeerScript.define(
    "SendsTwice", "SND-1", "It sends every message twice.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: twice(send),
)
NamesTheWrongSender = PeerScript.define(
    "NamesTheWrongSender", "SND-1", "It names itself as the sender of received messages.", "both",
    on=Data, alter=lambda _, data: fx.Emit(replace(data, peer_session_id="somebody")),
)
SendsAllUnreliably = PeerScript.define(
    "SendsAllUnreliably", "SND-1", "It sends reliable messages on the unreliable channel.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: replace(send, label=fx.UNRELIABLE.label),
)
LosesTheUnreliable = PeerScript.define(
    "LosesTheUnreliable", "SND-2", "It loses all unreliable messages.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: (send,) if is_reliable(send) else lost(send),
)
CutsTheUnreliableShort = PeerScript.define(
    "CutsTheUnreliableShort", "SND-2", "It truncates unreliable messages.", *EITHER, on=fx.SendOnChannel,
    alter=lambda _, send: send if is_reliable(send) else replace(send, data=send.data[:-1]),
)
SendsAllReliably = PeerScript.define(
    "SendsAllReliably", "SND-2", "It sends unreliable messages on the reliable channel.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: replace(send, label=fx.RELIABLE.label),
)
SaysP2PAlways = PeerScript.define(
    "SaysP2PAlways", "SND-3", "It always returns P2P, even for relayed messages.", *EITHER, on=fx.Resolve,
    alter=lambda _, done: replace(done, result=SendResult.P2P) if done.result is SendResult.RELAY else done,
)
SaysRelayAlways = PeerScript.define(
    "SaysRelayAlways", "SND-3", "It always returns Relay, even for direct messages.", *EITHER,
    on=fx.Resolve,
    alter=lambda _, done: replace(done, result=SendResult.RELAY) if done.result is SendResult.P2P else done,
)
RelaysNothing = PeerScript.define(
    "RelaysNothing", "SND-3", "It returns Relay but relays nothing.", *EITHER,
    on=fx.PublishRelay, alter=lambda _, relay: fx.Resolve(relay.call, SendResult.RELAY),
)
SendsBothWays = PeerScript.define(
    "SendsBothWays", "SND-3", "It returns P2P but also sends the message to the router.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: copied(send),
)
GivesUpReliableMessages = PeerScript.define(
    "GivesUpReliableMessages", "SND-4", "Its reliable channel does not retransmit.",
    on=fx.CreateOffer,
    alter=lambda _, offer: replace(offer, channels=(fx.UNRELIABLE, replace(fx.RELIABLE, max_retransmits=0))),
)
LosesOneInFifty = Counting.define(
    "LosesOneInFifty", "SND-4", "It loses one long message in fifty.", *EITHER,
    on=fx.SendOnChannel,
    alter=lambda script, send: lost(send) if script.sends_long_each(50, send) else (send,),
)
RepeatsOneInFifty = Counting.define(
    "RepeatsOneInFifty", "SND-4", "It sends one long message in fifty twice.", *EITHER,
    on=fx.SendOnChannel,
    alter=lambda script, send: twice(send) if script.sends_long_each(50, send) else (send,),
)
DeliversOneInFifteenTwice = Counting.define(
    "DeliversOneInFifteenTwice", "SND-4", "It delivers one long message in fifteen twice.",
    *EITHER, on=fx.Emit,
    alter=lambda script, emit: (emit,) * (2 if script.delivers_long_each(15, emit) else 1),
)
DeliversAllButOneInFifteen = Counting.define(
    "DeliversAllButOneInFifteen", "SND-4", "It does not deliver one long message in fifteen.",
    *EITHER, on=fx.Emit, alter=lambda script, emit: () if script.delivers_long_each(15, emit) else (emit,),
)
TellsNoData = PeerScript.define(
    "TellsNoData", "SND-5", "It delivers no received messages.", *EITHER,
    on=Data, alter=drop,
)
LosesFullPackets = PeerScript.define(
    "LosesFullPackets", "SND-6", "It loses messages of 1,200 bytes.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: lost(send) if len(send.data) == 1200 else (send,),
)
LosesLargeMessages = PeerScript.define(
    "LosesLargeMessages", "SND-6", "It loses messages above 64 KiB but reports them as sent.", *EITHER,
    on=fx.SendOnChannel, alter=lambda _, send: lost(send) if len(send.data) > 64 * 1024 else (send,),
)
WaitsForTheUnreliable = PeerScript.define(
    "WaitsForTheUnreliable", "SND-7", "Its unreliable channel is a reliable channel with another label.",
    on=fx.CreateOffer,
    alter=lambda _, offer: replace(offer, channels=(replace(fx.RELIABLE, label="clasp"), fx.RELIABLE)),
    also={"SIG-4": "its `clasp` channel is reliable", "SND-8": "a reliable channel retransmits"},
)
RetransmitsTheUnreliable = PeerScript.define(
    "RetransmitsTheUnreliable", "SND-8", "Its unreliable channel retransmits.", on=fx.CreateOffer,
    alter=lambda _, it: replace(it, channels=(replace(fx.UNRELIABLE, max_retransmits=None), fx.RELIABLE)),
    also={"SIG-4": "its `clasp` channel retransmits"},
)
HoldsEveryTenthBack = Counting.define(
    "HoldsEveryTenthBack", "SND-9",
    "It delays every tenth message, so that later ones overtake it.", *EITHER,
    on=fx.SendOnChannel,
    alter=lambda script, send: (send,) if script.sent % 10 else (fx.Delayed(0.2, send), *lost(send)),
)
DeliversEveryTenthLate = Counting.define(
    "DeliversEveryTenthLate", "SND-9", "It delivers every tenth message late.", *EITHER,
    on=fx.Emit, alter=lambda script, emit: fx.Delayed(0.2, emit) if script.delivers_each(10, emit) else emit,
)
# fmt: on
