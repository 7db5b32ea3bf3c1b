"""Peers that fail when several attempts, or sends on both channels and in both directions, coincide."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, ConnectionFailed, Data, SendResult
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript, mutant
from clasp_e2e.scripted.steady_mutants import Tracking

RECENT = 10.0
"""Seconds for which a message makes its receiver busy."""
MUCH = 64 * 1024
"""Bytes within `RECENT` that make a peer busy."""


def offerer_of(event: inputs.Input) -> str | None:
    """Return the sender of an offer, or None for other inputs."""
    match event:
        case inputs.SignalReceived(value={"type": "offer", "from": str(sender)}):
            return sender
        case _:
            return None


# Several attempts


class Pending(PeerScript):
    """A script that knows the sessions that the application has called without an outcome yet."""

    def __init__(self) -> None:
        super().__init__()
        self.calling: set[str] = set()

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ConnectToPeer):
            self.calling.add(event.peer)
        return (event,)

    def note(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Emit(event=Connected(peer_session_id=peer) | ConnectionFailed(peer_session_id=peer)):
                self.calling.discard(peer)
            case _:
                pass


@mutant("CON-10", "While it calls a session, it ignores the offers of others.", "answerer")
class IgnoresOffersWhileCalling(Pending):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        sender = offerer_of(event)
        return () if sender and self.calling - {sender} else super().alter_input(event)


@mutant("CON-10", "An ERROR for one of its signals fails all its attempts.", *EITHER)
class FailsAllAttemptsAtAnError(Pending):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.SignalUndeliverable):
            return [inputs.DisconnectPeer(NO_CALL, peer) for peer in self.calling] + [event]
        return super().alter_input(event)

    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if isinstance(effect, fx.Emit) and isinstance(effect.event, ConnectionFailed):
            self.calling.clear()


@mutant("CON-10", "It sends each answer to the session whose offer came last.", "answerer")
class AnswersTheLatestOfferer(PeerScript):
    latest = ""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        self.latest = offerer_of(event) or self.latest
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Answer()):
                return (replace(effect, target=self.latest),)
            case _:
                return (effect,)


@mutant("CON-10", "With a fifth connection, it closes the first.", *EITHER)
class ClosesTheFirstOfFive(Tracking):
    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if isinstance(effect, fx.Emit) and isinstance(effect.event, Connected) and len(self.established) > 4:
            yield fx.CloseTransport(next(iter(self.established.values())))


class KnowingItself(PeerScript):
    """A script that knows the session id of its own client."""

    own = ""

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.PublishAnnouncement):
            self.own = effect.announcement.session_id

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ConnectToPeer) and event.peer == self.own:
            return self.call_itself(event)
        return (event,)

    def call_itself(self, call: inputs.ConnectToPeer) -> Iterable[inputs.Input]:
        """Return the inputs that the core receives for a call to its own session."""
        return (call,)


@mutant("CON-17", "A call to its own session never returns.", *EITHER)
class CallsItselfForEver(KnowingItself):
    def call_itself(self, call: inputs.ConnectToPeer) -> Iterable[inputs.Input]:  # noqa: ARG002
        return ()


@mutant("CON-17", "A call to its own session ends all its connections.")
class LeavesWhenItCallsItself(KnowingItself):
    def call_itself(self, call: inputs.ConnectToPeer) -> Iterator[inputs.Input]:
        yield inputs.CloseClient(NO_CALL)
        yield call


class RestartingItsTimers(PeerScript):
    """A script that restarts the timers of all attempts when a signal arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.running: dict[inputs.TimerKey, float] = {}
        self.is_due = False

    def note(self, effect: fx.Effect) -> None:
        match effect:
            case fx.StartTimer(key=("deadline", _) as key, seconds=seconds):
                self.running[key] = seconds
            case fx.CancelTimer(key=key):
                self.running.pop(key, None)
            case _:
                pass

    def alter_input(self, event: inputs.Input) -> Iterator[inputs.Input]:
        yield event
        if isinstance(event, inputs.SignalReceived):
            self.is_due = True
            yield inputs.GetRoutingMode(NO_CALL)  # Its result is an effect that the timers can follow.

    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if self.is_due and isinstance(effect, fx.Resolve) and effect.call == NO_CALL:
            self.is_due = False
            for key, seconds in self.running.items():
                yield fx.StartTimer(key, seconds)


@mutant("TMO-2", "Each signal that arrives restarts the time-out of its attempts.")
class RestartsItsTimersAtASignal(RestartingItsTimers):
    pass


# Sends


class Busy(PeerScript):
    """A script that knows how much its peer has received lately."""

    def __init__(self) -> None:
        super().__init__()
        self.received: deque[tuple[float, int]] = deque()

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.Emit) and isinstance(effect.event, Data):
            self.received.append((asyncio.get_running_loop().time(), len(effect.event.data)))

    def lately(self) -> list[int]:
        """Return the sizes of the messages of the last moments."""
        now = asyncio.get_running_loop().time()
        while self.received and now - self.received[0][0] > RECENT:
            self.received.popleft()
        return [size for _, size in self.received]


@mutant("SND-14", "While it receives much, it loses unreliable sends, and reports them as sent.", *EITHER)
class LosesTheUnreliableWhileReceiving(Busy):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel(label=fx.UNRELIABLE.label) if sum(self.lately()) > MUCH:
                return (fx.Resolve(effect.call, SendResult.P2P),)
            case _:
                return (effect,)


@mutant("SND-14", "While it receives much, it cuts unreliable messages that arrive short.", *EITHER)
class CutsTheUnreliableWhileReceiving(Busy):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data(reliable=False) as data) if sum(self.lately()) > MUCH:
                return (fx.Emit(replace(data, data=data.data[:-1])),)
            case _:
                return (effect,)
