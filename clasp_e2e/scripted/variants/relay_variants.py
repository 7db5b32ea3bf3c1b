"""Peers that relay otherwise, end connections otherwise, or have another rule for crossing offers."""

import base64
import json
from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.p2p_types import Data
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sending import RELAY_PREFIX
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import NO_CALL, Outs, PeerScript, drop
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.resilience import Crossing
from clasp_e2e.scripted.variant import variant, vary
from clasp_e2e.scripted.variants.signal_variants import text_map

RELAYING = ("SND-3", "RTE-4", "RTE-6", "RTE-9", "RTE-10", "RTE-11")
"""What depends on relayed payloads."""
UNJUDGED = (*RELAYING, "RTE-8")
"""What is not judged opposite the reference if relays differ; RTE-8 shares a scenario with others."""


class OwnRelay(PeerScript):
    """A script that relays payloads in messages of its own."""

    address = RELAY_PREFIX

    def __init__(self) -> None:
        super().__init__()
        self.session = ""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SubscribeTo(pattern=pattern) if pattern.startswith(RELAY_PREFIX):
                self.session = pattern.removeprefix(RELAY_PREFIX)
                yield fx.SubscribeTo(self.address + self.session)
            case fx.PublishRelay(
                value={"from": str(sender), "data": bytes(data), "reliable": bool(reliable)}
            ):
                address = self.address + effect.address.removeprefix(RELAY_PREFIX)
                *first, last = self.encode(Data(sender, data, reliable))
                for value in first:
                    yield fx.PublishRelay(NO_CALL, address, value)
                yield fx.PublishRelay(effect.call, address, last)
            case _:
                yield effect

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.RelayReceived():
                value = event.value
            case inputs.OtherMessageReceived() if event.message.address == self.address + self.session:
                value = event.message.value
            case _:
                yield event
                return
        yield from self.received(value)

    def received(self, value: wire.Value) -> Iterable[inputs.Input]:
        """Yield the relayed payload that is complete with `value`, if one is."""
        if (data := self.decode(value)) is not None:
            yield inputs.RelayReceived(
                {"from": data.peer_session_id or "", "data": data.data, "reliable": bool(data.reliable)}
            )

    def encode(self, data: Data) -> list[wire.Value]:
        """Return the values to publish for a payload."""
        return [{"from": data.peer_session_id, "data": data.data, "reliable": data.reliable}]

    def decode(self, value: wire.Value) -> Data | None:
        """Return the payload that is complete with `value`, or None."""
        match value:
            case {"from": str(sender), "data": bytes(data), "reliable": bool(reliable)}:
                return Data(sender, data, reliable)
            case _:
                return None


@variant(OpenPoint.RELAY, "It relays by an address of its own.", *RELAYING, not_judged=UNJUDGED)
class RelaysByItsOwnAddress(OwnRelay):
    address = "/app/inbox/"


@variant(OpenPoint.RELAY, "It relays payloads as base64 text.", *RELAYING, not_judged=UNJUDGED)
class RelaysAsBase64(OwnRelay):
    def encode(self, data: Data) -> list[wire.Value]:
        return [{"by": data.peer_session_id, "base64": base64.b64encode(data.data).decode()}]

    def decode(self, value: wire.Value) -> Data | None:
        match value:
            case {"by": str(sender), "base64": str(text)}:
                return Data(sender, base64.b64decode(text), True)
            case _:
                return None


@variant(OpenPoint.RELAY, "It relays payloads in JSON text.", *RELAYING, not_judged=UNJUDGED)
class RelaysAsJson(OwnRelay):
    address = "/app/inbox/"

    def encode(self, data: Data) -> list[wire.Value]:
        return [json.dumps({"from": data.peer_session_id, "hex": data.data.hex()})]

    def decode(self, value: wire.Value) -> Data | None:
        match text_map(value) if isinstance(value, str) else None:
            case {"from": str(sender), "hex": str(digits)}:
                return Data(sender, bytes.fromhex(digits), True)
            case _:
                return None


@variant(OpenPoint.RELAY, "It relays payloads in pieces of 4,000 bytes.", *RELAYING, not_judged=UNJUDGED)
class RelaysInPieces(OwnRelay):
    address = "/app/pieces/"

    def __init__(self) -> None:
        super().__init__()
        self.begun: dict[str, bytes] = {}

    def encode(self, data: Data) -> list[wire.Value]:
        pieces = [data.data[at : at + 4000] for at in range(0, len(data.data), 4000)] or [b""]
        left = len(pieces)
        return [
            {"from": data.peer_session_id, "piece": piece, "left": left - number}
            for number, piece in enumerate(pieces, 1)
        ]

    def decode(self, value: wire.Value) -> Data | None:
        match value:
            case {"from": str(sender), "piece": bytes(piece), "left": int(left)}:
                whole = self.begun.pop(sender, b"") + piece
                if not left:
                    return Data(sender, whole, True)
                self.begun[sender] = whole
            case _:
                pass
        return None


@variant(OpenPoint.RELAY, "It sends a receipt for each relayed payload.", *RELAYING)
class SendsReceipts(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data(peer_session_id=str(sender))):
                return (effect, fx.PublishRelay(NO_CALL, f"/app/receipts/{sender}", {"received": True}))
            case _:
                return (effect,)


@variant(OpenPoint.RELAY, "The event of a relayed payload names neither sender nor reliability.", *RELAYING)
class NamesNoSenderOfARelay(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.relayed: list[bytes] = []

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.RelayReceived(value={"data": bytes(data)}):
                self.relayed.append(data)
            case _:
                pass
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Data(data=data)) if data in self.relayed:
                return (fx.Emit(Data(None, data, None)),)
            case _:
                return (effect,)


# Ends.

ENDING = ("EVT-3", "EVT-7", "EVT-8", "SND-15")
"""What depends on the end of a connection."""

# fmt: off
EndsByASignal = vary(
    "EndsByASignal", OpenPoint.ENDING, "It ends a connection by a signal, and its channels silently.",
    *ENDING, on=fx.CloseTransport, alter=lambda _, end: replace(end, silent=True),
)
EndsByItsChannels = vary(
    "EndsByItsChannels", OpenPoint.ENDING, "It ends a connection by its channels, without a signal.",
    *ENDING, on=wire.DisconnectedSignal, alter=drop,
)
# fmt: on


async def _nothing() -> None:
    """Send no SCTP ABORT."""


class EndingByDtls(AiortcTransport):
    """A transport that ends with a DTLS alert, without ending its SCTP association."""

    async def end(self, *, silent: bool) -> None:
        """Close the transport by DTLS alone."""
        if self._pc is not None and self._pc.sctp is not None:
            setattr(self._pc.sctp, "_abort", _nothing)  # noqa: B010 - there is no public hook
        await super().end(silent=silent)


@variant(OpenPoint.ENDING, "It ends a connection by DTLS alone.", *ENDING)
class EndsByDtls(PeerScript):
    webrtc = EndingByDtls

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.DisconnectedSignal()):
                return ()
            case _:
                return (effect,)


# Crossing offers.


def accepted(event: inputs.Input, sender: str) -> Iterable[inputs.Input]:
    """Return the inputs with which the core accepts an offer that crossed its own at once."""
    return (event, inputs.TimerFired(("crossing", sender)))


@variant(
    OpenPoint.GLARE, "Of two crossing offers, that of the greater session id wins.", "CON-8", "EVT-6",
    not_judged=["CON-8", "EVT-6"],
)  # fmt: skip
class PrefersTheGreaterId(Crossing):
    def cross(self, event: inputs.Input, sender: str, own: wire.Offer) -> Iterable[inputs.Input]:
        return () if own.sender > sender else accepted(event, sender)


@variant(
    OpenPoint.GLARE, "Of two crossing offers, that of the smaller correlation id wins.", "CON-8", "EVT-6",
    not_judged=["CON-8", "EVT-6"],
)  # fmt: skip
class PrefersTheSmallerAttempt(Crossing):
    def cross(self, event: inputs.Input, sender: str, own: wire.Offer) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"correlation_id": str(other)}):
                return () if own.correlation_id < other else accepted(event, sender)
            case _:
                return (event,)
