"""The conventions of each client of a scenario, as its messages and its partner show them.

The names are those of `conventions.toml`. Signals and payloads are recognized by their content, so that any
form is recognized that contains an SDP, a candidate or a payload unchanged.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from clasp_e2e import wire
from clasp_e2e.network import Candidate
from clasp_e2e.network.rewriting import Contents, contents_of
from clasp_e2e.network.session_description import is_sdp

Carrier: TypeAlias = wire.Publish | wire.Set
"""The messages that carry a value from a client to the router."""

OWN_FORM = "a form of its own"
"""Payloads in pieces, with marks, or altered: it excuses nothing unless two of the kind are seen to work."""

LARGE = 8192
"""Bytes: a smaller payload does not show whether payloads are relayed in pieces."""

RECOGNIZABLE = 8
"""Bytes: a shorter payload may occur in other data by chance."""

UNREADABLE = "content that the harness cannot read"


_ID = re.compile(r"(?<=/)(?=[^/]*\d)[\w.~=+-]{8,}(?=/|$)")
"""A part of an address with digits and of some length."""


def carriers_in(message: wire.Message | None) -> Iterator[Carrier]:
    """Yield the messages with a value in `message`, which may be a bundle."""
    match message:
        case wire.Publish() | wire.Set():
            yield message
        case wire.Bundle():
            for inner in message.messages:
                yield from carriers_in(inner)
        case _:
            pass


@dataclass(slots=True)
class ClientTraffic:
    """What was seen of one client in a scenario."""

    session: str
    """Its session id."""
    others: frozenset[str]
    """All other session ids that occurred in the scenario."""
    carriers: list[Carrier]
    """What it sent to the router with a value, in order."""
    sent: list[bytes] = field(default_factory=list[bytes])
    """The payloads that its application sent."""
    relayed: list[bytes] = field(default_factory=list[bytes])
    """Those that it reported as relayed; a copy of another is no relay."""
    arrived_at_reference: list[bytes] = field(default_factory=list[bytes])
    """What reached reference peers from it, as they read it."""
    channels: frozenset[str] | None = None
    """The labels of the channels that it opened to a reference peer; None if that was not seen."""
    answers_share_text: bool | None = None
    """Whether its answers have the correlation id of their offers, or else a text; None without answers."""
    crossing: frozenset[str] = frozenset()
    """The session ids of this and another client whose offers crossed."""
    crossing_answered: frozenset[str] = frozenset()
    """Those of `crossing` whose offers were answered."""

    def correlation_of(self, sdp: str) -> str | None:
        """Return the `correlation_id` with which it sent `sdp`; None if its signals have no such field."""
        for carrier in self.carriers:
            match carrier.value:
                case {"correlation_id": str(name)} if sdp in contents_of(carrier).descriptions:
                    return name
                case _:
                    pass
        return None


def conventions_of(seen: ClientTraffic) -> dict[str, frozenset[str]]:
    """Return the values of the conventions of a client by name, without those that were not seen."""
    found: dict[str, frozenset[str]] = {}
    addresses: set[str] = set()
    forms: set[str] = set()
    candidate_forms: set[str] = set()
    other: list[Carrier] = []
    for carrier in seen.carriers:
        contents = contents_of(carrier)
        if contents:
            addresses.add(_template(carrier.address, seen))
            if contents.descriptions:
                forms.add(_signal_form(carrier))
            if contents.candidates:
                with_sdp = " with the SDP" if contents.descriptions else ""
                candidate_forms.add(_candidate_form(carrier.value) + with_sdp)
        elif carrier.address != wire.ANNOUNCE_ADDRESS and not _is_signal(carrier.value):
            other.append(carrier)
    relays = {relay for carrier in other if (relay := _relay(carrier, seen, seen.relayed, LARGE))}
    unread = {_template(each.address, seen) for each in other if _relay(each, seen, seen.sent) is None}
    unread = {address for address in unread if "{target}" in address or "{id}" in address}
    if unread and not seen.relayed and not forms:
        addresses |= unread
        forms.add(UNREADABLE)
    elif seen.relayed and not any(_relay(each, seen, seen.relayed) for each in other):
        relays = {f"{address}: {UNREADABLE}" for address in unread}
    for name, values in (
        ("signal address", addresses),
        ("signal form", forms),
        ("candidate form", candidate_forms),
        ("relay", relays),
    ):
        if values:
            found[name] = frozenset(values)
    if seen.answers_share_text is not None:
        rule = "that of the offer" if seen.answers_share_text else "another"
        found["correlation id of an answer"] = frozenset([rule])
    if framing := _framing(seen):
        found["payload framing"] = frozenset([framing])
    if seen.arrived_at_reference and not seen.sent:
        found["first message on a channel"] = frozenset(["a message of its own"])
    if rule := _tie_break(seen):
        found["tie-break"] = frozenset([rule])
    if seen.channels is not None:
        found["channels"] = frozenset([", ".join(sorted(seen.channels)) or "none opened in-band"])
    return found


def _tie_break(seen: ClientTraffic) -> str | None:
    if len(seen.crossing_answered) > 1:
        return "both offers are answered"
    for winner in seen.crossing_answered:
        return f"the offer of the {'smaller' if winner == min(seen.crossing) else 'greater'} session id wins"
    return None


def _template(address: str, seen: ClientTraffic) -> str:
    """Return `address` with the session ids replaced by `{target}` and `{sender}`.

    A part that looks like a hash or another id, which may be made of them, is replaced by `{id}`.
    """
    for session in sorted(seen.others, key=len, reverse=True):
        address = _replace(address, session, "{target}")
    return _ID.sub("{id}", _replace(address, seen.session, "{sender}"))


def _replace(address: str, session: str, name: str) -> str:
    if len(session) >= RECOGNIZABLE:
        return address.replace(session, name)
    return re.sub(rf"(?<=/){re.escape(session)}(?=/|$)", lambda _: name, address)


def _is_signal(value: wire.Value) -> bool:
    try:
        wire.decode_signal(value)
    except wire.WireError:
        return False
    return True


def _signal_form(carrier: Carrier) -> str:
    kind = "a PUBLISH" if isinstance(carrier, wire.Publish) else "a SET"
    return f"{kind} of {_value_form(carrier.value)}"


def _value_form(value: wire.Value) -> str:
    match value:
        case {"sdp": str(text)} if _is_signal(value):
            more = sorted(value.keys() - {"type", "from", "correlation_id", "sdp"})
            fields = ", ".join(["type", "from", "correlation_id", "sdp", *more])
            return f"a map with {fields}{'' if is_sdp(text) else ' (encoded)'}"
        case dict():
            fields = sorted(
                key if isinstance(item, str) else f"{key} (no string)" for key, item in value.items()
            )
            return f"a map with {', '.join(fields)}"
        case list():
            return f"a list with {_value_form(value[0])}" if value else "an empty list"
        case str():
            with suppress(ValueError, RecursionError):
                return f"JSON text of {_value_form(json.loads(value))}"
            return "text"
        case bytes():
            return "bytes"
        case _:
            return type(value).__name__


def _candidate_form(value: wire.Value) -> str:
    """Return how a trickled candidate is encoded, in whichever field."""
    match value:
        case str():
            return "JSON text or a line"
        case list():
            return "a list"
        case dict():
            if Candidate.read(str(value.get("candidate"))) and "type" not in value:
                return "a map"
            return next(
                (_candidate_form(item) for item in value.values() if contents_of_value(item).candidates),
                UNREADABLE,
            )
        case _:
            return UNREADABLE


def contents_of_value(value: wire.Value) -> Contents:
    """Return the ICE content of a value."""
    return contents_of(wire.Publish("/", value=value))


def _relay(
    carrier: Carrier, seen: ClientTraffic, payloads: list[bytes], least: int = RECOGNIZABLE
) -> str | None:
    """Return address and form of one of `payloads` of `least` bytes or more; None if there is none."""
    recognizable = [payload for payload in payloads if len(payload) >= least]
    whole = _bytes_in(carrier.value)  # Found first: to compare each value with each payload takes long.
    for payload in [each for each in recognizable if each in whole] or recognizable:
        if form := _payload_form(carrier.value, payload):
            return f"{_template(carrier.address, seen)}: {form}"
    return None


def _bytes_in(value: wire.Value) -> set[bytes]:
    """Return the bytes that `value` contains, at any depth."""
    match value:
        case bytes():
            return {value}
        case dict():
            return set[bytes]().union(*map(_bytes_in, value.values()))
        case list():
            return set[bytes]().union(*map(_bytes_in, value))
        case _:
            return set()


def _payload_form(value: wire.Value, payload: bytes) -> str | None:
    match value:
        case bytes() if value == payload:
            return "bytes"
        case bytes() if payload in value:
            return "bytes with more"
        case bytes() if len(value) >= RECOGNIZABLE and value in payload:
            return "bytes in pieces"
        case str() if _is_text_of(value, payload):
            return "text"
        case dict():
            inner = next((form for item in value.values() if (form := _payload_form(item, payload))), None)
            return inner and f"{inner} in a map with {', '.join(sorted(value))}"
        case list():
            inner = next((form for item in value if (form := _payload_form(item, payload))), None)
            return inner and f"{inner} in a list"
        case _:
            return None


def _is_text_of(text: str, payload: bytes) -> bool:
    """Return whether `text` contains the payload as base64 or hexadecimal digits, or is the payload.

    It is if it has the payload as its UTF-8, or a character for each byte.
    """
    if len(text) < len(payload):  # Neither base64 nor hexadecimal digits are shorter.
        return 4 * len(text) >= len(payload) and text.encode(errors="replace") == payload
    encoded = base64.b64encode(payload).decode().rstrip("=")
    forms = (encoded, encoded.replace("+", "-").replace("/", "_"), payload.hex())
    is_payload = text.encode(errors="replace") == payload or text == payload.decode("latin-1")
    return is_payload or any(form in text for form in forms)


def _framing(seen: ClientTraffic) -> str | None:
    """Return how payloads were framed on the channels to a reference peer; None if that was not seen."""
    directly = [data for data in seen.arrived_at_reference if data not in seen.relayed]
    arrived = [data for data in directly if len(data) >= RECOGNIZABLE]
    forms = Counter(_frame_form(data, seen.sent) for data in arrived) if seen.sent else Counter[str]()
    # Payloads that are too short to be recognized may have any form.
    forms[OWN_FORM] -= sum(len(payload) < RECOGNIZABLE for payload in seen.sent)
    # One payload may look like the form of another by chance.
    form, count = max(forms.items(), key=lambda each: each[1])
    return form if count > 0 else None


def _frame_form(data: bytes, sent: list[bytes]) -> str:
    if data in sent:
        return "raw bytes"
    with suppress(wire.WireError):
        wire.decode(data)
        return "CLASP frames"
    with suppress(UnicodeDecodeError):
        text = data.decode()
        if any(len(payload) >= RECOGNIZABLE and _is_text_of(text, payload) for payload in sent):
            return "text"
    return OWN_FORM
