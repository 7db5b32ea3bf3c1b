"""Peers that fail the requirements on connecting."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from clasp_e2e import wire
from clasp_e2e.drivers.interface import Refused
from clasp_e2e.drivers.reference import ReferencePeer
from clasp_e2e.p2p_types import SendResult
from clasp_e2e.peer import P2PNotConfigured, inputs
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.sdp import without_candidates
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, ScriptedDriver, drop, mutant


@mutant("CON-1", "It reports a session id of its own instead of the router's.")
class MakesUpItsSession(ScriptedDriver):
    async def open_peer(self, **arguments: Any) -> ReferencePeer:
        """Attach a client and rename it."""
        peer = await super().open_peer(**arguments)
        peer.session_id = f"session-of-{arguments['name']}"
        return peer


@mutant("CON-1", "It cannot attach to a router at all.", *EITHER)
class NeverAttaches(ScriptedDriver):
    async def open_peer(self, **_: object) -> ReferencePeer:
        """Refuse."""
        raise Refused("this client does not attach")


def without_lines(sdp: str, part: str) -> str:
    """Return `sdp` without the lines that contain `part`."""
    return "".join(line for line in sdp.splitlines(keepends=True) if part not in line)


NeverOffers = PeerScript.define(
    "NeverOffers",
    "CON-3",
    "It creates its offer but does not send it.",
    on=wire.Offer,
    alter=drop,
)
NeverAnswers = PeerScript.define(
    "NeverAnswers",
    "CON-3",
    "It does not answer offers.",
    "answerer",
    on=wire.Answer,
    alter=drop,
)


@mutant("CON-3", "Its answers bypass the router on their way to the offerer.", "both")
class AnswersPastTheRouter(PeerScript):
    _aside: dict[str, str] = {}  # noqa: RUF012 - shared on purpose: it bypasses the router

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Answer() as answer):
                self._aside[answer.correlation_id] = answer.sdp
                return (replace(effect, signal=replace(answer, sdp="")),)
            case _:
                return (effect,)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"type": "answer", "correlation_id": str(name), **rest}):
                sdp = self._aside.pop(name)
                return (
                    inputs.SignalReceived({**rest, "type": "answer", "correlation_id": name, "sdp": sdp}),
                )
            case _:
                return (event,)


AnswersWithoutAFingerprint = PeerScript.define(
    "AnswersWithoutAFingerprint", "CON-4", "Its answers contain no DTLS fingerprint.", "answerer",
    on=wire.Answer, alter=lambda _, answer: replace(answer, sdp=without_lines(answer.sdp, "a=fingerprint:")),
)  # fmt: skip


@mutant("CON-4", "Two such peers send their ICE passwords under a nonstandard attribute name.", "both")
class HidesThePassword(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Offer() | wire.Answer() as signal):
                sdp = signal.sdp.replace("a=ice-pwd:", "a=x-secret:")
                return (replace(effect, signal=replace(signal, sdp=sdp)),)
            case _:
                return (effect,)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"sdp": str(sdp), **rest}):
                return (inputs.SignalReceived({**rest, "sdp": sdp.replace("a=x-secret:", "a=ice-pwd:")}),)
            case _:
                return (event,)


def with_wrong_password(answer: wire.Answer) -> wire.Answer:
    """Return `answer` with a wrong ICE password."""
    return replace(answer, sdp=answer.sdp.replace("a=ice-pwd:", "a=ice-pwd:wrong"))


def with_nothing_to_use(answer: wire.Answer) -> wire.Answer:
    """Return `answer` with a wrong ICE password and without candidates."""
    return replace(answer, sdp=without_candidates(with_wrong_password(answer).sdp)[0])


IgnoresTheAnswer = PeerScript.define(
    "IgnoresTheAnswer",
    "CON-5",
    "It ignores the answer to its offer.",
    on=fx.AcceptAnswer,
    alter=drop,
)
AnswersWithAWrongPassword = PeerScript.define(
    "AnswersWithAWrongPassword", "CON-5", "Its answer contains a wrong ICE password.",
    "answerer", on=wire.Answer, alter=lambda _, answer: with_wrong_password(answer),
)  # fmt: skip
AnswersInVain = PeerScript.define(
    "AnswersInVain", "CON-5", "Its answer contains no candidates and a wrong ICE password.",
    "answerer", on=wire.Answer, alter=lambda _, answer: with_nothing_to_use(answer),
)  # fmt: skip
SendsNothing = PeerScript.define(
    "SendsNothing", "CON-6", "It returns P2P for a send, but sends nothing.", *EITHER,
    on=(fx.SendOnChannel, fx.PublishRelay), alter=lambda _, send: fx.Resolve(send.call, SendResult.P2P),
)  # fmt: skip
HangsWithoutP2P = PeerScript.define(
    "HangsWithoutP2P", "CON-7", "Without a P2P configuration its calls never return.",
    on=fx.Reject, alter=lambda _, no: () if isinstance(no.error, P2PNotConfigured) else (no,),
)  # fmt: skip


@mutant("CON-7", "Without a P2P configuration it accepts calls but does nothing.")
class TakesCallsWithoutP2P(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Reject(error=P2PNotConfigured()):
                return (fx.Resolve(effect.call, SendResult.RELAY if effect.call in self.sends else None),)
            case _:
                return (effect,)


@mutant("CON-10", "It sends everything to the first peer that it connected to.")
class KnowsOneConnection(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.first: int | None = None

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel():
                self.first = effect.transport if self.first is None else self.first
                return (replace(effect, transport=self.first),)
            case _:
                return (effect,)


@mutant("CON-10", "It drops the first connection when it connects to a second peer.")
class DropsTheFirstPeer(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.last: int | None = None

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer():
                dropped, self.last = self.last, effect.transport
                return (effect,) if dropped is None else (fx.CloseTransport(dropped), effect)
            case _:
                return (effect,)


AsksNoStunServer = PeerScript.define(
    "AsksNoStunServer", "ICE-1", "It does not use the configured STUN servers.", *EITHER,
    on=(fx.CreateOffer, fx.AcceptOffer), alter=lambda _, start: replace(start, ice_servers=()),
)  # fmt: skip
