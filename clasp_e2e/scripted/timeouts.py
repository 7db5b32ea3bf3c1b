"""Peers whose attempts end too early, too late, or not at all."""

from collections.abc import Callable
from dataclasses import replace

from clasp_e2e.p2p_types import Connected, ConnectionFailed
from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, drop

DEFAULT = 30.0
"""Seconds (specification, "Connection Timeout")."""


def timed(seconds: Callable[[float], float]) -> Callable[[PeerScript, fx.StartTimer], Outs]:
    """Return a fault that gives an attempt other seconds than those configured, or by default."""

    def alter(_: PeerScript, timer: fx.StartTimer) -> Outs:
        return (replace(timer, seconds=seconds(timer.seconds)) if is_deadline(timer) else timer,)

    return alter


def is_deadline(timer: fx.StartTimer) -> bool:
    """Return whether `timer` limits an attempt."""
    return timer.key[0] == "deadline"


class Attempting(PeerScript):
    """A script that knows what happened to attempts so far, and how long they may last."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = False
        self.failed = False
        self.seconds = DEFAULT

    def note(self, effect: fx.Effect) -> None:
        match effect:
            case fx.AcceptAnswer():
                self.answered = True
            case fx.Emit(event=ConnectionFailed()):
                self.failed = True
            case fx.StartTimer(key=("deadline", _)):
                self.seconds = effect.seconds
            case _:
                pass


# fmt: off
GivesUpAfterTenSeconds = PeerScript.define(
    "GivesUpAfterTenSeconds", "TMO-1", "Its default time-out is 10 s.",
    on=fx.StartTimer, alter=timed(lambda seconds: 10.0 if seconds == DEFAULT else seconds), slow=True,
)
GivesUpAfterAMinute = PeerScript.define(
    "GivesUpAfterAMinute", "TMO-1", "Its default time-out is a minute.",
    on=fx.StartTimer, alter=timed(lambda seconds: 60.0 if seconds == DEFAULT else seconds), slow=True,
)
GivesUpEarly = PeerScript.define(
    "GivesUpEarly", "TMO-2", "It gives up after half of the configured time.",
    on=fx.StartTimer, alter=timed(lambda seconds: seconds if seconds == DEFAULT else seconds / 2),
)
GivesUpLate = PeerScript.define(
    "GivesUpLate", "TMO-2", "It gives up after three times the configured time.",
    on=fx.StartTimer, alter=timed(lambda seconds: seconds if seconds == DEFAULT else seconds * 3),
)
HidesUndeliverableOffers = PeerScript.define(
    "HidesUndeliverableOffers", "TMO-3", "It tells nobody when the router could not deliver its offer.",
    on=ConnectionFailed,
    alter=lambda _, failure: () if "could not deliver" in failure.reason else (fx.Emit(failure),),
    also={"TMO-4": "The router may know that the answerer is gone before it has the offer."},
)
WaitsForEver = PeerScript.define(
    "WaitsForEver", "TMO-4", "It waits for ever for an answer.",
    on=fx.StartTimer, alter=lambda _, timer: () if is_deadline(timer) else (timer,),
)
NeverFailsOnceAnswered = Attempting.define(
    "NeverFailsOnceAnswered", "TMO-5", "Once its offer was answered, it never tells that the attempt failed.",
    on=ConnectionFailed, alter=lambda script, failure: () if script.answered else (fx.Emit(failure),),
)
LetsTheTimerRunOn = Attempting.define(
    "LetsTheTimerRunOn", "TMO-6", "The timer of an attempt runs on when the connection stands.", *EITHER,
    on=Connected, alter=lambda script, event: (
        fx.Emit(event),
        fx.Delayed(script.seconds, fx.Emit(ConnectionFailed(event.peer_session_id, "too late"))),
    ),
)
NeverRecovers = Attempting.define(
    "NeverRecovers", "TMO-7", "After a failed attempt, it makes no use of answers any more.",
    on=fx.AcceptAnswer, alter=lambda script, accept: () if script.failed else (accept,),
)
HidesFailedAnswers = PeerScript.define(
    "HidesFailedAnswers", "TMO-8", "As the one that answers, it does not tell that an attempt failed.",
    "answerer", on=ConnectionFailed, alter=drop,
)
# fmt: on
