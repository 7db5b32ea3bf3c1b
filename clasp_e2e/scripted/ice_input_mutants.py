"""Peers that mishandle unusual candidates, or those that come before their description."""

from collections.abc import Iterable

from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sdp import candidate_attribute
from clasp_e2e.scripted.mutant import EITHER, Outs, PeerScript, mutant


def close_at(text: str, added: fx.AddCandidate) -> fx.Effect:
    """Return what ends the attempt if the candidate contains `text`, else the candidate."""
    return fx.CloseTransport(added.transport, silent=True) if text in added.candidate else added


# fmt: off
EndsAtAHiddenAddress = PeerScript.define(
    "EndsAtAHiddenAddress", "ICE-6", "It ends the attempt at a candidate with a `.local` name.", *EITHER,
    on=fx.AddCandidate, alter=lambda _, added: close_at(".local", added),
)
EndsAtATcpCandidate = PeerScript.define(
    "EndsAtATcpCandidate", "ICE-6", "It ends the attempt at a candidate for TCP.",
    on=fx.AddCandidate, alter=lambda _, added: close_at(" tcptype ", added),
)
EndsAtTheEndOfCandidates = PeerScript.define(
    "EndsAtTheEndOfCandidates", "ICE-6", "It ends the attempt at an empty candidate.", "answerer",
    on=fx.AddCandidate, alter=lambda _, added: close_at('"candidate": ""', added),
)
IgnoresUnknownExtensions = PeerScript.define(
    "IgnoresUnknownExtensions", "ICE-6", "It ignores candidates with an extension that it does not know.",
    on=fx.AddCandidate, alter=lambda _, added: () if " x-note " in added.candidate else (added,),
)
# fmt: on


@mutant("ICE-6", "It ignores all candidates after one that it cannot use.")
class StopsAtAnUnusableCandidate(PeerScript):
    stopped = False

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.AddCandidate):
            self.stopped |= candidate_attribute(effect.candidate) is None
            return () if self.stopped else (effect,)
        return (effect,)


@mutant("ICE-6", "It ignores descriptions with a candidate of an unknown type.", "answerer")
class IgnoresDescriptionsWithUnknownTypes(PeerScript):
    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"sdp": str(sdp)}) if " typ novel" in sdp:
                return ()
            case _:
                return (event,)


class Described(PeerScript):
    """A script that knows which attempts the other side has described."""

    def __init__(self) -> None:
        super().__init__()
        self.described: set[str] = set()
        self.early: list[inputs.Input] = []

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"sdp": str(), "correlation_id": str(name)}):
                self.described.add(name)
                return (*self.early, event)
            case inputs.SignalReceived(value={"candidate": str(), "correlation_id": str(name)}):
                if name not in self.described:
                    self.precede(event)
                    return ()
            case _:
                pass
        return (event,)

    def precede(self, candidate: inputs.Input) -> None:
        """Handle a candidate that precedes its description."""


@mutant("ICE-7", "It drops candidates that arrive before their offer or answer.", *EITHER)
class DropsEarlyCandidates(Described):
    pass


@mutant("ICE-7", "Of the candidates that arrive before their offer or answer it keeps the last.", *EITHER)
class KeepsOneEarlyCandidate(Described):
    def precede(self, candidate: inputs.Input) -> None:
        self.early = [candidate]
