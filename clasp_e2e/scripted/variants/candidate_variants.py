"""Peers whose ICE candidates differ from those of the reference, or travel otherwise."""

import json
from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.sdp import without_candidates
from clasp_e2e.scripted.mutant import Outs, PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant

TOUCHES = ("CON-5", "ICE-5", "SIG-2")
"""What depends on candidates."""

UNUSED = "candidate:77 1 udp 1 127.0.0.1 9 typ host"
"""A candidate of the lowest priority at which there is no peer."""


def as_json(line: str) -> str:
    """Return the candidate in the form of browsers, as the public client sends it."""
    return json.dumps({"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": None})


class Describing(PeerScript):
    """A script that replaces each offer or answer by other signals, or effects that send them."""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Offer() | wire.Answer() as description):
                for signal in self.describe(description):
                    yield self.publish(replace(effect, signal=signal))
            case _:
                yield effect

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        """Return the signals that are sent instead of `description`."""
        return (description,)

    def publish(self, effect: fx.PublishSignal) -> fx.Effect:
        """Return the effect that sends the signal of `effect`."""
        return effect


class Trickling(Describing):
    """A script whose SDP has no candidates, and which signals each candidate after it."""

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        sdp, lines = without_candidates(description.sdp)
        yield replace(description, sdp=sdp)
        yield from self.candidates(description, [line.removeprefix("a=") for line in lines])

    def candidates(self, description: wire.Offer | wire.Answer, lines: list[str]) -> Iterable[wire.Signal]:
        """Return the signals of the candidates in `lines`."""
        for line in lines:
            yield self.signal(description, as_json(line))

    def signal(self, description: wire.Offer | wire.Answer, text: str) -> wire.IceCandidate:
        """Return the signal of one candidate of `description`."""
        return wire.IceCandidate(description.sender, text, description.correlation_id)


@variant(OpenPoint.CANDIDATE_DELIVERY, "It trickles all candidates after an SDP without any.", *TOUCHES)
class TricklesAllCandidates(Trickling):
    pass


@variant(OpenPoint.CANDIDATE_FORM, "It trickles each candidate as a bare line.", *TOUCHES)
class TricklesLines(Trickling):
    def candidates(self, description: wire.Offer | wire.Answer, lines: list[str]) -> Iterable[wire.Signal]:
        return (self.signal(description, line) for line in lines)


@variant(OpenPoint.CANDIDATE_FORM, "It trickles each candidate as a map.", *TOUCHES, deviations=["SIG-2"])
class TricklesMaps(Trickling):
    def publish(self, effect: fx.PublishSignal) -> fx.Effect:
        if not isinstance(effect.signal, wire.IceCandidate):
            return effect
        value = {**wire.encode_signal(effect.signal), "candidate": json.loads(effect.signal.candidate)}
        return fx.SendToRouter(wire.Publish(wire.signal_address(effect.target), value))


@variant(OpenPoint.CANDIDATE_DELIVERY, "Its SDP has one candidate, and others follow in signals.", *TOUCHES)
class TricklesHalf(Trickling):
    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        first, *others = super().describe(description)
        assert isinstance(first, wire.Offer | wire.Answer)
        yield replace(first, sdp=f"{first.sdp}a={UNUSED}\r\n")
        yield from others


@variant(OpenPoint.CANDIDATE_DELIVERY, "It signals its candidates before the SDP.", *TOUCHES, "EVT-6")
class TricklesBeforeItsSdp(Trickling):
    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        first, *others = super().describe(description)
        return (*others, first)


@variant(OpenPoint.CANDIDATE_DELIVERY, "It signals each candidate twice, and in its SDP too.", *TOUCHES)
class RepeatsItsCandidates(Trickling):
    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        _, *others = super().describe(description)
        return (description, *others, *others)


@variant(OpenPoint.CANDIDATE_DELIVERY, "It signals the end of its candidates by an empty one.", *TOUCHES)
class EndsItsCandidates(Trickling):
    def candidates(self, description: wire.Offer | wire.Answer, lines: list[str]) -> Iterable[wire.Signal]:
        yield from super().candidates(description, lines)
        yield self.signal(description, as_json(""))
        yield self.signal(description, "")


@variant(OpenPoint.CANDIDATE_DELIVERY, "It signals its candidates a second after the SDP.", *TOUCHES)
class TricklesSlowly(Trickling):
    def publish(self, effect: fx.PublishSignal) -> fx.Effect:
        return fx.Delayed(1.0, effect) if isinstance(effect.signal, wire.IceCandidate) else effect


@variant(OpenPoint.CANDIDATE_DELIVERY, "Its SDP does not end its candidates.", *TOUCHES)
class DoesNotEndItsCandidates(Describing):
    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        return (replace(description, sdp=description.sdp.replace("a=end-of-candidates\r\n", "")),)


class Offering(Describing):
    """A script that changes the lines of the host candidates of its SDP."""

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        lines: list[str] = []
        for line in description.sdp.splitlines():
            lines += self.offer(line) if line.startswith("a=candidate:") and " typ host" in line else [line]
        return (replace(description, sdp="\r\n".join(lines) + "\r\n"),)

    def offer(self, line: str) -> list[str]:
        """Return the lines instead of that of a host candidate."""
        return [line]


def like(line: str, *, address: str, port: str = "9", kind: str = "host", more: str = "") -> str:
    """Return a UDP candidate line like `line`, but with a lower priority and another address."""
    fields = line.split()
    return f"a=candidate:99 1 udp {int(fields[3]) - 99} {address} {port} typ {kind}{more}"


@variant(OpenPoint.CANDIDATE_KIND, "It offers an IPv6 candidate before its IPv4 one.", *TOUCHES)
class OffersIPv6First(Offering):
    def offer(self, line: str) -> list[str]:
        return [like(line, address="::1"), like(line, address="fe80::1"), line]


@variant(OpenPoint.CANDIDATE_KIND, "It offers TCP candidates before its UDP one.", *TOUCHES)
class OffersTcpFirst(Offering):
    def offer(self, line: str) -> list[str]:
        udp = like(line, address="127.0.0.1")
        return [f"{udp.replace(' udp ', ' tcp ')} tcptype {kind}" for kind in ("active", "passive")] + [line]


@variant(OpenPoint.CANDIDATE_KIND, "It hides the address of its candidate by mDNS.", *TOUCHES)
class HidesItsAddress(Offering):
    def offer(self, line: str) -> list[str]:
        fields = line.split()
        fields[4] = "6d5f5c2e-9f0a-4a62-8f4e-0a8b6f1e7a11.local"
        return [" ".join(fields)]


@variant(OpenPoint.CANDIDATE_KIND, "It offers a server-reflexive and a relayed candidate too.", *TOUCHES)
class OffersOtherKindsToo(Offering):
    def offer(self, line: str) -> list[str]:
        more = " raddr 127.0.0.1 rport 9"
        reflexive = like(line, address="127.0.0.9", kind="srflx", more=more)
        return [line, reflexive, like(line, address="127.0.0.9", port="10", kind="relay", more=more)]


@variant(OpenPoint.CANDIDATE_KIND, "Its candidates have extensions as those of browsers.", *TOUCHES)
class ExtendsItsCandidates(Offering):
    def offer(self, line: str) -> list[str]:
        return [f"{line} generation 0 network-id 1 network-cost 10"]


@variant(
    OpenPoint.CANDIDATE_KIND, "Its answers have no host candidates: its checks show its address.",
    "CON-5", "EVT-1", "ICE-3", not_judged=["ICE-5"], unreadable=True,
)  # fmt: skip
class AnswersWithoutCandidates(Describing):
    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        if isinstance(description, wire.Answer):
            sdp, lines = without_candidates(description.sdp)
            relayed = "".join(f"{line}\r\n" for line in lines if " typ relay " in line)
            description = replace(description, sdp=sdp + relayed)
        return (description,)
