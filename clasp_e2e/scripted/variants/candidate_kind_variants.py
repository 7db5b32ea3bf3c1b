"""Peers whose candidates, or ICE credentials, are of other kinds than those of the reference."""

from collections.abc import Iterable

from aiortc import RTCPeerConnection

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import Outs, PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant
from clasp_e2e.scripted.variants.candidate_variants import TOUCHES, Offering, Trickling, like


@variant(OpenPoint.CANDIDATE_KIND, "Its only candidate is a server-reflexive one.", *TOUCHES, "ICE-4")
class OffersOnlyReflexive(Offering):
    def offer(self, line: str) -> list[str]:
        return [line.replace("typ host", "typ srflx raddr 0.0.0.0 rport 9")]


@variant(OpenPoint.CANDIDATE_KIND, "It trickles a server-reflexive candidate alone.", *TOUCHES, "ICE-4")
class TricklesOnlyReflexive(Trickling):
    def candidates(self, description: wire.Offer | wire.Answer, lines: list[str]) -> Iterable[wire.Signal]:
        return super().candidates(
            description, [line.replace("typ host", "typ srflx raddr 0.0.0.0 rport 9") for line in lines]
        )


@variant(OpenPoint.CANDIDATE_KIND, "Its only candidate is a relayed one, of a relay of its own.", *TOUCHES)
class OffersOnlyRelayed(Offering):
    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        # A relay of its own would carry what the configured TURN server has to carry (ICE-3).
        has_server = " typ relay" in description.sdp
        return (description,) if has_server else super().describe(description)

    def offer(self, line: str) -> list[str]:
        return [line.replace("typ host", "typ relay raddr 0.0.0.0 rport 9")]


@variant(OpenPoint.CANDIDATE_KIND, "A server-reflexive candidate comes before its host candidate.", *TOUCHES)
class OffersReflexiveFirst(Offering):
    def offer(self, line: str) -> list[str]:
        more = " raddr 127.0.0.1 rport 9"
        return [like(line, address="127.0.0.9", kind="srflx", more=more), line]


@variant(OpenPoint.CANDIDATE_KIND, "It offers 30 candidates, of which the last is usable.", *TOUCHES)
class OffersMany(Offering):
    def offer(self, line: str) -> list[str]:
        unusable = [like(line, address=f"fd00::{number}", port=str(number)) for number in range(1, 30)]
        return [each.replace(":99 ", f":{number} ") for number, each in enumerate(unusable)] + [line]


@variant(OpenPoint.CANDIDATE_KIND, "It writes the transport of its candidates in upper case.", *TOUCHES)
class WritesInUpperCase(Offering):
    def offer(self, line: str) -> list[str]:
        return [line.replace(" udp ", " UDP ")]


class OnSeveralAddresses(AiortcTransport):
    """A transport with three loopback addresses."""

    loopback_addresses = ("127.0.0.3", "127.0.0.2", "127.0.0.1")


@variant(OpenPoint.CANDIDATE_KIND, "It has host candidates on three addresses.", *TOUCHES, "ICE-1")
class HasSeveralAddresses(PeerScript):
    webrtc = OnSeveralAddresses


class OnAnotherAddress(AiortcTransport):
    """A transport on another loopback address than 127.0.0.1."""

    loopback_addresses = ("127.0.0.77",)


@variant(OpenPoint.CANDIDATE_KIND, "Its host candidate is on 127.0.0.77.", *TOUCHES, "ICE-1")
class IsOnAnotherAddress(PeerScript):
    webrtc = OnAnotherAddress


class OnIPv6(AiortcTransport):
    """A transport on the IPv6 loopback address alone."""

    loopback_addresses = ("::1",)


@variant(OpenPoint.CANDIDATE_KIND, "Its only candidate is on ::1.", *TOUCHES, "ICE-1", "EVT-1", "CON-6",
         not_judged=["ICE-1", "ICE-4", "ICE-5"], unreadable=True)  # fmt: skip
class IsOnIPv6(PeerScript):
    webrtc = OnIPv6


class WithLongCredentials(AiortcTransport):
    """A transport with ICE credentials of 256 characters, the longest that are allowed."""

    async def _describe(self, pc: RTCPeerConnection) -> None:
        assert pc.sctp is not None
        ice = pc.sctp.transport.transport._connection  # pyright: ignore[reportPrivateUsage]
        name, password = ice.local_username, ice.local_password
        ice._local_username = (name + "+/") * 42 + name[:4]  # pyright: ignore[reportPrivateUsage]
        ice._local_password = (password + "/+") * 10 + password[:16]  # pyright: ignore[reportPrivateUsage]
        await super()._describe(pc)


@variant(OpenPoint.SDP, "Its ICE credentials have some 250 characters.", *TOUCHES, "CON-4", "SEC-4")
class UsesLongCredentials(PeerScript):
    webrtc = WithLongCredentials


@variant(
    OpenPoint.CANDIDATE_DELIVERY, "It keeps its candidates until its offer is answered.", *TOUCHES, "CON-8"
)
class HoldsItsCandidates(Trickling):
    def __init__(self) -> None:
        super().__init__()
        self.held: list[fx.Effect] = []

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Offer()):
                first, *self.held = super().alter(effect)
                return (first,)
            case fx.AcceptAnswer():
                held, self.held = self.held, []
                return (effect, *held)
            case _:
                return super().alter(effect)


@variant(OpenPoint.CANDIDATE_DELIVERY, "Null is its last candidate.", *TOUCHES)
class EndsItsCandidatesByNull(Trickling):
    def candidates(self, description: wire.Offer | wire.Answer, lines: list[str]) -> Iterable[wire.Signal]:
        yield from super().candidates(description, lines)
        yield self.signal(description, "null")
        yield self.signal(description, '{"candidate":null,"sdpMid":"0","sdpMLineIndex":0}')


@variant(OpenPoint.CANDIDATE_DELIVERY, "`a=end-of-candidates` is its last candidate.", *TOUCHES)
class EndsItsCandidatesByAnAttribute(Trickling):
    def candidates(self, description: wire.Offer | wire.Answer, lines: list[str]) -> Iterable[wire.Signal]:
        yield from super().candidates(description, lines)
        yield self.signal(description, "a=end-of-candidates")
