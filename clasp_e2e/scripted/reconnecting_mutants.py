"""Peers that cannot connect to the same peer again, or mix up its connections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, Disconnected
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, mutant
from clasp_e2e.scripted.steady_mutants import ENDING, Tracking


@mutant("CON-13", "It connects to each peer only once: it does not use the answer to a later offer.")
class ConnectsOnlyOnce(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        return () if isinstance(effect, fx.AcceptAnswer) and self.ended else (effect,)


@mutant("CON-13", "It does not answer an offer of a peer that it was connected to before.", "answerer")
class AnswersOnlyOnce(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Answer()) if effect.target in self.ended:
                return ()
            case _:
                return (effect,)


@mutant("CON-13", "It emits each Data twice once it has connected to the same peer again.", *EITHER)
class DeliversTwiceAfterReconnecting(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data(peer_session_id=peer)) if peer in self.ended:
                return (effect, effect)
            case _:
                return (effect,)


@mutant("CON-13", "It relays although it has connected to the same peer again.", *EITHER)
class RelaysAfterReconnecting(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel() if (send := self.sends[effect.call]).peer in self.ended:
                value: dict[str, wire.Value] = {"from": "", "data": send.data, "reliable": send.reliable}
                return (fx.PublishRelay(effect.call, RELAY_PREFIX + send.peer, value),)
            case _:
                return (effect,)


@mutant("CON-13", "It sends on the channel of the first connection to a peer.", *EITHER)
class SendsOnTheOldChannel(Tracking):
    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, int] = {}

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel() if send := self.sends[effect.call]:
                return (replace(effect, transport=self.first.setdefault(send.peer, effect.transport)),)
            case _:
                return (effect,)


@mutant("CON-13", "The timer of an ended connection's attempt ends the next connection to the peer.")
class ItsOldTimerEndsTheNextConnection(Tracking):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.TimerFired) and event.key[1].startswith(ENDING):
            is_old = int(event.key[1].removeprefix(ENDING)) < len(self.ended)
            return [inputs.TransportLost(each, "timer") for each in self.established.values() if is_old]
        return super().alter_input(event)

    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if isinstance(effect, fx.StartTimer) and effect.key[0] == "deadline":
            yield fx.StartTimer(("reoffer", f"{ENDING}{len(self.ended)}"), effect.seconds + 2)


class RememberingAttempts(Tracking):
    """A script that remembers the correlation ids of all attempts."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []

    def note(self, effect: fx.Effect) -> None:
        super().note(effect)
        if isinstance(effect, fx.PublishSignal) and isinstance(effect.signal, wire.Offer | wire.Answer):
            self.ids.append(effect.signal.correlation_id)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": str(kind), "correlation_id": str(name), **rest}):
                if name in self.ids[:-1] and self.established:
                    return self.late(event, kind, {**rest, "type": kind, "correlation_id": self.ids[-1]})
            case _:
                pass
        return super().alter_input(event)

    def late(
        self, event: inputs.SignalReceived, kind: str, renewed: dict[str, wire.Value]
    ) -> Iterable[inputs.Input]:
        """Return the inputs for a signal of an earlier attempt; `renewed` names the present one."""
        del kind, renewed
        return (event,)


@mutant("CON-14", "A late `disconnected` for an earlier connection ends the present one.", *EITHER)
class TakesAnEarlierDisconnected(RememberingAttempts):
    def late(
        self, event: inputs.SignalReceived, kind: str, renewed: dict[str, wire.Value]
    ) -> Iterable[inputs.Input]:
        return (inputs.SignalReceived(renewed) if kind == "disconnected" else event,)


@mutant("CON-14", "A late answer to an earlier offer breaks the present connection.")
class BreaksAtAnEarlierAnswer(RememberingAttempts):
    def late(
        self, event: inputs.SignalReceived, kind: str, renewed: dict[str, wire.Value]
    ) -> Iterable[inputs.Input]:
        del renewed
        broken = self.established.values() if kind == "answer" else ()
        return (event, *(inputs.TransportLost(each, "an answer in the wrong state") for each in broken))


@mutant("EVT-9", "It emits Disconnected twice.", *EITHER)
class TellsDisconnectedTwice(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        is_end = isinstance(effect, fx.Emit) and isinstance(effect.event, Disconnected)
        return (effect, effect) if is_end else (effect,)


@mutant(
    "EVT-9", "It emits Disconnected again 1 s later, when the next connection may be established.", *EITHER
)
class TellsDisconnectedAgain(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        is_end = isinstance(effect, fx.Emit) and isinstance(effect.event, Disconnected)
        return (effect, fx.Delayed(1.0, effect)) if is_end else (effect,)


@mutant("EVT-9", "It emits Disconnected again after 30 s, when consent would expire.", slow=True)
class LosesAnEndedConnection(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        is_end = isinstance(effect, fx.Emit) and isinstance(effect.event, Disconnected)
        return (effect, fx.Delayed(30.0, effect)) if is_end else (effect,)


@mutant("EVT-9", "It emits Data 0.2 s late, after the Disconnected of its connection.", *EITHER)
class DeliversAfterTheEnd(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        is_data = isinstance(effect, fx.Emit) and isinstance(effect.event, Data)
        return (fx.Delayed(0.2, effect),) if is_data else (effect,)


@mutant("EVT-9", "It emits ConnectionFailed 1 s after Connected of a second connection to the peer.", *EITHER)
class FailsTheEarlierAttemptLate(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Connected(peer_session_id=peer)) if peer in self.ended:
                return (effect, fx.Delayed(1.0, fx.Emit(ConnectionFailed(peer, "an old attempt"))))
            case _:
                return (effect,)


@mutant("TMO-7", "After three failed attempts to reach a peer it does not use an answer.")
class GivesUpAfterThreeFailures(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.failures = 0

    def note(self, effect: fx.Effect) -> None:
        self.failures += isinstance(effect, fx.Emit) and isinstance(effect.event, ConnectionFailed)

    def alter(self, effect: fx.Effect) -> Outs:
        spent = isinstance(effect, fx.AcceptAnswer | fx.AcceptOffer) and self.failures > 2
        return () if spent else (effect,)
