"""Peers that fail when an attempt is given up, both sides end a connection, or a message repeats."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from clasp_e2e import wire
from clasp_e2e.p2p_types import ConnectionFailed, Data, Disconnected, RoutingMode, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript, mutant
from clasp_e2e.scripted.sending_mutants import lost
from clasp_e2e.scripted.steady_mutants import Tracking

COLLECTING = "collecting"
"""In the key of a script's own timer, the place of a session id: no session has this one."""
COLLECTING_S = 0.5
"""Seconds for which a script collects messages."""
TOGETHER_S = 0.3
"""Seconds between two events of which a script emits only one."""

# Ends


@mutant(
    "EVT-9", "It emits Disconnected for each `disconnected`, also if it has ended the connection.", *EITHER
)
class TellsBothEnds(Tracking):
    told_again = ""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "disconnected", "from": str(sender)}):
                if sender in self.ended and sender not in self.established:
                    self.told_again = sender
                    return (inputs.GetRoutingMode(NO_CALL),)  # Its result is replaced by the event.
            case _:
                pass
        return super().alter_input(event)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(call=0) if self.told_again:
                again, self.told_again = self.told_again, ""
                return (fx.Emit(Disconnected(again, "closed by the peer")),)
            case _:
                return (effect,)


EndsBeforeItSends = PeerScript.define(
    "EndsBeforeItSends", "SND-15", "It ends a connection at once, before it has sent what it accepted.",
    *EITHER, on=fx.Drain, alter=lambda _, drain: fx.Feed(inputs.Drained(drain.transport)),
)  # fmt: skip


@mutant("SND-15", "It sends each message 0.5 s late, and loses those that wait when it ends.", *EITHER)
class LeavesWithWhatItCollects(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.SendOnChannel):
            return (*lost(effect), fx.Delayed(COLLECTING_S, replace(effect, call=NO_CALL)))
        return (effect,)


@mutant("SND-15", "It emits Data 0.5 s late, and none after the end of its connection.", *EITHER)
class ForgetsWhatItCollects(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[fx.Emit] = []

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.TimerFired) and event.key[1] == COLLECTING:
            return (inputs.GetRoutingMode(NO_CALL),)  # Its result is replaced by the events.
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data()):
                self.waiting.append(effect)
                return (fx.StartTimer(("reoffer", COLLECTING), COLLECTING_S),)
            case fx.Resolve(call=0):
                emitted, self.waiting = self.waiting, []
                return emitted
            case fx.Emit(event=Disconnected()):
                self.waiting = []
                return (effect,)
            case _:
                return (effect,)


class GivingUp(PeerScript):
    """A script that knows which attempts the application has given up."""

    def __init__(self) -> None:
        super().__init__()
        self.given_up: set[str] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.DisconnectPeer) and event.peer not in self.connected:
            self.given_up.add(event.peer)
            return self.give_up(event)
        return (event,)

    def give_up(self, call: inputs.DisconnectPeer) -> Iterable[inputs.Input]:
        """Return the inputs that the core receives for a call that gives an attempt up."""
        return (call,)


@mutant("CON-18", "It ignores `disconnect_peer` during an attempt.")
class IgnoresAnEarlyDisconnect(GivingUp):
    def give_up(self, call: inputs.DisconnectPeer) -> Iterable[inputs.Input]:
        return (replace(call, peer="nobody"),)


@mutant("CON-18", "It uses no answer of a peer to which it has given an attempt up.")
class StaysGivenUp(GivingUp):
    def alter(self, effect: fx.Effect) -> Outs:
        return () if isinstance(effect, fx.AcceptAnswer) and self.given_up else (effect,)


# Repeated signals


class RememberingSignals(Tracking):
    """A script that ends the connection when a signal of the type `kind` arrives again."""

    kind = "offer"

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, str]] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(
                value={"type": self.kind, "from": str(sender), "correlation_id": str(name)}
            ):
                is_repeated = (sender, name) in self.seen and sender in self.established
                self.seen.add((sender, name))
                if is_repeated:
                    return (inputs.TransportLost(self.established[sender], "it begins again"),)
            case _:
                pass
        return super().alter_input(event)


@mutant("CON-14", "The offer of its connection, when it arrives again, ends the connection.", "answerer")
class BeginsAgainAtItsOffer(RememberingSignals):
    pass


@mutant("CON-14", "The answer of its connection, when it arrives again, ends the connection.")
class BeginsAgainAtItsAnswer(RememberingSignals):
    kind = "answer"


# Messages of the router


@mutant("SIG-10", "A SET ends the client.", *EITHER)
class LeavesAtASet(PeerScript):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.OtherMessageReceived(message=wire.Set()):
                return (inputs.CloseClient(NO_CALL),)
            case _:
                return (event,)


@mutant("SIG-10", "It delivers what is published at any address as Data.", *EITHER)
class DeliversWhatIsPublished(PeerScript):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.OtherMessageReceived(message=wire.Publish(value=value)):
                data: dict[str, wire.Value] = {"from": "", "data": repr(value).encode(), "reliable": True}
                return (inputs.RelayReceived(data),)
            case _:
                return (event,)


# A client that is back


@mutant("RTE-2", "After its return to the router, its mode is PreferP2P.", *EITHER)
class ForgetsItsModeAtItsReturn(PeerScript):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.Reattached):
            return (event, inputs.SetRoutingMode(NO_CALL, RoutingMode.PREFER_P2P))
        return (event,)


@mutant("CON-16", "After its return, it does not subscribe to relays again.", *EITHER)
class SubscribesToRelaysOnce(PeerScript):
    subscriptions = 0

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.SubscribeTo) and effect.pattern.startswith(RELAY_PREFIX):
            self.subscriptions += 1
            return (effect,) if self.subscriptions == 1 else ()
        return (effect,)


@mutant("CON-16", "After its return, it relays under its old session id.", *EITHER)
class RelaysUnderItsOldSession(PeerScript):
    session = ""

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.PublishAnnouncement):
            self.session = self.session or effect.announcement.session_id

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishRelay(value={"data": data, "reliable": reliable}):
                return (replace(effect, value={"from": self.session, "data": data, "reliable": reliable}),)
            case _:
                return (effect,)


class TellingOneOfTwo(PeerScript):
    """A script that emits the first of two events of the type `kind` for different peers within 0.3 s."""

    kind: ClassVar[type[Disconnected | ConnectionFailed]]

    def __init__(self) -> None:
        super().__init__()
        self.last = (0.0, "")
        """The time and the peer of the last event."""

    def alter(self, effect: fx.Effect) -> Outs:
        if not isinstance(effect, fx.Emit) or not isinstance(effect.event, self.kind):
            return (effect,)
        (at, before), now = self.last, time.monotonic()
        self.last = now, effect.event.peer_session_id or ""
        return () if now - at < TOGETHER_S and before != self.last[1] else (effect,)


@mutant("EVT-3", "Of two connections that end within 0.3 s it tells the end of one.", *EITHER)
class TellsOneOfTwoEnds(TellingOneOfTwo):
    kind = Disconnected


@mutant(
    "TMO-4", "Of two attempts that fail within 0.3 s it tells the failure of one.", "offerer",
    also={"TMO-3": "Two attempts fail at once when the router is lost."},
)  # fmt: skip
class TellsOneOfTwoFailures(TellingOneOfTwo):
    kind = ConnectionFailed


@mutant("EVT-7", "When it closes, it tells only every other one of its peers.", *EITHER)
class ClosesEveryOther(Tracking):
    def __init__(self) -> None:
        super().__init__()
        self.skipped: dict[str, int] = {}
        """The transports of the peers that it does not tell."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.CloseClient):
            self.skipped = dict(list(self.established.items())[1::2])
        return super().alter_input(event)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CloseTransport() if effect.transport in self.skipped.values():
                return (replace(effect, silent=True),)
            case fx.PublishSignal() if effect.target in self.skipped:
                return ()
            case _:
                return (effect,)


@mutant("CON-11", "`disconnect_peer` for a peer that is not connected ends all connections.", *EITHER)
class EndsAllForAStranger(Tracking):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.DisconnectPeer) and event.peer not in self.established:
            return (event, *(inputs.TransportLost(each, "closed") for each in self.established.values()))
        return super().alter_input(event)


class SendingToItself(PeerScript):
    """A script that knows the session id of its client."""

    own = ""

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.SubscribeTo) and effect.pattern.startswith(RELAY_PREFIX):
            self.own = effect.pattern.removeprefix(RELAY_PREFIX)


@mutant("CON-17", "A send to its own session never returns.", *EITHER)
class HangsInSendsToItself(SendingToItself):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.SendP2P) and event.peer == self.own:
            return ()
        return super().alter_input(event)


@mutant("CON-17", "A send to its own session returns P2P, and goes nowhere.", *EITHER)
class SaysP2PForItself(SendingToItself):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.Reject) and (send := self.sends.get(effect.call)) and send.peer == self.own:
            return (fx.Resolve(effect.call, SendResult.P2P),)
        return (effect,)
