"""Peers that fail to connect, to be connected, or to say so as the requirements on connecting ask."""

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
from clasp_e2e.scripted.mutant import EITHER, MutantDriver, Outs, PeerScript, drop, mutant


@mutant("CON-1", "It tells a session id of its own making instead of the router's.")
class MakesUpItsSession(MutantDriver):
    async def open_peer(self, **arguments: Any) -> ReferencePeer:
        """Attach a client and rename it."""
        peer = await super().open_peer(**arguments)
        peer.session_id = f"session-of-{arguments['name']}"
        return peer


@mutant("CON-1", "It cannot attach to a router at all.", *EITHER)
class NeverAttaches(MutantDriver):
    async def open_peer(self, **_: object) -> ReferencePeer:
        """Refuse."""
        raise Refused("this client attaches to nobody")


def without_lines(sdp: str, part: str) -> str:
    """Return `sdp` without the lines that hold `part`."""
    return "".join(line for line in sdp.splitlines(keepends=True) if part not in line)


NeverOffers = PeerScript.define(
    "NeverOffers",
    "CON-3",
    "It makes its offer and keeps it to itself.",
    on=wire.Offer,
    alter=drop,
)
NeverAnswers = PeerScript.define(
    "NeverAnswers",
    "CON-3",
    "It answers no offer.",
    "answerer",
    on=wire.Answer,
    alter=drop,
)


@mutant("CON-3", "Its answers reach their offerer by a way of their own, past the router.", "both")
class AnswersPastTheRouter(PeerScript):
    _aside: dict[str, str] = {}  # noqa: RUF012 - shared on purpose: it is the way of their own

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
    "AnswersWithoutAFingerprint", "CON-4", "Its answers hold no DTLS fingerprint.", "answerer",
    on=wire.Answer, alter=lambda _, answer: replace(answer, sdp=without_lines(answer.sdp, "a=fingerprint:")),
)  # fmt: skip


@mutant("CON-4", "Two of a kind hide their ICE passwords under a name of their own.", "both")
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
    """Return `answer` with an ICE password that is not in use."""
    return replace(answer, sdp=answer.sdp.replace("a=ice-pwd:", "a=ice-pwd:wrong"))


def with_nothing_to_use(answer: wire.Answer) -> wire.Answer:
    """Return `answer` with a wrong ICE password and without candidates."""
    return replace(answer, sdp=without_candidates(with_wrong_password(answer).sdp)[0])


IgnoresTheAnswer = PeerScript.define(
    "IgnoresTheAnswer",
    "CON-5",
    "It makes no use of the answer to its offer.",
    on=fx.AcceptAnswer,
    alter=drop,
)
AnswersWithAWrongPassword = PeerScript.define(
    "AnswersWithAWrongPassword", "CON-5", "The ICE password in its answer is not the one that it uses.",
    "answerer", on=wire.Answer, alter=lambda _, answer: with_wrong_password(answer),
)  # fmt: skip
AnswersInVain = PeerScript.define(
    "AnswersInVain", "CON-5", "Its answer holds none of its candidates, and a wrong ICE password.",
    "answerer", on=wire.Answer, alter=lambda _, answer: with_nothing_to_use(answer),
)  # fmt: skip
SendsNothing = PeerScript.define(
    "SendsNothing", "CON-6", "It says P2P of what it sends, and sends nothing.", *EITHER,
    on=(fx.SendOnChannel, fx.PublishRelay), alter=lambda _, send: fx.Resolve(send.call, SendResult.P2P),
)  # fmt: skip
HangsWithoutP2P = PeerScript.define(
    "HangsWithoutP2P", "CON-7", "Without a P2P configuration its calls never return.",
    on=fx.Reject, alter=lambda _, no: () if isinstance(no.error, P2PNotConfigured) else (no,),
)  # fmt: skip


@mutant("CON-7", "Without a P2P configuration it takes calls and does nothing.")
class TakesCallsWithoutP2P(PeerScript):
    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Reject(error=P2PNotConfigured()):
                return (fx.Resolve(effect.call, SendResult.RELAY if effect.call in self.sends else None),)
            case _:
                return (effect,)


@mutant("CON-10", "It sends everything to the peer that it connected to first.")
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


@mutant("CON-10", "Connecting to a second peer, it drops the first.")
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
    "AsksNoStunServer", "ICE-1", "It asks none of the STUN servers that it was given.", *EITHER,
    on=(fx.CreateOffer, fx.AcceptOffer), alter=lambda _, start: replace(start, ice_servers=()),
)  # fmt: skip
