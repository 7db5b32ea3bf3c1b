"""Peers whose signals are not those of the public implementation, though they connect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.mutant import NO_CALL, Outs, PeerScript, mutant


class Signaling(PeerScript):
    """A script over the signals."""

    def act(self, effect: fx.Effect) -> Outs:
        return self.publish(effect, effect.signal) if isinstance(effect, fx.PublishSignal) else (effect,)

    def publish(self, effect: fx.PublishSignal, signal: wire.Signal) -> Outs:
        """Return what is done instead of publishing `signal`."""
        del signal
        return (effect,)


@mutant("SIG-1", "It publishes its SDP a second time, at an address of its own.", "offerer", "answerer")
class SignalsElsewhereToo(Signaling):
    def publish(self, effect: fx.PublishSignal, signal: wire.Signal) -> Outs:
        return (effect, fx.PublishRelay(NO_CALL, f"/webrtc/{effect.target}", {**wire.encode_signal(signal)}))


@mutant("SIG-2", "Its `connected` is a text and no map.", "offerer", "answerer")
class SignalsInText(Signaling):
    def publish(self, effect: fx.PublishSignal, signal: wire.Signal) -> Outs:
        if not isinstance(signal, wire.ConnectedSignal):
            return (effect,)
        return (fx.PublishRelay(NO_CALL, wire.signal_address(effect.target), "connected"),)


@mutant("SIG-2", "Its `connected` has a type of its own.", "offerer", "answerer")
class SignalsATypeOfItsOwn(Signaling):
    def publish(self, effect: fx.PublishSignal, signal: wire.Signal) -> Outs:
        if not isinstance(signal, wire.ConnectedSignal):
            return (effect,)
        value = {**wire.encode_signal(signal), "type": "ready"}
        return (fx.PublishRelay(NO_CALL, wire.signal_address(effect.target), value),)


@mutant("SIG-2", "Its `connected` comes from nobody.", "offerer", "answerer")
class SignalsWithoutASender(Signaling):
    def publish(self, effect: fx.PublishSignal, signal: wire.Signal) -> Outs:
        known = isinstance(signal, wire.ConnectedSignal)
        return (replace(effect, signal=replace(signal, sender="")) if known else effect,)


@mutant("SIG-2", "Its `connected` does not say to which attempt it belongs.", "offerer", "answerer")
class SignalsWithoutAnAttempt(Signaling):
    def publish(self, effect: fx.PublishSignal, signal: wire.Signal) -> Outs:
        known = isinstance(signal, wire.ConnectedSignal)
        return (replace(effect, signal=replace(signal, correlation_id="")) if known else effect,)


@mutant("SIG-3", "It answers first under a name of its own, then under that of the offer.", "answerer")
class AnswersUnderAnotherName(Signaling):
    def publish(self, effect: fx.PublishSignal, signal: wire.Signal) -> Outs:
        if not isinstance(signal, wire.Answer):
            return (effect,)
        return (replace(effect, signal=replace(signal, correlation_id="mine")), effect)


@mutant("SIG-3", "It obeys a `disconnected` whatever attempt that names.", "offerer", "answerer")
class ObeysAnyDisconnected(Signaling):
    def __init__(self) -> None:
        super().__init__()
        self.name = ""

    def publish(self, effect: fx.PublishSignal, signal: wire.Signal) -> Outs:
        self.name = signal.correlation_id
        return (effect,)

    def hear(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "disconnected", **rest}):
                return (inputs.SignalReceived({**rest, "type": "disconnected", "correlation_id": self.name}),)
            case _:
                return (event,)


class Channels(PeerScript):
    """A script over the channels that an offer opens."""

    unreliable = fx.UNRELIABLE
    reliable = fx.RELIABLE

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer():
                return (replace(effect, channels=(self.unreliable, self.reliable)),)
            case _:
                return (effect,)


@mutant("SIG-4", "Its channel `clasp` is ordered.")
class OrdersTheUnreliable(Channels):
    unreliable = fx.ChannelSpec("clasp", ordered=True, max_retransmits=0)


@mutant("SIG-4", "Its channel `clasp` retransmits three times.")
class RetransmitsThreeTimes(Channels):
    unreliable = fx.ChannelSpec("clasp", ordered=False, max_retransmits=3)


@mutant("SIG-4", "Its channel `clasp-reliable` is unordered.")
class LeavesTheReliableUnordered(Channels):
    reliable = fx.ChannelSpec("clasp-reliable", ordered=False)


@mutant("SIG-5", "It does not announce itself.", "offerer", "answerer")
class AnnouncesNothing(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        return () if isinstance(effect, fx.PublishAnnouncement) else (effect,)


@mutant("SIG-5", "It announces somebody else.", "offerer", "answerer")
class AnnouncesSomebodyElse(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishAnnouncement():
                return (replace(effect, announcement=replace(effect.announcement, session_id="somebody")),)
            case _:
                return (effect,)
