"""Peers whose attempts end too early, too late, or never."""

from collections.abc import Callable
from dataclasses import replace

from clasp_e2e.p2p_types import Connected, ConnectionFailed
from clasp_e2e.peer import effects as fx
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, drop

DEFAULT = 30.0
"""Seconds (specification, "Connection Timeout")."""


def timed(seconds: Callable[[float], float]) -> Callable[[PeerScript, fx.StartTimer], Outs]:
    """Return a fault that changes the time-out of an attempt, whether configured or default."""

    def alter(_: PeerScript, timer: fx.StartTimer) -> Outs:
        return (replace(timer, seconds=seconds(timer.seconds)) if is_deadline(timer) else timer,)

    return alter


def is_deadline(timer: fx.StartTimer) -> bool:
    """Return whether `timer` is the time-out of an attempt."""
    return timer.key[0] == "deadline"


class Attempting(PeerScript):
    """A script that records the events of attempts and their time-out."""

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
    "GivesUpAfterTenSeconds", "TMO-9", "Its default time-out is 10 s.",
    on=fx.StartTimer, alter=timed(lambda seconds: 10.0 if seconds == DEFAULT else seconds), slow=True,
)
NeverGivesUpByDefault = PeerScript.define(
    "NeverGivesUpByDefault", "TMO-1", "With no time-out configured, it waits for an answer indefinitely.",
    on=fx.StartTimer,
    alter=lambda _, timer: () if is_deadline(timer) and timer.seconds == DEFAULT else timer, slow=True,
)
GivesUpAfterAMinute = PeerScript.define(
    "GivesUpAfterAMinute", "TMO-1", "Its default time-out is 60 s.",
    on=fx.StartTimer, alter=timed(lambda seconds: 60.0 if seconds == DEFAULT else seconds), slow=True,
)
GivesUpEarly = PeerScript.define(
    "GivesUpEarly", "TMO-9", "It gives up after a quarter of the configured time.",
    on=fx.StartTimer, alter=timed(lambda seconds: seconds if seconds == DEFAULT else seconds / 4),
)
GivesUpLate = PeerScript.define(
    "GivesUpLate", "TMO-2", "It gives up after three times the configured time.",
    on=fx.StartTimer, alter=timed(lambda seconds: seconds if seconds == DEFAULT else seconds * 3),
)
HidesUndeliverableOffers = PeerScript.define(
    "HidesUndeliverableOffers", "TMO-3", "It reports no failure if the router could not deliver its offer.",
    on=ConnectionFailed,
    alter=lambda _, failure: () if "could not deliver" in failure.reason else (fx.Emit(failure),),
    also={"TMO-4": "The router may notice that the answerer is gone before it receives the offer."},
)
WaitsForEver = PeerScript.define(
    "WaitsForEver", "TMO-4", "It waits indefinitely for an answer.",
    on=fx.StartTimer, alter=lambda _, timer: () if is_deadline(timer) else (timer,),
)
NeverFailsOnceAnswered = Attempting.define(
    "NeverFailsOnceAnswered", "TMO-5", "After its offer is answered, it never emits ConnectionFailed.",
    on=ConnectionFailed, alter=lambda script, failure: () if script.answered else (fx.Emit(failure),),
    also={"TMO-3": "An attempt to an unknown session after an answered one fails without the event too."},
)
LetsTheTimerRunOn = Attempting.define(
    "LetsTheTimerRunOn", "TMO-6", "The timer of an attempt is not stopped by the connection.", *EITHER,
    on=Connected, alter=lambda script, event: (
        fx.Emit(event),
        fx.Delayed(script.seconds, fx.Emit(ConnectionFailed(event.peer_session_id, "too late"))),
    ),
)
NeverRecovers = Attempting.define(
    "NeverRecovers", "TMO-7", "After a failed attempt, it ignores answers.",
    on=fx.AcceptAnswer, alter=lambda script, accept: () if script.failed else (accept,),
)
HidesFailedAnswers = PeerScript.define(
    "HidesFailedAnswers", "TMO-8", "As the answerer, it emits no ConnectionFailed.",
    "answerer", on=ConnectionFailed, alter=drop,
)
# fmt: on
