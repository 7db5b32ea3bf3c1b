"""Learn how an implementation signals, relays and frames payloads, from what it sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from clasp_e2e import wire
from clasp_e2e.network import Candidate
from clasp_e2e.network.rewriting import contents_of
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.scripted.adopted_conventions import (
    EnclosedPayload,
    FramedPayload,
    PayloadForm,
    SignalForm,
)
from clasp_e2e.scripted.message_templates import (
    Bindings,
    Constant,
    Elements,
    Fields,
    JsonText,
    MessageTemplate,
    Template,
    Text,
    Variable,
    json_content,
    scalars_of,
    template_of,
    text_template,
)
from clasp_e2e.testbed.convention_forms import RECOGNIZABLE, Carrier

SignalKind: TypeAlias = type[wire.Signal]

RELAY_OF_THE_REFERENCE = MessageTemplate(
    Text((RELAY_PREFIX, Variable("target"))),
    Fields(
        (
            ("data", Variable("data", "bytes")),
            ("from", Text((Variable("sender"),))),
            ("reliable", Variable("reliable", "bool")),
        )
    ),
)


class Unlearned(Exception):
    """A convention that a scripted partner cannot adopt; the message says why."""


@dataclass(slots=True)
class SeenAttempt:
    """What two of the kind sent while they connected, and while they disconnected, in order."""

    offerer: str
    """Its session id."""
    answerer: str
    connecting: list[tuple[str, Carrier]] = field(default_factory=list[tuple[str, Carrier]])
    """The session id of the sender, and the message."""
    ending: list[tuple[str, Carrier]] = field(default_factory=list[tuple[str, Carrier]])

    def other(self, sender: str) -> str:
        """Return the session id of the other side."""
        return self.answerer if sender == self.offerer else self.offerer


@dataclass(frozen=True, slots=True)
class SeenRelay:
    """A payload that was relayed, and what its sender sent to the router for it."""

    sender: str
    target: str
    payload: bytes
    reliable: bool
    messages: tuple[Carrier, ...]


@dataclass(slots=True)
class _Sample:
    attempt: int
    kind: SignalKind
    message: Carrier
    known: Bindings


# Signals


def learn_signals(attempts: Sequence[SeenAttempt]) -> SignalForm | None:
    """Return the form of the signals in two or more attempts; None if it is that of the reference.

    Raises `Unlearned` if a partner could not send such signals or read them.
    """
    samples = [sample for number, attempt in enumerate(attempts) for sample in _samples(number, attempt)]
    ids = [_correlation_id(number, samples) for number in range(len(attempts))]
    if any(each is None for each in ids) and any(each is not None for each in ids):
        raise Unlearned("only some of its attempts have a value that offer and answer share")
    for sample in samples:
        if (correlation_id := ids[sample.attempt]) is not None:
            sample.known["correlation"] = correlation_id
    if (numbers := _running_numbers(attempts[0])) is not None:
        raise Unlearned(f"its signals have running numbers ({numbers})")
    found: dict[SignalKind, MessageTemplate] = {}
    for kind in (wire.Offer, wire.Answer, wire.IceCandidate, wire.ConnectedSignal, wire.DisconnectedSignal):
        templates = {message_template(each.message, each.known) for each in samples if each.kind is kind}
        if len(templates) == 1:
            found |= {kind: templates.pop()}
        elif kind in (wire.Offer, wire.Answer):
            seen = "none was read" if not templates else "a field changes for a reason that is not known"
            raise Unlearned(f"the form of its {kind.__name__.lower()} signals is not known: {seen}")
    _require_usable(found)
    if found.get(wire.ConnectedSignal) == found.get(wire.DisconnectedSignal):
        found.pop(wire.ConnectedSignal, None)
        found.pop(wire.DisconnectedSignal, None)
    found = {**_of_public_layout(found[wire.Offer], found[wire.Answer]), **found}
    if _is_of_the_reference(found):
        return None
    return SignalForm(found, any(isinstance(each, int) for each in ids))


def _samples(number: int, attempt: SeenAttempt) -> Iterable[_Sample]:
    ufrags: dict[str, str] = {}
    phases = ((wire.ConnectedSignal, attempt.connecting), (wire.DisconnectedSignal, attempt.ending))
    for kind_of_phase, messages in phases:
        for sender, message in messages:
            target = attempt.other(sender)
            known: Bindings = {"sender": sender, "target": target}
            contents = contents_of(message)
            kind: SignalKind = kind_of_phase
            if contents.descriptions:
                kind = wire.Offer if sender == attempt.offerer else wire.Answer
                known["sdp"] = contents.descriptions[0]
                lines = contents.descriptions[0].splitlines()
                ufrags[sender] = next((line[12:] for line in lines if line.startswith("a=ice-ufrag:")), "")
            elif contents.candidates:
                kind = wire.IceCandidate
                texts = [each for each in scalars_of(message.value) if isinstance(each, str)]
                candidate = next(filter(Candidate.read, texts), None)
                if candidate is None:
                    raise Unlearned("the form of its candidates is not known")
                known["candidate"] = candidate.removeprefix("a=")
            elif not mentions(message, target) or message.address == wire.ANNOUNCE_ADDRESS:
                continue
            if ufrags.get(sender):
                known["ufrag"] = ufrags[sender]
            yield _Sample(number, kind, message, known)


def _running_numbers(attempt: SeenAttempt) -> str | None:
    """Return the field that counts the signals of each side, or None.

    A field that tells offers from answers counts nothing: their values differ.
    """
    numbers: dict[str, dict[str, list[int]]] = {attempt.offerer: {}, attempt.answerer: {}}
    for sender, message in (*attempt.connecting, *attempt.ending):
        if message.address != wire.ANNOUNCE_ADDRESS:
            for name, value in _integers(message.value):
                numbers[sender].setdefault(name, []).append(value)
    for name, offered in numbers[attempt.offerer].items():
        answered = numbers[attempt.answerer].get(name, [])
        is_counted = all(_ascends(each) for each in (offered, answered))
        if is_counted and offered[:1] == answered[:1] and len(offered) + len(answered) > 2:
            return name
    return None


def _integers(value: wire.Value, name: str = "") -> Iterable[tuple[str, int]]:
    """Yield the integers in `value`, also inside JSON text, each with the path to it."""
    match value:
        case dict():
            for key, item in value.items():
                yield from _integers(item, f"{name}.{key}" if name else key)
        case list():
            for index, item in enumerate(value):
                yield from _integers(item, f"{name}[{index}]")
        case str() if (content := json_content(value)) is not None:
            yield from _integers(content, name)
        case int() if not isinstance(value, bool):
            yield name, value
        case _:
            pass


def _ascends(numbers: Sequence[int]) -> bool:
    return all(one < other for one, other in pairwise(numbers))


def mentions(message: Carrier, session: str) -> bool:
    """Return whether the address or the value of a message names `session`.

    A router may number its sessions: a short id counts only as a whole value, or as a part of the address,
    and a longer one is not the beginning of another, as in `room/7/1` and `room/7/12`.
    """
    scalars = (*scalars_of(message.value), *scalars_of(message.value, in_json=False))
    values = [each for each in scalars if isinstance(each, str)]
    if session in values or session in message.address.split("/"):
        return True
    whole = re.compile(rf"(?<!\w){re.escape(session)}(?!\w)")
    return len(session) >= RECOGNIZABLE and any(map(whole.search, (message.address, *values)))


def holds_sdp(message: Carrier) -> bool:
    """Return whether the published value contains an SDP at any depth."""
    return bool(contents_of(message).descriptions)


def _correlation_id(attempt: int, samples: Sequence[_Sample]) -> str | int | None:
    """Return the value that only offer and answer of one attempt share; None if there is none."""
    of_kind: dict[SignalKind, set[str | int]] = {}
    elsewhere: set[str | int] = set()
    for sample in samples:
        values = set(scalars_of(sample.message.value))
        if sample.attempt != attempt:
            elsewhere |= values
        elif sample.kind in (wire.Offer, wire.Answer):
            of_kind.setdefault(sample.kind, values).intersection_update(values)
            elsewhere |= {each for each in sample.known.values() if isinstance(each, str)}
    if len(of_kind) < 2:
        return None
    shared = of_kind[wire.Offer] & of_kind[wire.Answer] - elsewhere
    if len(shared) > 1:
        raise Unlearned("several values of its answers are those of the offers")
    return next(iter(shared), None)


def message_template(message: Carrier, known: Mapping[str, wire.Value]) -> MessageTemplate:
    """Return the template of `message`, in which the values of `known` are the variables."""
    address, value = text_template(message.address, known), template_of(message.value, known)
    return MessageTemplate(address, value, isinstance(message, wire.Set))


def _require_usable(found: Mapping[SignalKind, MessageTemplate]) -> None:
    if any("target" not in template.variables for template in found.values()):
        raise Unlearned("its signals do not name their receiver")
    if any("sender" not in template.variables for template in found.values()):
        raise Unlearned("its signals do not name their sender")
    if found[wire.Offer] == found[wire.Answer]:
        raise Unlearned("its offers and its answers have the same form")


def _public(kind: SignalKind, correlation: Template | None) -> Fields:
    """Return the public map of a signal, with its correlation id in the form `correlation`, if any."""
    example = {
        wire.Offer: wire.Offer("", "", ""),
        wire.Answer: wire.Answer("", "", ""),
        wire.IceCandidate: wire.IceCandidate("", "", ""),
        wire.ConnectedSignal: wire.ConnectedSignal("", ""),
        wire.DisconnectedSignal: wire.DisconnectedSignal("", ""),
    }[kind]
    variables = {"from": "sender", "sdp": "sdp", "candidate": "candidate text"}
    items: dict[str, Template] = {}
    for key, value in wire.encode_signal(example).items():
        if key == "correlation_id":
            if correlation is not None:
                items[key] = correlation
        else:
            items[key] = Text((Variable(variables[key]),)) if key in variables else Text((str(value),))
    return Fields(tuple(sorted(items.items())))


def _of_public_layout(offer: MessageTemplate, answer: MessageTemplate) -> dict[SignalKind, MessageTemplate]:
    """Return the templates of all signals, if offer and answer contain the map of the public client."""
    if offer.address != answer.address:
        return {}
    for correlation in (Text((Variable("correlation"),)), Variable("correlation"), None):
        offered, answered = _public(wire.Offer, correlation), _public(wire.Answer, correlation)
        if _replaced(offer.value, offered, answered) == answer.value:
            return {
                kind: MessageTemplate(
                    offer.address, _replaced(offer.value, offered, _public(kind, correlation)), offer.sets
                )
                for kind in (wire.IceCandidate, wire.ConnectedSignal, wire.DisconnectedSignal)
            }
    return {}


def _replaced(template: Template, old: Template, new: Template) -> Template:
    if template == old:
        return new
    match template:
        case Fields():
            return Fields(tuple((key, _replaced(item, old, new)) for key, item in template.items))
        case Elements():
            return Elements(tuple(_replaced(item, old, new) for item in template.items))
        case JsonText():
            return JsonText(_replaced(template.content, old, new))
        case _:
            return template


def _is_of_the_reference(found: Mapping[SignalKind, MessageTemplate]) -> bool:
    address = Text((wire.SIGNAL_PREFIX, Variable("target")))
    return all(
        found[kind] == MessageTemplate(address, _public(kind, Text((Variable("correlation"),))))
        for kind in (wire.Offer, wire.Answer)
    )


# Relayed payloads


def learn_relay(relays: Sequence[SeenRelay]) -> MessageTemplate | None:
    """Return the template of a relayed payload; None if it is that of the reference, or not known."""
    found: set[MessageTemplate] = set()
    for relay in relays:
        known: Bindings = {"sender": relay.sender, "target": relay.target, "data": relay.payload}
        templates = [message_template(message, known) for message in relay.messages]
        whole = [each for each in templates if {"data", "target"} <= each.variables and not each.sets]
        if not whole:
            return None
        found.update(whole)
    if len(found) > 1:  # They differ in the mark of the reliability, or have no common form.
        found = {MessageTemplate(each.address, _with_reliability(each.value)) for each in found}
    return found.pop() if len(found) == 1 and found != {RELAY_OF_THE_REFERENCE} else None


def _with_reliability(template: Template) -> Template:
    """Return `template` with a variable in the place of each bool."""
    match template:
        case Constant(value=bool()):
            return Variable("reliable", "bool")
        case Fields():
            return Fields(tuple((key, _with_reliability(item)) for key, item in template.items))
        case Elements():
            return Elements(tuple(_with_reliability(item) for item in template.items))
        case JsonText():
            return JsonText(_with_reliability(template.content))
        case _:
            return template


# Payloads on the channels


def learn_payloads(samples: Sequence[tuple[bytes, bytes]]) -> PayloadForm | None:
    """Return the form of payloads, given some and the messages that carried them; None if they are raw.

    Raises `Unlearned` if they have no common form.
    """
    if not samples:
        raise Unlearned("no message of a channel was read as a payload")
    if all(payload == message for payload, message in samples):
        return None
    framed = {_framed(*sample) for sample in samples}
    if len(framed) == 1 and (form := framed.pop()) is not None:
        return form
    enclosed = {_enclosed(*sample) for sample in samples}
    if len(enclosed) == 1 and (form := enclosed.pop()) is not None:
        return form
    raise Unlearned("the form of its payloads on the channels changes from message to message")


def _framed(payload: bytes, message: bytes) -> FramedPayload | None:
    try:
        content, _ = wire.decode(message)
    except wire.WireError:
        return None
    if not isinstance(content, wire.Publish | wire.Set):
        return None
    template = message_template(content, {"data": payload})
    return FramedPayload(template) if set(template.variables) == {"data"} else None


def _enclosed(payload: bytes, message: bytes) -> EnclosedPayload | None:
    for form in ("", "base64", "hex"):
        before, inner, after = message.partition(EnclosedPayload(form=form).frame(payload))
        if inner:
            return EnclosedPayload(before, after, form)
    return None
