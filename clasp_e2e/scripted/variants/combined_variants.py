"""Peers that differ from the reference in several points at once."""

from collections.abc import Iterable
from typing import ClassVar, cast

from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.router_session import RouterSession
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import Outs, PeerScript
from clasp_e2e.scripted.variant import Variant, variant
from clasp_e2e.scripted.variants import (
    call_variants as calls,
)
from clasp_e2e.scripted.variants import (
    candidate_kind_variants as kinds,
)
from clasp_e2e.scripted.variants import (
    candidate_variants as candidates,
)
from clasp_e2e.scripted.variants import (
    channel_variants as channels,
)
from clasp_e2e.scripted.variants import (
    event_variants as events,
)
from clasp_e2e.scripted.variants import (
    own_channel_variants as own_channels,
)
from clasp_e2e.scripted.variants import (
    payload_variants as payloads,
)
from clasp_e2e.scripted.variants import (
    relay_form_variants as relay_forms,
)
from clasp_e2e.scripted.variants import (
    relay_variants as relays,
)
from clasp_e2e.scripted.variants import (
    sdp_variants as sdps,
)
from clasp_e2e.scripted.variants import (
    session_variants as sessions,
)
from clasp_e2e.scripted.variants import (
    signal_variants as signals,
)


class Combined(PeerScript):
    """A script of several scripts: effects pass the first of them first, inputs the last of them."""

    parts: ClassVar[tuple[type[PeerScript], ...]]

    def __init__(self) -> None:
        super().__init__()
        self.scripts = [part() for part in self.parts]

    def pass_effect(self, effect: fx.Effect) -> Outs:
        effects: list[fx.Effect] = [effect]
        for script in self.scripts:
            effects = [out for each in effects for out in _passed(script, each)]
        return effects

    def pass_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        events: list[inputs.Input] = [event]
        for script in reversed(self.scripts):
            events = [passed for each in events for passed in script.pass_input(each)]
        return events


def _passed(script: PeerScript, effect: fx.Effect) -> Outs:
    if isinstance(effect, fx.Delayed):
        return [fx.Delayed(effect.seconds, out) for out in _passed(script, effect.effect)]
    return script.pass_effect(effect)


def combine(name: str, *variants: Variant) -> Variant:
    """Define the variant `name`, which differs from the reference as all of `variants` do."""
    parts = tuple(cast("type[PeerScript]", each.script) for each in variants)
    transports = dict.fromkeys(part.webrtc for part in parts if part.webrtc is not AiortcTransport)
    own = dict.fromkeys(part.router_session for part in parts if part.router_session is not RouterSession)
    attributes = {
        "parts": parts,
        "webrtc": type(name, tuple(transports), {}) if transports else AiortcTransport,
        "router_session": type(name, tuple(own), {}) if own else RouterSession,
        "__module__": __name__,
    }
    make = variant(
        variants[0].open_point,
        " ".join(each.difference for each in variants),
        *frozenset[str]().union(*(each.touches for each in variants)),
        deviations=frozenset[str]().union(*(each.deviations for each in variants)),
        not_judged=frozenset[str]().union(*(each.not_judged for each in variants)),
        unreadable=any(each.unreadable for each in variants),
    )
    return make(type(name, (Combined,), attributes))


HasSeveralConventions = combine(
    "HasSeveralConventions",
    channels.NamesItsChannelsOtherwise,
    payloads.SendsClaspFrames,
    relays.RelaysByItsOwnAddress,
    relays.PrefersTheGreaterId,
)
SharesNoConvention = combine(
    "SharesNoConvention",
    channels.NamesItsChannelsOtherwise,
    payloads.NumbersItsMessages,
    relays.RelaysInPieces,
    signals.SignalsAtItsOwnAddress,
    relays.PrefersTheGreaterId,
    calls.EmitsALittleLater,
)
IsUnreadable = combine(
    "IsUnreadable", signals.CompressesItsSignals, payloads.SendsText, relay_forms.EncryptsItsRelays
)
SaysLittle = combine(
    "SaysLittle",
    calls.ReturnsAtOnce,
    events.TellsNoEndOfItsOwn,
    events.NamesNoReason,
    signals.NeverSaysConnected,
    signals.NeverSaysDisconnected,
    signals.AnnouncesNothing,
)
HoldsCandidatesInJson = combine(
    "HoldsCandidatesInJson", kinds.HoldsItsCandidates, signals.SignalsAsJson, relays.PrefersTheSmallerAttempt
)
TricklesInItsOwnFields = combine(
    "TricklesInItsOwnFields", candidates.TricklesSlowly, signals.UsesItsOwnFieldNames, channels.NamesAProtocol
)
DescribesItselfOtherwise = combine(
    "DescribesItselfOtherwise",
    sdps.OffersActively,
    sdps.DescribesAtSessionLevel,
    candidates.OffersIPv6First,
    kinds.UsesLongCredentials,
    sdps.HasNoGroup,
)
PacksLongSignals = combine(
    "PacksLongSignals",
    candidates.TricklesAllCandidates,
    sessions.SpeaksMessagePack,
    relays.SendsReceipts,
    signals.UsesLongIds,
)
SeparatesDirections = combine(
    "SeparatesDirections",
    own_channels.OpensChannelsForEachDirection,
    own_channels.KeepsItsReliableChannelAlive,
    sdps.AnswersPassively,
)
ConnectsSlowlyAndRaises = combine(
    "ConnectsSlowlyAndRaises", calls.GathersSlowly, calls.RaisesAndEmits, events.SendsReturnLater
)
