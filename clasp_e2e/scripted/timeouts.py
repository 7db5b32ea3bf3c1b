"""Peers whose attempts end too early, too late, or not at all."""

from __future__ import annotations

from dataclasses import replace

from clasp_e2e.model import Connected, ConnectionFailed
from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.events import Telling
from clasp_e2e.scripted.mutant import Outs, PeerScript, mutant

DEFAULT = 30.0
"""Seconds (specification, "Connection Timeout")."""


class Timing(PeerScript):
    """A script over the time that an attempt is given."""

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.StartTimer(key=("deadline", _)):
                return (replace(effect, seconds=self.time(effect.seconds)),)
            case _:
                return (effect,)

    def time(self, seconds: float) -> float:
        """Return the seconds instead of those that were configured, or are the default."""
        return seconds


@mutant("TMO-1", "Its default time-out is 10 s.", slow=True)
class GivesUpAfterTenSeconds(Timing):
    def time(self, seconds: float) -> float:
        return 10.0 if seconds == DEFAULT else seconds


@mutant("TMO-1", "Its default time-out is a minute.", slow=True)
class GivesUpAfterAMinute(Timing):
    def time(self, seconds: float) -> float:
        return 60.0 if seconds == DEFAULT else seconds


@mutant("TMO-2", "It gives up after half of the configured time.")
class GivesUpEarly(Timing):
    def time(self, seconds: float) -> float:
        return seconds if seconds == DEFAULT else seconds / 2


@mutant("TMO-2", "It gives up after three times the configured time.")
class GivesUpLate(Timing):
    def time(self, seconds: float) -> float:
        return seconds if seconds == DEFAULT else seconds * 3


@mutant(
    "TMO-3",
    "It tells nobody when the router could not deliver its offer.",
    also={"TMO-4": "The router may know that the answerer is gone before it has the offer."},
)
class HidesUndeliverableOffers(Telling):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=ConnectionFailed(reason=reason)) if "could not deliver" in reason:
                return ()
            case _:
                return (effect,)


@mutant("TMO-4", "It waits for ever for an answer.")
class WaitsForEver(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.StartTimer(key=("deadline", _)):
                return ()
            case _:
                return (effect,)


@mutant("TMO-5", "Once its offer was answered, it never tells that the attempt failed.")
class NeverFailsOnceAnswered(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.answered = False

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.AcceptAnswer():
                self.answered = True
            case fx.Emit(event=ConnectionFailed()) if self.answered:
                return ()
            case _:
                pass
        return (effect,)


@mutant("TMO-6", "The timer of an attempt runs on when the connection stands.", "offerer", "answerer")
class LetsTheTimerRunOn(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.seconds = DEFAULT

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.StartTimer(key=("deadline", _)):
                self.seconds = effect.seconds
            case fx.Emit(event=Connected(peer_session_id=peer)):
                return (effect, fx.Delayed(self.seconds, fx.Emit(ConnectionFailed(peer, "too late"))))
            case _:
                pass
        return (effect,)


@mutant("TMO-7", "After a failed attempt, it makes no use of answers any more.")
class NeverRecovers(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.failed = False

    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=ConnectionFailed()):
                self.failed = True
            case fx.AcceptAnswer() if self.failed:
                return ()
            case _:
                pass
        return (effect,)


@mutant("TMO-8", "As the one that answers, it does not tell that an attempt failed.", "answerer")
class HidesFailedAnswers(PeerScript):
    def act(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=ConnectionFailed()):
                return ()
            case _:
                return (effect,)
