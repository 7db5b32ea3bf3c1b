"""Peers that read only some forms of offers and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.errors import PayloadTooLarge
from clasp_e2e.scripted.mutant import EITHER, Mutant, Outs, PeerScript, mutant


def sdp_of(event: inputs.Input) -> str | None:
    """Return the SDP of an offer or answer, or None for other inputs."""
    match event:
        case inputs.SignalReceived(value={"sdp": str(sdp)}):
            return sdp
        case _:
            return None


def reading(name: str, broken: str, can_read: Callable[[str], bool]) -> Mutant:
    """Define a mutant of SIG-9 that ignores the descriptions that it cannot read."""

    def alter_input(_: PeerScript, event: inputs.Input) -> Iterable[inputs.Input]:
        sdp = sdp_of(event)
        return (event,) if sdp is None or can_read(sdp) else ()

    members = {"alter_input": alter_input, "__module__": __name__}
    return mutant("SIG-9", broken, *EITHER)(type(name, (PeerScript,), members))


def media_of(sdp: str) -> str:
    """Return the media part of `sdp`."""
    return sdp[sdp.find("m=") :]


NeedsCarriageReturns = reading(
    "NeedsCarriageReturns", "It reads no SDP whose lines end with LF alone.", lambda sdp: "\r\n" in sdp
)
ReadsTheMediaPartOnly = reading(
    "ReadsTheMediaPartOnly",
    "It looks for fingerprints in the media part only.",
    lambda sdp: "a=fingerprint:" in media_of(sdp),
)
StumblesOverAttributes = reading(
    "StumblesOverAttributes", "It reads no SDP with unknown attributes.", lambda sdp: "a=x-" not in sdp
)
TakesTheFirstFingerprint = reading(
    "TakesTheFirstFingerprint",
    "Of several fingerprints it takes the first, whatever its hash function.",
    lambda sdp: sdp.partition("a=fingerprint:")[2].startswith("sha-"),
)
NeedsAMessageSize = reading(
    "NeedsAMessageSize", "It reads no SDP without `max-message-size`.", lambda sdp: "max-message-size" in sdp
)


@mutant("SIG-9", "It takes `max-message-size:0` for a limit of 0 bytes.", *EITHER)
class TakesZeroForALimit(PeerScript):
    is_zero = False

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        self.is_zero |= "a=max-message-size:0\r" in (sdp_of(event) or "")
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel() if self.is_zero:
                return (fx.Reject(effect.call, PayloadTooLarge("the other side takes 0 bytes")),)
            case _:
                return (effect,)
