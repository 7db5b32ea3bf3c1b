"""Peers that lose their router, are back with a new session id, and go on wrongly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.p2p_types import Disconnected, RoutingMode
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.event_mutants import Answering
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, mutant
from clasp_e2e.scripted.steady_mutants import Tracking


class Returning(Tracking):
    """A script that knows the first session id, and whether the client is back with another."""

    def __init__(self) -> None:
        super().__init__()
        self.first = ""
        self.is_back = False

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        self.is_back = self.is_back or isinstance(event, inputs.Reattached)
        return super().alter_input(event)

    def note(self, effect: fx.Effect) -> None:
        super().note(effect)
        if isinstance(effect, fx.PublishAnnouncement) and not self.first:
            self.first = effect.announcement.session_id


@mutant("SIG-8", "After its return it signals under its first session id.", *EITHER)
class GoesOnUnderItsOldSession(Returning):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal() if self.is_back:
                return (replace(effect, signal=replace(effect.signal, sender=self.first)),)
            case _:
                return (effect,)


@mutant("SIG-8", "After its return it announces its first session id.", *EITHER)
class AnnouncesItsOldSession(Returning):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishAnnouncement() if self.is_back:
                announcement = replace(effect.announcement, session_id=self.first)
                return (replace(effect, announcement=announcement),)
            case _:
                return (effect,)


@mutant("CON-16", "After its return it answers under its first session id.", *EITHER)
class AnswersUnderItsOldSession(Returning):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Answer()) if self.is_back:
                return (replace(effect, signal=replace(effect.signal, sender=self.first)),)
            case _:
                return (effect,)


@mutant("CON-16", "After its return it does not use answers.", *EITHER)
class IsDeafAfterItsReturn(Returning):
    def alter(self, effect: fx.Effect) -> Outs:
        return () if isinstance(effect, fx.AcceptAnswer) and self.is_back else (effect,)


@mutant("SIG-8", "After its second return it signals under the session id of its first.", *EITHER)
class GoesOnUnderItsSecondSession(Returning):
    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[str] = []
        """The session id of each return."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.Reattached):
            self.sessions.append(event.session_id)
        return super().alter_input(event)

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.PublishSignal) and len(self.sessions) > 1:
            return (replace(effect, signal=replace(effect.signal, sender=self.sessions[0])),)
        return (effect,)


@mutant("EVT-11", "After its return it does not subscribe to announcements again.", *EITHER)
class SubscribesToAnnouncementsOnce(Returning):
    def alter(self, effect: fx.Effect) -> Outs:
        is_subscription = isinstance(effect, fx.SubscribeTo) and effect.pattern == wire.ANNOUNCE_ADDRESS
        return () if is_subscription and self.is_back else (effect,)


@mutant("EVT-3", "After its return it emits no Disconnected for earlier connections.", *EITHER)
class MissesEndsAfterItsReturn(Returning):
    def __init__(self) -> None:
        super().__init__()
        self.before: set[str] = set()
        """The peers that were connected when it returned."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.Reattached):
            self.before = set(self.established)
        return super().alter_input(event)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Disconnected(peer_session_id=peer)) if peer in self.before:
                return ()
            case _:
                return (effect,)


class WithoutItsRouter(PeerScript):
    """A script that knows whether its router is lost."""

    is_lost = False

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.RouterLost | inputs.Reattached):
            self.is_lost = isinstance(event, inputs.RouterLost)
        return super().alter_input(event)


@mutant("DIR-2", "In P2POnly, it refuses to send while its router is lost.", *EITHER)
class NeedsItsRouterInP2POnly(WithoutItsRouter):
    mode = RoutingMode.PREFER_P2P

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.SetRoutingMode):
            self.mode = event.mode
        if isinstance(event, inputs.SendP2P) and self.is_lost and self.mode is RoutingMode.P2P_ONLY:
            return (replace(event, peer=""),)
        return super().alter_input(event)


@mutant("EVT-8", "`is_peer_connected` is false while its router is lost.", *EITHER)
class SaysNotConnectedWithoutItsRouter(WithoutItsRouter, Answering):
    def answer(self, *, connected: bool) -> bool:
        return connected and not self.is_lost
