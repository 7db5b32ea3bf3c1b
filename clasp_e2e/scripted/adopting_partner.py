"""Scripted partners that use the conventions of the implementation opposite them.

The script of the partner works on the effects and inputs of the reference. A layer outside of it translates
between them and the messages of the other implementation.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sdp import candidate_member
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.adopted_conventions import (
    AdoptedConventions,
    ChannelPair,
    PayloadForm,
    SignalForm,
)
from clasp_e2e.scripted.message_templates import Bindings, MessageTemplate
from clasp_e2e.scripted.mutant import Outs, PeerScript


class Layers(PeerScript):
    """Several scripts around one core; the last is the outermost. Make it with `layered`."""

    kinds: tuple[Callable[[], PeerScript], ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self._layers = [kind() for kind in self.kinds]

    def pass_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        """Pass `event` through all layers, from the outermost to the core."""
        events: list[inputs.Input] = [event]
        for layer in reversed(self._layers):
            events = [new for each in events for new in layer.pass_input(each)]
        return events

    def pass_effect(self, effect: fx.Effect) -> Outs:
        """Pass `effect` through all layers, from the core to the outermost."""
        effects: list[fx.Effect] = [effect]
        for layer in self._layers:
            effects = [new for each in effects for new in _through(layer, each)]
        return effects


def _through(layer: PeerScript, effect: fx.Effect) -> Iterator[fx.Effect]:
    if isinstance(effect, fx.Delayed):
        for new in _through(layer, effect.effect):
            yield fx.Delayed(effect.seconds, new)
    else:
        yield from layer.pass_effect(effect)


def layered(name: str, *kinds: Callable[[], PeerScript]) -> type[PeerScript]:
    """Return the script `name` that has a layer of each of `kinds`; the last is the outermost."""
    stacks = [getattr(kind, "webrtc", AiortcTransport) for kind in kinds]
    webrtc = next((stack for stack in reversed(stacks) if stack is not AiortcTransport), AiortcTransport)
    return type(name, (Layers,), {"kinds": kinds, "webrtc": webrtc})


def adopting(kind: type[PeerScript], conventions: AdoptedConventions) -> type[PeerScript]:
    """Return the script `kind` of a partner that uses `conventions`."""
    kinds: list[Callable[[], PeerScript]] = [kind]
    if conventions.signals is not None:
        kinds.append(partial(AdoptsSignals, conventions.signals))
    if conventions.payloads is not None:
        kinds.append(partial(AdoptsPayloads, conventions.payloads))
    if conventions.relay is not None:
        kinds.append(partial(AdoptsRelay, conventions.relay))
    if conventions.channels is not None:
        kinds.append(type("AdoptsChannels", (PeerScript,), {"webrtc": agreed_channels(conventions.channels)}))
    return layered(kind.__name__, *kinds)


class AdoptsSignals(PeerScript):
    """A layer that sends and reads signals in another form; what has no form there is not sent."""

    def __init__(self, form: SignalForm) -> None:
        super().__init__()
        self._templates = form.templates
        self._numbers_attempts = form.numbers_attempts
        self._session = ""
        self._ufrag = ""
        self._shown: dict[str, wire.Value] = {}
        """The correlation id on the wire of each attempt."""
        self._latest: dict[str, str] = {}
        """The latest attempt with each session, for signals that name no attempt."""
        self._offers = 0

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal():
                return self._sent(effect.target, effect.signal)
            case fx.SubscribeTo(pattern=pattern) if (session := wire.signal_target(pattern)) is not None:
                self._session = session
                patterns = dict.fromkeys(each.pattern(session) for each in self._templates.values())
                return tuple(fx.SubscribeTo(each) for each in patterns)
            case _:
                return (effect,)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived():
                message = wire.Publish(wire.signal_address(self._session), event.value)
            case inputs.OtherMessageReceived():
                message = event.message
            case _:
                return (event,)
        signal = self._read(message)
        return () if signal is None else (inputs.SignalReceived({**wire.encode_signal(signal)}),)

    def _sent(self, target: str, signal: wire.Signal) -> Outs:
        self._latest[target] = signal.correlation_id
        if (template := self._templates.get(type(signal))) is None:
            return ()
        bindings: Bindings = {
            "sender": signal.sender,
            "target": target,
            "correlation": self._on_the_wire(signal.correlation_id),
        }
        match signal:
            case wire.Offer() | wire.Answer():
                self._ufrag = _ufrag_of(signal.sdp)
                bindings["sdp"] = signal.sdp
            case wire.IceCandidate():
                bindings["candidate text"] = signal.candidate
                bindings["candidate"] = candidate_member(signal.candidate)
            case _:
                pass
        bindings["ufrag"] = self._ufrag
        return (fx.SendToRouter(template.message(bindings)),)

    def _read(self, message: wire.Publish | wire.Set) -> wire.Signal | None:
        for kind, template in self._templates.items():
            found = template.bindings(message)
            if found is None or found.get("target", self._session) != self._session:
                continue
            sender = str(found.get("sender", ""))
            if sender == self._session:
                continue
            if kind is wire.Offer and "correlation" not in found:
                self._offers += 1
                self._latest[sender] = f"offer {self._offers} of {sender}"
            shown, latest = found.get("correlation"), self._latest.get(sender, "")
            return _signal(kind, sender, found, latest if shown is None else self._name_of(shown))
        return None

    def _on_the_wire(self, name: str) -> wire.Value:
        number_or_name = zlib.crc32(name.encode()) & 0x7FFFFFFF if self._numbers_attempts else name
        return self._shown.setdefault(name, number_or_name)

    def _name_of(self, shown: wire.Value) -> str:
        known = next((name for name, each in self._shown.items() if each == shown), None)
        if known is None:
            self._shown[known := str(shown)] = shown
        return known


def _signal(kind: type[wire.Signal], sender: str, found: Bindings, name: str) -> wire.Signal:
    if issubclass(kind, wire.Offer | wire.Answer):
        return kind(sender, str(found["sdp"]), name)
    if issubclass(kind, wire.IceCandidate):
        candidate = found["candidate text"] if "candidate text" in found else found["candidate"]
        return kind(sender, str(candidate), name)
    return kind(sender, name)


def _ufrag_of(sdp: str) -> str:
    lines = (line for line in sdp.splitlines() if line.startswith("a=ice-ufrag:"))
    return next(lines, "").removeprefix("a=ice-ufrag:").strip()


class AdoptsPayloads(PeerScript):
    """A layer that frames payloads on the channels in another form."""

    def __init__(self, form: PayloadForm) -> None:
        super().__init__()
        self._form = form

    def alter(self, effect: fx.Effect) -> Outs:
        if not isinstance(effect, fx.SendOnChannel):
            return (effect,)
        try:
            data = self._form.frame(effect.data)
        except wire.WireError:  # What is too large for a frame is too large in any form.
            data = effect.data
        return (fx.SendOnChannel(effect.call, effect.transport, effect.label, data, effect.unlimited),)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if not isinstance(event, inputs.ChannelMessage):
            return (event,)
        payload = self._form.read(event.data)
        return () if payload is None else (inputs.ChannelMessage(event.transport, event.label, payload),)


class AdoptsRelay(PeerScript):
    """A layer that relays payloads in messages of another form."""

    def __init__(self, template: MessageTemplate) -> None:
        super().__init__()
        self._template = template
        self._session = ""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SubscribeTo(pattern=pattern) if pattern.startswith(RELAY_PREFIX):
                self._session = pattern.removeprefix(RELAY_PREFIX)
                return (fx.SubscribeTo(self._template.pattern(self._session)),)
            case fx.PublishRelay(value={"from": sender, "data": bytes(data), "reliable": bool(reliable)}):
                target = effect.address.removeprefix(RELAY_PREFIX)
                message = self._template.message(
                    {"sender": sender, "target": target, "data": data, "reliable": reliable}
                )
                return (fx.PublishRelay(effect.call, message.address, message.value),)
            case _:
                return (effect,)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.RelayReceived():
                message = wire.Publish(RELAY_PREFIX + self._session, event.value)
            case inputs.OtherMessageReceived():
                message = event.message
            case _:
                return (event,)
        found = self._template.bindings(message)
        if found is None or found.get("target", self._session) != self._session:
            return (event,) if isinstance(event, inputs.OtherMessageReceived) else ()
        sender, reliable = str(found.get("sender", "")), found.get("reliable", True)
        return (inputs.RelayReceived({"from": sender, "data": found["data"], "reliable": reliable}),)


def agreed_channels(pair: ChannelPair) -> type[AiortcTransport]:
    """Return a transport whose channels are those of `pair`."""
    return type("AgreedChannels", (_AgreedChannels,), {"pair": pair})


class _AgreedChannels(AiortcTransport):
    """A transport that names and opens its channels as `pair` says."""

    pair: ChannelPair

    async def _accept_offer(self, sdp: str) -> None:
        if not self.pair.are_negotiated:
            await super()._accept_offer(sdp)
            return
        pc = self._open()
        await self._set_remote(sdp, "offer")
        for spec in (fx.UNRELIABLE, fx.RELIABLE):
            self._create_channel(spec)
        await self._describe(pc)

    def _create_channel(self, spec: fx.ChannelSpec) -> None:
        assert self._pc is not None
        form = self.pair.reliable if spec.label == fx.RELIABLE.label else self.pair.unreliable
        channel = self._pc.createDataChannel(
            form.label,
            ordered=spec.ordered,
            maxRetransmits=spec.max_retransmits,
            protocol=form.protocol,
            negotiated=form.stream is not None,
            id=form.stream,
        )
        self._adopt(channel)
