"""Peers that lose, double, alter, mislabel or misdirect what they are given to send."""

from __future__ import annotations

from dataclasses import replace

from clasp_e2e.model import Data, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.mutant import NO_CALL, Outs, PeerScript, mutant


class Counting(PeerScript):
    """A script that counts what goes to the DataChannels."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def act(self, effect: fx.Effect) -> Outs:
        if not isinstance(effect, fx.SendOnChannel):
            return (effect,)
        self.count += 1
        return self.send(effect)

    def send(self, effect: fx.SendOnChannel) -> Outs:
        """Return what is done in the place of the send number `count`."""
        return (effect,)


def lost(effect: fx.SendOnChannel) -> Outs:
    """Say P2P, and send nothing."""
    return (fx.Resolve(effect.call, SendResult.P2P),)


def is_reliable(effect: fx.SendOnChannel) -> bool:
    """Return whether `effect` goes to the reliable channel."""
    return effect.label == fx.RELIABLE.label


@mutant(
    "DIR-1", "From the second message on, it shows the router what it sends directly.", "offerer", "answerer"
)
class CopiesToTheRouter(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        copy = fx.PublishRelay(NO_CALL, "/copies", effect.data)
        return (effect,) if self.count == 1 else (copy, effect)


@mutant("DIR-3", "It puts payloads below 1 KiB into an envelope that its partner does not know.")
class WrapsSmallPayloads(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        small = len(effect.data) < 1024
        return (replace(effect, data=b"envelope" + effect.data) if small else effect,)


@mutant("SND-1", "It garbles every message but the first.", "offerer", "answerer")
class GarblesAllButTheFirst(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return (effect if self.count == 1 else replace(effect, data=effect.data[::-1]),)


@mutant("SND-1", "It sends every message twice.", "offerer", "answerer")
class SendsTwice(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return (effect, replace(effect, call=NO_CALL))


@mutant("SND-1", "It names itself as the sender of what it received.", "both")
class NamesTheWrongSender(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data() as data):
                return (fx.Emit(replace(data, peer_session_id="somebody")),)
            case _:
                return (effect,)


@mutant("SND-1", "It sends what is to be reliable on the unreliable channel.", "offerer", "answerer")
class SendsAllUnreliably(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return (replace(effect, label=fx.UNRELIABLE.label),)


@mutant("SND-2", "It loses all that is sent unreliably.", "offerer", "answerer")
class LosesTheUnreliable(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return (effect,) if is_reliable(effect) else lost(effect)


@mutant("SND-2", "It cuts short what is sent unreliably.", "offerer", "answerer")
class CutsTheUnreliableShort(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return (effect if is_reliable(effect) else replace(effect, data=effect.data[:-1]),)


@mutant("SND-2", "It sends on the reliable channel what is to be unreliable.", "offerer", "answerer")
class SendsAllReliably(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return (replace(effect, label=fx.RELIABLE.label),)


@mutant("SND-3", "It says P2P of everything, also of what it relayed.", "offerer", "answerer")
class SaysP2PAlways(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(result=SendResult.RELAY):
                return (replace(effect, result=SendResult.P2P),)
            case _:
                return (effect,)


@mutant("SND-3", "It says Relay of everything, also of what went directly.", "offerer", "answerer")
class SaysRelayAlways(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(result=SendResult.P2P):
                return (replace(effect, result=SendResult.RELAY),)
            case _:
                return (effect,)


@mutant("SND-3", "It says Relay, and relays nothing.", "offerer", "answerer")
class RelaysNothing(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishRelay():
                return (fx.Resolve(effect.call, SendResult.RELAY),)
            case _:
                return (effect,)


@mutant("SND-3", "It says P2P of what it sends to the router as well.", "offerer", "answerer")
class SendsBothWays(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return (fx.PublishRelay(NO_CALL, "/copies", effect.data), effect)


@mutant("SND-4", "Its reliable channel gives up what it cannot deliver at once.")
class GivesUpReliableMessages(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer():
                reliable = replace(fx.RELIABLE, max_retransmits=0)
                return (replace(effect, channels=(fx.UNRELIABLE, reliable)),)
            case _:
                return (effect,)


@mutant("SND-4", "It loses one message in fifty.", "offerer", "answerer")
class LosesOneInFifty(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return lost(effect) if self.count % 50 == 0 else (effect,)


@mutant("SND-4", "It sends one message in fifty twice.", "offerer", "answerer")
class RepeatsOneInFifty(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        again = replace(effect, call=NO_CALL)
        return (effect, again) if self.count % 50 == 0 else (effect,)


class Receiving(PeerScript):
    """A script that counts the reliable messages that the application is told of."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data(reliable=True)):
                self.count += 1
                return self.deliver(effect)
            case _:
                return (effect,)

    def deliver(self, effect: fx.Emit) -> Outs:
        """Return what is done in the place of telling message number `count`."""
        return (effect,)


@mutant("SND-4", "It tells its application of one message in fifteen twice.", "offerer", "answerer")
class DeliversOneInFifteenTwice(Receiving):
    def deliver(self, effect: fx.Emit) -> Outs:
        return (effect, effect) if self.count % 15 == 0 else (effect,)


@mutant("SND-4", "It does not tell its application of one message in fifteen.", "offerer", "answerer")
class DeliversAllButOneInFifteen(Receiving):
    def deliver(self, effect: fx.Emit) -> Outs:
        return () if self.count % 15 == 0 else (effect,)


@mutant("SND-5", "It can send, and passes on nothing of what it receives.", "offerer", "answerer")
class TellsNoData(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data()):
                return ()
            case _:
                return (effect,)


@mutant("SND-6", "It loses messages of a single byte.", "offerer", "answerer")
class LosesSingleBytes(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return lost(effect) if len(effect.data) == 1 else (effect,)


@mutant("SND-6", "It loses messages above 64 KiB, and says that it sent them.", "offerer", "answerer")
class LosesLargeMessages(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        return lost(effect) if len(effect.data) > 64 * 1024 else (effect,)


@mutant(
    "SND-7",
    "Its unreliable channel is a reliable one by another name.",
    also={"SIG-4": "that is what its `clasp` channel is", "SND-8": "a reliable channel retransmits"},
)
class WaitsForTheUnreliable(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer():
                unreliable = replace(fx.RELIABLE, label=fx.UNRELIABLE.label)
                return (replace(effect, channels=(unreliable, fx.RELIABLE)),)
            case _:
                return (effect,)


@mutant("SND-8", "Its unreliable channel retransmits.", also={"SIG-4": "that is what its `clasp` channel is"})
class RetransmitsTheUnreliable(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer():
                unreliable = replace(fx.UNRELIABLE, max_retransmits=None)
                return (replace(effect, channels=(unreliable, fx.RELIABLE)),)
            case _:
                return (effect,)


@mutant(
    "SND-9",
    "It holds every tenth message back for a moment, and lets the next ones pass.",
    "offerer",
    "answerer",
)
class HoldsEveryTenthBack(Counting):
    def send(self, effect: fx.SendOnChannel) -> Outs:
        if self.count % 10:
            return (effect,)
        return (fx.Delayed(0.2, effect), fx.Resolve(effect.call, SendResult.P2P))


@mutant("SND-9", "It tells its application of every tenth message late.", "offerer", "answerer")
class DeliversEveryTenthLate(Receiving):
    def deliver(self, effect: fx.Emit) -> Outs:
        return (fx.Delayed(0.2, effect),) if self.count % 10 == 0 else (effect,)
