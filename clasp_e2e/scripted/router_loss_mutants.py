"""Peers that lose their router, are back with a new session id, and go on wrongly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.mutant import EITHER, Outs, mutant
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
