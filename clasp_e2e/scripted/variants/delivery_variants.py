"""Peers that repeat, delay or group their signals."""

from collections.abc import Iterable

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.mutant import Outs, PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant, vary
from clasp_e2e.scripted.variants.candidate_variants import Trickling
from clasp_e2e.scripted.variants.signal_variants import OwnSignals

TOUCHES = ("CON-5", "CON-8", "EVT-2", "SIG-2")
"""What depends on how often, and when, signals are sent."""

SendsSignalsTwice = vary(
    "SendsSignalsTwice", OpenPoint.SIGNAL_REPETITION, "It sends each signal twice.", *TOUCHES,
    on=fx.PublishSignal, alter=lambda _, effect: (effect, effect),
)  # fmt: skip
RepeatsItsDescriptions = vary(
    "RepeatsItsDescriptions", OpenPoint.SIGNAL_REPETITION,
    "It sends each offer and answer again after 200 ms.", *TOUCHES,
    on=fx.PublishSignal,
    alter=lambda _, effect: (
        (effect, fx.Delayed(0.2, effect))
        if isinstance(effect.signal, wire.Offer | wire.Answer) else effect
    ),
)  # fmt: skip
AnswersLate = vary(
    "AnswersLate", OpenPoint.PACE, "It answers an offer after 1.5 s.", "CON-5", "EVT-1", "CON-8",
    on=fx.PublishSignal,
    alter=lambda _, effect: (
        fx.Delayed(1.5, effect) if isinstance(effect.signal, wire.Answer) else effect
    ),
)  # fmt: skip


@variant(OpenPoint.SIGNAL_ROUTE, "It sends an SDP and its candidates in one BUNDLE.", "CON-3", "CON-5",
         "ICE-5", "SIG-1", "SIG-2", deviations=["SIG-1"])  # fmt: skip
class GroupsItsSignals(Trickling):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Offer() | wire.Answer() as description):
                address = wire.signal_address(effect.target)
                signals = self.describe(description)
                grouped = tuple(wire.Publish(address, wire.encode_signal(signal)) for signal in signals)
                return (fx.SendToRouter(wire.Bundle(grouped)),)
            case _:
                return (effect,)


@variant(OpenPoint.OTHER_SIGNALS, "It sends its partner a signal of its own every 300 ms.", "CON-3", "CON-5",
         "EVT-3", "DIR-1", "SIG-2", deviations=["SIG-2"])  # fmt: skip
class SignalsThatItIsAlive(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        match effect:
            case fx.PublishSignal(signal=wire.ConnectedSignal(sender=sender)):
                beat = wire.Publish(wire.signal_address(effect.target), {"type": "alive", "from": sender})
                for number in range(1, 11):
                    yield fx.Delayed(0.3 * number, fx.SendToRouter(beat))
            case _:
                pass


@variant(OpenPoint.OTHER_SIGNALS, "It acknowledges each signal.", "CON-3", "CON-5", "EVT-2", "SIG-2", "SIG-6",
         deviations=["SIG-2"])  # fmt: skip
class AcknowledgesSignals(OwnSignals):
    def __init__(self) -> None:
        super().__init__()
        self.senders: list[str] = []

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"from": str(sender), "type": str(kind)}) if kind != "ack":
                self.senders.append(sender)
            case _:
                pass
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        senders, self.senders = self.senders, []
        for sender in filter(None, senders):
            ack: wire.Value = {"type": "ack", "from": self.session}
            yield fx.SendToRouter(wire.Publish(wire.signal_address(sender), ack))
        yield from super().alter(effect)


@variant(OpenPoint.OTHER_SIGNALS, "It announces itself by a parameter of its own.", "SIG-5", "CON-5",
         deviations=["SIG-5"])  # fmt: skip
class AnnouncesByAParameter(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.PublishAnnouncement):
            session = effect.announcement.session_id
            return (fx.SendToRouter(wire.Set(f"/app/members/{session}", {"online": True})),)
        return (effect,)


@variant(OpenPoint.OTHER_SIGNALS, "Its announcement has further fields.", "SIG-5", "CON-5")
class AnnouncesMore(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.PublishAnnouncement):
            value = wire.encode_announcement(effect.announcement)
            more: wire.Value = {**value, "services": ["chat", {"name": "files"}], "since": 1.5, "name": None}
            return (fx.SendToRouter(wire.Publish(wire.ANNOUNCE_ADDRESS, more)),)
        return (effect,)
