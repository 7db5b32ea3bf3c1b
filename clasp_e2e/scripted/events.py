"""Peers that tell their applications too little, too much, too late, or the wrong thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e.model import Connected, ConnectionFailed, Disconnected, P2PEvent
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.transport import VANISHED
from clasp_e2e.scripted.mutant import Outs, PeerScript, mutant


class Telling(PeerScript):
    """A script over what the application is told."""

    def act(self, effect: fx.Effect) -> Outs:
        return self.tell(effect, effect.event) if isinstance(effect, fx.Emit) else (effect,)

    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        """Return what is done instead of telling `event`."""
        del event
        return (effect,)


@mutant("EVT-1", "It tells nobody that it is connected.", "offerer", "answerer")
class TellsNoConnected(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        return () if isinstance(event, Connected) else (effect,)


@mutant("EVT-1", "Its Connected names somebody else.", "offerer", "answerer")
class NamesAnotherPeer(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        return (fx.Emit(Connected("somebody")) if isinstance(event, Connected) else effect,)


@mutant("EVT-2", "It tells Connected twice.", "offerer", "answerer")
class TellsConnectedTwice(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        return (effect, effect) if isinstance(event, Connected) else (effect,)


@mutant("EVT-3", "It tells nobody that a connection has ended.", "offerer", "answerer", slow=True)
class TellsNoDisconnected(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        return () if isinstance(event, Disconnected) else (effect,)


@mutant("EVT-3", "Its Disconnected names somebody else.", slow=True)
class NamesAnotherThatLeft(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        return (fx.Emit(Disconnected("somebody")) if isinstance(event, Disconnected) else effect,)


@mutant("EVT-4", "It does not miss a peer that vanished.", "offerer", "answerer", slow=True)
class MissesNobody(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        vanished = isinstance(event, Disconnected) and event.reason == VANISHED
        return () if vanished else (effect,)


@mutant("EVT-5", "Its ConnectionFailed gives no reason.")
class GivesNoReason(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        return (fx.Emit(replace(event, reason="")) if isinstance(event, ConnectionFailed) else effect,)


@mutant("EVT-6", "It tells Connected when data has long arrived.", "offerer", "answerer")
class TellsConnectedLate(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        return (fx.Delayed(0.7, effect) if isinstance(event, Connected) else effect,)


@mutant("EVT-6", "It tells each failure twice.")
class TellsFailuresTwice(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        return (effect, effect) if isinstance(event, ConnectionFailed) else (effect,)


@mutant("EVT-6", "Having told that an attempt failed, it tells Connected.")
class ConnectsAfterFailing(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        match event:
            case ConnectionFailed(peer_session_id=peer):
                return (effect, fx.Emit(Connected(peer)))
            case _:
                return (effect,)


@mutant("EVT-7", "It tells an orderly close 3 s late.", "offerer", "answerer")
class TellsTheCloseLate(Telling):
    def tell(self, effect: fx.Emit, event: P2PEvent) -> Outs:
        return (fx.Delayed(3.0, effect) if isinstance(event, Disconnected) else effect,)


class Answering(PeerScript):
    """A script over the answers of `is_peer_connected`."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: set[int] = set()

    def hear(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.IsPeerConnected):
            self.calls.add(event.call)
        return (event,)

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Resolve(result=bool(connected)) if effect.call in self.calls:
                return (replace(effect, result=self.answer(connected=connected)),)
            case _:
                return (effect,)

    def answer(self, *, connected: bool) -> bool:
        """Return the answer in the place of the true one."""
        return connected


@mutant("EVT-8", "`is_peer_connected` is always false.", "offerer", "answerer")
class SaysNeverConnected(Answering):
    def answer(self, *, connected: bool) -> bool:  # noqa: ARG002
        return False


@mutant("EVT-8", "`is_peer_connected` stays true after Disconnected.", "offerer", "answerer")
class SaysConnectedForEver(Answering):
    def __init__(self) -> None:
        super().__init__()
        self.was_connected = False

    def answer(self, *, connected: bool) -> bool:
        self.was_connected = self.was_connected or connected
        return self.was_connected


@mutant("EVT-8", "`is_peer_connected` is true of everybody.", "offerer", "answerer")
class SaysConnectedToAll(Answering):
    def answer(self, *, connected: bool) -> bool:  # noqa: ARG002
        return True
