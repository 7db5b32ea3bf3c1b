"""Partners that misbehave, for scenarios that judge who stands opposite them: `opposite=` names one.

Each is the reference with a script around its core, and what it does is wrong, or at least unusual.
Those that wait for a prompt do their deed when the first direct message of the other reaches them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.p2p_types import Data
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sdp import without_candidates
from clasp_e2e.scripted.mutant import NO_CALL, Outs, PeerScript

UNKNOWN = "no-such-attempt"
"""A correlation id that nobody gave to anything."""

CANDIDATE = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
"""A candidate behind which is nobody."""

GOSSIP = fx.ChannelSpec("gossip", ordered=True)
"""A channel that the protocol does not know."""

LARGE = 300_000
"""Bytes: more than any WebRTC stack that is known here says it takes (262144)."""

FLOOD = 300
"""Messages at once: a router may limit what a session sends, the public one to 1000 a second."""


class Signaling(PeerScript):
    """A script over the signals that negotiate: offers and answers."""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.Offer() | wire.Answer() as description):
                return (replace(effect, signal=signal) for signal in self.describe(description))
            case _:
                return (effect,)

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        """Return the signals that are sent instead of `description`."""
        return (description,)


class AnswersTwice(Signaling):
    """Its answer comes twice."""

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        return (description,) * (2 if isinstance(description, wire.Answer) else 1)


class OffersTwice(Signaling):
    """Its offer comes twice."""

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        return (description,) * (2 if isinstance(description, wire.Offer) else 1)


class NamesAnotherAttempt(Signaling):
    """Before its offer or answer, it sends signals of an attempt that nobody knows.

    The answer among them has an ICE password that nobody has: made use of, nothing connects.
    """

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        sender = description.sender
        unusable = description.sdp.replace("a=ice-pwd:", "a=ice-pwd:wrong").replace(
            "a=setup:actpass", "a=setup:active"
        )
        yield wire.Answer(sender, unusable, UNKNOWN)
        yield wire.IceCandidate(sender, CANDIDATE, UNKNOWN)
        yield wire.DisconnectedSignal(sender, UNKNOWN, "no such attempt")
        yield description


class SaysConnectedTooEarly(Signaling):
    """With its offer or answer it says that it is connected, before there is a channel."""

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        connected = wire.ConnectedSignal(description.sender, description.correlation_id)
        return (description, connected)


class MumblesFirst(Signaling):
    """Before its offer or answer, it sends malformed ones in their place, and broken candidates."""

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        sender, sdp = description.sender, description.sdp
        for broken in ("", "v=0", "senseless", sdp[: len(sdp) // 3]):
            yield replace(description, sdp=broken, correlation_id=f"{UNKNOWN}-{len(broken)}")
        yield description
        for broken in ("", "candidate:", "{", '{"candidate": 7}', "candidate:1 1 udp x y z typ host"):
            yield wire.IceCandidate(sender, broken, description.correlation_id)


class Trickles(Signaling):
    """Its candidates come one by one, behind an SDP that holds none: as public clients do it."""

    early = 0
    """How often all candidates come before the SDP."""
    after = 1
    """How often they come after it."""

    def __init__(self) -> None:
        super().__init__()
        self.candidates: list[wire.IceCandidate] = []

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        sdp, candidates = without_candidates(description.sdp)
        sender, attempt = description.sender, description.correlation_id
        self.candidates = [wire.IceCandidate(sender, line.removeprefix("a="), attempt) for line in candidates]
        bare = replace(description, sdp=sdp)
        return (*self.candidates * self.early, bare, *self.candidates * self.after)


class TricklesEarlyToo(Trickles):
    """Its candidates come before its offer or answer, and again after it."""

    early = 1


class TricklesTwice(Trickles):
    """Each of its candidates comes twice."""

    after = 2


class Prompted(PeerScript):
    """A script that does its deed once, when the first direct message of the other comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.session = ""
        self.transport = 0
        self.peer = ""
        self._done = False

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ChannelMessage):
            self.transport = event.transport
        return (event,)

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SubscribeTo(pattern=pattern) if (session := wire.signal_target(pattern)) is not None:
                self.session = session
            case fx.Emit(event=Data(reliable=bool()) as data) if not self._done:
                self._done = True
                self.peer = data.peer_session_id or ""
                return (effect, *self.deed())
            case _:
                pass
        return (effect,)

    def deed(self) -> Iterator[fx.Effect]:
        """Return what it does."""
        raise NotImplementedError


class TricklesLate(Trickles, Prompted):
    """Its candidates come once more when the connection has long been standing."""

    def __init__(self) -> None:
        Trickles.__init__(self)
        Prompted.__init__(self)

    def alter(self, effect: fx.Effect) -> Outs:
        for out in Prompted.alter(self, effect):
            yield from Trickles.alter(self, out)

    def deed(self) -> Iterator[fx.Effect]:
        for candidate in self.candidates:
            yield fx.PublishSignal(self.peer, candidate)


class LeavesTheRouter(Prompted):
    """It leaves the router, and keeps its channels."""

    def deed(self) -> Iterator[fx.Effect]:
        yield fx.CloseSession()


class ClosesOneChannel(Prompted):
    """It closes its unreliable channel, and keeps the other."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        # Its own core would take the closed channel for the end of the connection.
        return () if isinstance(event, inputs.TransportLost) else super().alter_input(event)

    def deed(self) -> Iterator[fx.Effect]:
        yield fx.CloseChannel(self.transport, fx.UNRELIABLE.label)


class ClosesWithoutASignal(PeerScript):
    """It closes its channels, and sends no signal that says so."""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.DisconnectedSignal()):
                return ()
            case _:
                return (effect,)


class FloodsWithSignals(Prompted):
    """It sends signals of every kind at once, more than anybody needs."""

    def deed(self) -> Iterator[fx.Effect]:
        for number in range(FLOOD // 3):
            name = f"{UNKNOWN}-{number}"
            for signal in (
                wire.IceCandidate(self.session, CANDIDATE, name),
                wire.ConnectedSignal(self.session, name),
                wire.DisconnectedSignal(self.session, name),
            ):
                yield fx.PublishSignal(self.peer, signal)


class FloodsWithData(Prompted):
    """It sends more at once than anybody reads at once.

    On the reliable channel alone: among messages that it may give up, aiortc recovers those that it may
    not by time-outs, each longer than the one before.
    """

    def deed(self) -> Iterator[fx.Effect]:
        for _ in range(FLOOD):
            yield fx.SendOnChannel(NO_CALL, self.transport, fx.RELIABLE.label, bytes(1024))


class SendsTooMuchAtOnce(Prompted):
    """It sends a message that is larger than the other side takes."""

    def deed(self) -> Iterator[fx.Effect]:
        yield fx.SendOnChannel(NO_CALL, self.transport, fx.RELIABLE.label, bytes(LARGE), unlimited=True)


class OpensAnotherChannel(Prompted):
    """It opens a third channel, of another label, and sends on it."""

    def deed(self) -> Iterator[fx.Effect]:
        yield fx.OpenChannel(self.transport, GOSSIP, b"not for you")


class OpensChannelsTheOtherWayRound(PeerScript):
    """It opens the reliable channel first."""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer():
                return (replace(effect, channels=effect.channels[::-1]),)
            case _:
                return (effect,)
