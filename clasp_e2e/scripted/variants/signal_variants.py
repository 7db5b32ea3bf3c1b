"""Peers whose signals look or travel otherwise than those of the reference."""

import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]  # published without types

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.scripted.mutant import Outs, PeerScript, drop
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant, vary

TOUCHES = ("CON-3", "CON-4", "CON-5", "SIG-1", "SIG-2", "SIG-3")
"""What depends on reading signals."""

APART = ("CON-3",)
"""What is not judged between two implementations that cannot read each other's signals."""


class OwnSignals(PeerScript):
    """A script that translates between the reference's signals and its own messages.

    It does not accept the signals of the reference.
    """

    address = wire.SIGNAL_PREFIX
    """What precedes the target session in the address of a signal."""

    def __init__(self) -> None:
        super().__init__()
        self.session = ""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal():
                value = self.encode(wire.encode_signal(effect.signal))
                yield from self.publish(wire.Publish(self.address + effect.target, value))
            case fx.SubscribeTo(pattern=pattern) if (session := wire.signal_target(pattern)) is not None:
                self.session = session
                yield fx.SubscribeTo(self.address + session)
            case _:
                yield effect

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived():
                received = event.value
            case inputs.OtherMessageReceived() if event.message.address == self.address + self.session:
                received = event.message.value
            case _:
                yield event
                return
        if (value := self.decode(received)) is not None:
            yield inputs.SignalReceived(value)

    def publish(self, message: wire.Publish) -> Iterable[fx.Effect]:
        """Return the effects that send the signal in `message`."""
        return (fx.SendToRouter(message),)

    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        """Return the value to publish for a signal of the reference."""
        return {**signal}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        """Return the signal of the reference for a published value, or None if it is not a signal."""
        return value if isinstance(value, dict) else None


def text_map(text: str | bytes) -> dict[str, wire.Value] | None:
    """Return the map in a JSON text, or None."""
    try:
        found: object = json.loads(text)
    except ValueError:
        return None
    return cast("dict[str, wire.Value]", found) if isinstance(found, dict) else None


# Where signals go, and in which messages.


@variant(OpenPoint.SIGNAL_ROUTE, "Its signals go to an address of its own.", *TOUCHES,
         deviations=["SIG-1"], not_judged=APART)  # fmt: skip
class SignalsAtItsOwnAddress(OwnSignals):
    address = "/app/calls/"


@variant(OpenPoint.SIGNAL_ROUTE, "It sets a parameter for each signal.", *TOUCHES,
         deviations=["SIG-1", "SIG-2"], not_judged=APART)  # fmt: skip
class SignalsByParameters(OwnSignals):
    address = "/app/calls/"

    def publish(self, message: wire.Publish) -> Iterable[fx.Effect]:
        return (fx.SendToRouter(wire.Set(message.address, message.value)),)


@variant(OpenPoint.SIGNAL_ROUTE, "It sends each signal in a BUNDLE.", *TOUCHES, deviations=["SIG-1"])
class SignalsInBundles(OwnSignals):
    def publish(self, message: wire.Publish) -> Iterable[fx.Effect]:
        return (fx.SendToRouter(wire.Bundle((message,))),)


@variant(OpenPoint.SIGNAL_ROUTE, "It sends its signals in MessagePack.", *TOUCHES)
class SignalsInMessagePack(OwnSignals):
    def publish(self, message: wire.Publish) -> Iterable[fx.Effect]:
        fields = {"type": "PUBLISH", "address": message.address, "signal": "event", "value": message.value}
        packb = cast("Callable[[object], bytes]", msgpack.packb)  # pyright: ignore[reportUnknownMemberType]
        return (fx.SendToRouter(wire.encode_frame(wire.Frame(packb(fields), wire.QoS.CONFIRM))),)


@variant(OpenPoint.SIGNAL_ROUTE, "Its signals are streams with a timestamp and an id.", *TOUCHES)
class SignalsAsAStream(OwnSignals):
    def publish(self, message: wire.Publish) -> Iterable[fx.Effect]:
        return (fx.SendToRouter(replace(message, signal=wire.SignalType.STREAM, timestamp=1, id=7)),)


# What they look like.


@variant(OpenPoint.SIGNAL_LAYOUT, "Its signals have other field names.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class UsesItsOwnFieldNames(OwnSignals):
    names = {  # noqa: RUF012
        "type": "kind", "from": "sender", "correlation_id": "call", "sdp": "description",
        "candidate": "ice", "reason": "why",
    }  # fmt: skip

    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {self.names[key]: value for key, value in signal.items()}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        if not isinstance(value, dict) or "kind" not in value:
            return None
        return {key: value[name] for key, name in self.names.items() if name in value}


@variant(OpenPoint.SIGNAL_LAYOUT, "Its signals are nested in a map of its own.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class NestsItsSignals(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {"version": 2, "message": {"p2p": [signal]}}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        match value:
            case {"message": {"p2p": [dict(signal)]}}:
                return signal
            case _:
                return None


@variant(OpenPoint.SIGNAL_LAYOUT, "Its signals are JSON text.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class SignalsAsJson(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return json.dumps(signal)

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        return text_map(value) if isinstance(value, str) else None


@variant(OpenPoint.SIGNAL_LAYOUT, "Its signals are lists.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class SignalsAsLists(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return [part for pair in signal.items() for part in pair]

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        if not isinstance(value, list) or len(value) % 2:
            return None
        return dict(zip(map(str, value[::2]), value[1::2], strict=True))


@variant(OpenPoint.SIGNAL_LAYOUT, "It compresses its signals.", *TOUCHES, "TMO-5",
         deviations=["SIG-1", "SIG-2", "SIG-3"], not_judged=APART,
    unreadable=True)  # fmt: skip
class CompressesItsSignals(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return zlib.compress(json.dumps(signal).encode())

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        try:
            return text_map(zlib.decompress(value)) if isinstance(value, bytes) else None
        except zlib.error:
            return None


@variant(OpenPoint.SIGNAL_LAYOUT, "It encrypts its signals.", *TOUCHES,
         deviations=["SIG-1", "SIG-2", "SIG-3"], not_judged=APART,
    unreadable=True)  # fmt: skip
class EncryptsItsSignals(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {"from": signal["from"], "sealed": self.cipher(json.dumps(signal).encode())}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        match value:
            case {"sealed": bytes(sealed)}:
                return text_map(self.cipher(sealed))
            case _:
                return None

    def cipher(self, data: bytes) -> bytes:
        """Return `data` encrypted, or decrypted, by a cipher that is good enough for the harness."""
        return bytes(byte ^ 0xA5 for byte in data)


@variant(OpenPoint.SIGNAL_LAYOUT, "Its signals have fields that the reference does not know.", *TOUCHES)
class AddsFields(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {"version": 3, "sent_at": 1.5, **signal, "device": {"name": "tablet", "tags": ["a", None]}}


# Correlation ids.


@variant(OpenPoint.CORRELATION, "Its correlation ids are integers.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class NumbersItsAttempts(OwnSignals):
    def __init__(self) -> None:
        super().__init__()
        self.names: dict[int, str] = {}

    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        name = str(signal["correlation_id"])
        number = int(name[:15], 16)
        self.names.setdefault(number, name)
        return {**signal, "correlation_id": number}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        if not isinstance(value, dict) or not isinstance(number := value.get("correlation_id"), int):
            return None
        return {**value, "correlation_id": self.names.setdefault(number, f"{number:015x}")}


@variant(OpenPoint.CORRELATION, "Its signals have no correlation id.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class CorrelatesNothing(OwnSignals):
    """It finds the attempt of a signal by the sender: each answer belongs to its last offer."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: dict[str, str] = {}
        self.offers = 0

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.PublishSignal):
            self.latest[effect.target] = effect.signal.correlation_id
        yield from super().alter(effect)

    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {key: value for key, value in signal.items() if key != "correlation_id"}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        if not isinstance(value, dict) or "correlation_id" in value:
            return None
        sender = str(value.get("from"))
        if value.get("type") == "offer":
            self.offers += 1
            self.latest[sender] = f"offer {self.offers} of {sender}"
        return {**value, "correlation_id": self.latest.get(sender, "")}


def with_id(signal: wire.Signal, correlation_id: str) -> wire.Signal:
    """Return `signal` with another correlation id."""
    return replace(signal, correlation_id=correlation_id)


class OwnIds(PeerScript):
    """A script whose attempts have correlation ids of its own; those of the other side are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.renamed: dict[str, str] = {}

    def rename(self, correlation_id: str) -> str:
        """Return the correlation id that the other side sees."""
        raise NotImplementedError

    def alter(self, effect: fx.Effect) -> Outs:
        if not isinstance(effect, fx.PublishSignal):
            return (effect,)
        name = effect.signal.correlation_id
        if isinstance(effect.signal, wire.Offer):
            self.renamed[name] = self.rename(name)
        return (replace(effect, signal=with_id(effect.signal, self.renamed.get(name, name))),)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"correlation_id": str(seen)} as value):
                name = next((own for own, other in self.renamed.items() if other == seen), seen)
                return (inputs.SignalReceived({**value, "correlation_id": name}),)
            case _:
                return (event,)


@variant(OpenPoint.CORRELATION, "Its correlation ids have 2,000 characters.", *TOUCHES)
class UsesLongIds(OwnIds):
    def rename(self, correlation_id: str) -> str:
        return correlation_id * 62


@variant(OpenPoint.CORRELATION, "Its correlation ids have spaces and characters beyond ASCII.", *TOUCHES)
class UsesUnusualIds(OwnIds):
    def rename(self, correlation_id: str) -> str:
        return f"Anruf № {correlation_id[:12]} / é"


# `connected`, `disconnected` and announcements.

# fmt: off
NeverSaysConnected = vary(
    "NeverSaysConnected", OpenPoint.OTHER_SIGNALS, "It sends no `connected`.",
    "CON-5", "EVT-1", "EVT-2", "EVT-3", "SIG-2", "CON-8", on=wire.ConnectedSignal, alter=drop,
)
SaysConnectedTwice = vary(
    "SaysConnectedTwice", OpenPoint.OTHER_SIGNALS, "It sends `connected` twice.",
    "EVT-1", "EVT-2", "SIG-2", on=wire.ConnectedSignal, alter=lambda _, signal: (signal, signal),
)
NeverSaysDisconnected = vary(
    "NeverSaysDisconnected", OpenPoint.OTHER_SIGNALS, "It sends no `disconnected`: closed channels say it.",
    "EVT-3", "EVT-7", "SND-15", "SIG-2", on=wire.DisconnectedSignal, alter=drop,
)
SaysDisconnectedTwice = vary(
    "SaysDisconnectedTwice", OpenPoint.OTHER_SIGNALS, "It sends `disconnected` twice.",
    "EVT-3", "EVT-7", "SND-15", "SIG-2", on=wire.DisconnectedSignal, alter=lambda _, signal: (signal, signal),
)
AnnouncesNothing = vary(
    "AnnouncesNothing", OpenPoint.OTHER_SIGNALS, "It does not announce itself.", "SIG-5", "CON-5",
    on=fx.PublishAnnouncement, alter=drop, deviations=["SIG-5"],
)
AnnouncesRepeatedly = vary(
    "AnnouncesRepeatedly", OpenPoint.OTHER_SIGNALS, "It announces itself every second, ten times.",
    "SIG-5", "CON-5", "RTE-9", "DIR-1", on=fx.PublishAnnouncement,
    alter=lambda _, announcement: (
        announcement, *(fx.Delayed(float(number), announcement) for number in range(1, 10))
    ),
)
# fmt: on
