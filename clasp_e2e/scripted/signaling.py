"""Peers that connect, but whose signals differ from those of the public implementation."""

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript, drop, mutant


def published(signal: fx.PublishSignal, value: wire.Value) -> Outs:
    """Publish `value` instead of a `connected`, and other signals unchanged."""
    if not isinstance(signal.signal, wire.ConnectedSignal):
        return (signal,)
    return (fx.PublishRelay(NO_CALL, wire.signal_address(signal.target), value),)


# fmt: off
SignalsElsewhereToo = PeerScript.define(
    "SignalsElsewhereToo", "SIG-1", "It also publishes its SDP at another address.", *EITHER,
    on=fx.PublishSignal, alter=lambda _, out: (
        out, fx.PublishRelay(NO_CALL, f"/webrtc/{out.target}", {**wire.encode_signal(out.signal)}),
    ),
)
SignalsInText = PeerScript.define(
    "SignalsInText", "SIG-2", "Its `connected` is a string instead of a map.", *EITHER,
    on=fx.PublishSignal, alter=lambda _, out: published(out, "connected"),
)
SignalsATypeOfItsOwn = PeerScript.define(
    "SignalsATypeOfItsOwn", "SIG-2", "Its `connected` has an unknown type.", *EITHER, on=fx.PublishSignal,
    alter=lambda _, out: published(out, {**wire.encode_signal(out.signal), "type": "ready"}),
)
SignalsWithoutASender = PeerScript.define(
    "SignalsWithoutASender", "SIG-2", "Its `connected` has no `from`.", *EITHER,
    on=wire.ConnectedSignal, alter=lambda _, signal: replace(signal, sender=""),
)
SignalsWithoutAnAttempt = PeerScript.define(
    "SignalsWithoutAnAttempt", "SIG-2", "Its `connected` has no `correlation_id`.", *EITHER,
    on=wire.ConnectedSignal, alter=lambda _, signal: replace(signal, correlation_id=""),
)
AnswersUnderAnotherName = PeerScript.define(
    "AnswersUnderAnotherName", "SIG-3",
    "It sends its answer first with a new `correlation_id`, then with that of the offer.", "answerer",
    on=wire.Answer, alter=lambda _, answer: (replace(answer, correlation_id="mine"), answer),
)
# fmt: on


@mutant("SIG-3", "It obeys a `disconnected` with any `correlation_id`.", *EITHER)
class ObeysAnyDisconnected(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.name = ""

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.PublishSignal):
            self.name = effect.signal.correlation_id

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "disconnected", **rest}):
                return (inputs.SignalReceived({**rest, "type": "disconnected", "correlation_id": self.name}),)
            case _:
                return (event,)


# fmt: off
OrdersTheUnreliable = PeerScript.define(
    "OrdersTheUnreliable", "SIG-4", "Its channel `clasp` is ordered.", on=fx.CreateOffer,
    alter=lambda _, offer: replace(offer, channels=(replace(fx.UNRELIABLE, ordered=True), fx.RELIABLE)),
)
RetransmitsThreeTimes = PeerScript.define(
    "RetransmitsThreeTimes", "SIG-4", "Its channel `clasp` retransmits three times.", on=fx.CreateOffer,
    alter=lambda _, offer: replace(offer, channels=(replace(fx.UNRELIABLE, max_retransmits=3), fx.RELIABLE)),
)
LeavesTheReliableUnordered = PeerScript.define(
    "LeavesTheReliableUnordered", "SIG-4", "Its channel `clasp-reliable` is unordered.", on=fx.CreateOffer,
    alter=lambda _, offer: replace(offer, channels=(fx.UNRELIABLE, replace(fx.RELIABLE, ordered=False))),
)
AnnouncesNothing = PeerScript.define(
    "AnnouncesNothing", "SIG-5", "It does not announce itself.", *EITHER,
    on=fx.PublishAnnouncement, alter=drop,
)
AnnouncesSomebodyElse = PeerScript.define(
    "AnnouncesSomebodyElse", "SIG-5", "It announces another session.", *EITHER, on=fx.PublishAnnouncement,
    alter=lambda _, out: replace(out, announcement=replace(out.announcement, session_id="somebody")),
)
# fmt: on
