"""Peers whose signals have another encoding, or reach more sessions than their target."""

import base64
import hashlib
import json
from collections.abc import Iterable

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sdp import without_candidates
from clasp_e2e.scripted.mutant import NO_CALL, Outs
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant
from clasp_e2e.scripted.variants.signal_variants import APART, TOUCHES, OwnSignals, text_map


@variant(OpenPoint.SIGNAL_ROUTE, "It broadcasts its signals, which name their target.", *TOUCHES,
         deviations=["SIG-1"], not_judged=[*APART, "CON-14"], unreadable=True)  # fmt: skip
class BroadcastsItsSignals(OwnSignals):
    room = "/app/room"

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal():
                value = {**wire.encode_signal(effect.signal), "to": effect.target}
                yield fx.SendToRouter(wire.Publish(self.room, value))
            case fx.SubscribeTo(pattern=pattern) if (session := wire.signal_target(pattern)) is not None:
                self.session = session
                yield fx.SubscribeTo(self.room)
            case _:
                yield effect

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.OtherMessageReceived(message=wire.Publish(address=self.room, value=dict(value))):
                if value.get("to") == self.session:
                    yield inputs.SignalReceived(value)
            case inputs.SignalReceived():
                pass
            case _:
                yield event


def hashed(session: str) -> str:
    """Return a name for `session` from which it cannot be read."""
    return hashlib.sha256(session.encode()).hexdigest()[:24]


@variant(OpenPoint.SIGNAL_ROUTE, "Its signals go to an address with a hash of the target session.", *TOUCHES,
         deviations=["SIG-1"], not_judged=APART)  # fmt: skip
class SignalsAtAHashedAddress(OwnSignals):
    place = "/app/calls/"

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal():
                address = self.place + hashed(effect.target)
                yield fx.SendToRouter(wire.Publish(address, wire.encode_signal(effect.signal)))
            case fx.SubscribeTo(pattern=pattern) if (session := wire.signal_target(pattern)) is not None:
                self.session = session
                yield fx.SubscribeTo(self.place + hashed(session))
            case _:
                yield effect

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.OtherMessageReceived(message=wire.Publish(address=address, value=dict(value))):
                if address == self.place + hashed(self.session):
                    yield inputs.SignalReceived(value)
            case inputs.SignalReceived():
                pass
            case _:
                yield event


@variant(OpenPoint.CORRELATION, "Each signal has an id of its own, and an answer also names its offer's.",
         *TOUCHES, deviations=["SIG-3"], not_judged=APART)  # fmt: skip
class NamesTheOfferOfAnAnswer(OwnSignals):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        self.count += 1
        name = f"{hashed(self.session)}-{self.count}"
        return {**signal, "correlation_id": name, "attempt": signal["correlation_id"]}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        match value:
            case {"attempt": str(attempt)}:
                return {**value, "correlation_id": attempt}
            case _:
                return None


@variant(OpenPoint.SIGNAL_LAYOUT, "It invites a session, and offers when that has accepted.", *TOUCHES,
         "TMO-4", deviations=["SIG-1", "SIG-2", "SIG-3"], not_judged=[*APART, "CON-14"],
         unreadable=True)  # fmt: skip
class InvitesBeforeItOffers(OwnSignals):
    address = "/app/calls/"

    def __init__(self) -> None:
        super().__init__()
        self.due: list[fx.Effect] = []
        """The effects that follow from a signal."""
        self.held: dict[str, list[fx.Effect]] = {}

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Offer()):
                self.held[effect.target] = [*super().alter(effect)]
                yield self.message(effect.target, "invite")
            case fx.Resolve(call=0):
                due, self.due = self.due, []
                yield from due
            case _:
                yield from super().alter(effect)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        for each in super().alter_input(event):
            match each:
                case inputs.SignalReceived(value={"type": "invite", "from": str(sender)}):
                    self.due.append(self.message(sender, "accept"))
                case inputs.SignalReceived(value={"type": "accept", "from": str(sender)}):
                    self.due += self.held.pop(sender, [])
                case _:
                    yield each
                    continue
            yield inputs.GetRoutingMode(NO_CALL)  # Its result lets `alter` do what is due.

    def message(self, target: str, kind: str) -> fx.Effect:
        """Return the effect that sends a message without an SDP."""
        return fx.SendToRouter(wire.Publish(self.address + target, {"type": kind, "from": self.session}))


@variant(OpenPoint.SIGNAL_LAYOUT, "Its signals are JSON text in pieces of 300 characters.", *TOUCHES,
         deviations=["SIG-1", "SIG-2", "SIG-3"], not_judged=APART, unreadable=True)  # fmt: skip
class SendsSignalsInPieces(OwnSignals):
    def __init__(self) -> None:
        super().__init__()
        self.begun: dict[str, str] = {}

    def publish(self, message: wire.Publish) -> Iterable[fx.Effect]:
        match message.value:
            case {"from": sender, "text": str(text)}:
                for at in range(0, len(text), 300):
                    piece = {"from": sender, "piece": text[at : at + 300], "more": at + 300 < len(text)}
                    yield fx.SendToRouter(wire.Publish(message.address, piece))
            case _:
                pass

    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {"from": signal["from"], "text": json.dumps(signal)}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        match value:
            case {"from": str(sender), "piece": str(piece), "more": bool(more)}:
                text = self.begun.pop(sender, "") + piece
                if not more:
                    return text_map(text)
                self.begun[sender] = text
            case _:
                pass
        return None


@variant(OpenPoint.SIGNAL_LAYOUT, "Its signals are JSON text in base64.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class SignalsInBase64(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return base64.b64encode(json.dumps(signal).encode()).decode()

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        try:
            return text_map(base64.b64decode(value, validate=True)) if isinstance(value, str) else None
        except ValueError:
            return None


@variant(OpenPoint.SIGNAL_LAYOUT, "Its SDP is base64 in a field of the usual signal.", *TOUCHES,
         not_judged=[*APART, "SEC-1", "SEC-4"], unreadable=True)  # fmt: skip
class DescribesInBase64(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        match signal:
            case {"sdp": str(sdp)}:
                return {**signal, "sdp": base64.b64encode(sdp.encode()).decode()}
            case _:
                return {**signal}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        match value:
            case {"sdp": str(text)}:
                try:
                    return {**value, "sdp": base64.b64decode(text, validate=True).decode()}
                except ValueError:
                    return None
            case _:
                return super().decode(value)


@variant(OpenPoint.SIGNAL_LAYOUT, "Its signals are JSON text as bytes.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class SignalsAsBytes(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return json.dumps(signal).encode()

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        return text_map(value) if isinstance(value, bytes) else None


@variant(OpenPoint.SIGNAL_LAYOUT, "Its SDP is a list of lines.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class DescribesInLines(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        match signal:
            case {"sdp": str(sdp)}:
                return {**signal, "sdp": list(sdp.splitlines())}
            case _:
                return {**signal}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        match value:
            case {"sdp": list(lines)}:
                return {**value, "sdp": "".join(f"{line}\r\n" for line in lines)}
            case {"sdp": _}:
                return None
            case _:
                return super().decode(value)


@variant(OpenPoint.CANDIDATE_FORM, "It signals all candidates of an SDP in one list.", "CON-5", "ICE-5",
         "SIG-2", deviations=["SIG-2"], not_judged=["CON-5", "ICE-3", "ICE-4"])  # fmt: skip
class ListsItsCandidates(OwnSignals):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Offer() | wire.Answer() as description):
                lines = description.sdp.splitlines()
                kept = [line for line in lines if not line.startswith(("a=candidate", "a=end-of-"))]
                listed = [line.removeprefix("a=") for line in lines if line.startswith("a=candidate")]
                sdp = "".join(f"{line}\r\n" for line in kept)
                signal: dict[str, wire.Value] = {**wire.encode_signal(description), "sdp": sdp}
                more: dict[str, wire.Value] = {**signal, "type": "candidates", "candidates": list(listed)}
                del more["sdp"]
                for value in (signal, more):
                    address = wire.signal_address(effect.target)
                    yield fx.SendToRouter(wire.Publish(address, value))
            case _:
                yield effect

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "candidates", "candidates": list(lines)} as value):
                for line in lines:
                    yield inputs.SignalReceived({**value, "type": "ice_candidate", "candidate": line})
            case _:
                yield event


@variant(OpenPoint.SIGNAL_LAYOUT, "Its SDP is a map, as browsers have it.", *TOUCHES,
         deviations=["SIG-2", "SIG-3"], not_judged=APART)  # fmt: skip
class DescribesByAMap(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        if "sdp" not in signal:
            return {**signal}
        return {**signal, "sdp": {"type": signal["type"], "sdp": signal["sdp"]}}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        match value:
            case {"sdp": {"sdp": str(sdp)}}:
                return {**value, "sdp": sdp}
            case dict() if "sdp" not in value:
                return value
            case _:
                return None


@variant(OpenPoint.SIGNAL_LAYOUT, "Its signals have a version, and it ignores signals without one.", *TOUCHES,
         "SEC-3", not_judged=APART)  # fmt: skip
class RequiresAVersion(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        return {**signal, "version": 2}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        return value if isinstance(value, dict) and value.get("version") == 2 else None


@variant(OpenPoint.CANDIDATE_FORM, "An SDP without candidates comes with a list of them.", *TOUCHES, "ICE-3",
         deviations=["SIG-2"], not_judged=["CON-5", "ICE-3", "ICE-4"])  # fmt: skip
class ListsCandidatesWithItsSdp(OwnSignals):
    def encode(self, signal: dict[str, wire.Value]) -> wire.Value:
        match signal:
            case {"sdp": str(sdp)}:
                sdp, lines = without_candidates(sdp)
                return {**signal, "sdp": sdp, "candidates": [line.removeprefix("a=") for line in lines]}
            case _:
                return {**signal}

    def decode(self, value: wire.Value) -> dict[str, wire.Value] | None:
        match value:
            case {"sdp": str(sdp), "candidates": list(lines)}:
                return {**value, "sdp": sdp + "".join(f"a={line}\r\n" for line in lines)}
            case dict():
                return value
            case _:
                return None
