"""Misbehaving partners for scenarios that judge the peer opposite them: `opposite=` names one.

Each is the reference with a script around its core, and behaves incorrectly or unusually. A prompted
partner acts when it receives the first direct message of the other peer.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected, Data
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sdp import without_candidates
from clasp_e2e.scripted.adopted_conventions import AdoptedConventions
from clasp_e2e.scripted.mutant import NO_CALL, Outs, PeerScript
from clasp_e2e.scripted.steady_mutants import Tracking

UNKNOWN = "no-such-attempt"
"""A correlation id that no attempt has."""

CANDIDATE = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
"""A candidate at which there is no peer."""

GOSSIP = fx.ChannelSpec("gossip", ordered=True)
"""A channel label that the protocol does not define."""

LARGE = 300_000
"""Bytes: more than any known WebRTC stack advertises as its maximum (262144)."""

FIRST = b"sent as the channels opened " * 20
"""The message of a partner that sends as its channels open."""

FLOOD = 300
"""Messages at once: a router may limit the rate, the public one to 1000 a second per session."""


class Partner(PeerScript):
    """A partner that misbehaves, and what its misbehavior needs of the conventions that it uses."""

    needs_one_of: frozenset[type[wire.Signal]] = frozenset()
    """The types of signals of which it has to send at least one; empty if it needs none."""
    names_attempts = False
    """Whether the other side has to tell its signals apart by the correlation id."""
    opens_channels = False
    """Whether it has to open channels in-band."""

    @classmethod
    def obstacle(cls, conventions: AdoptedConventions) -> str | None:
        """Return why it cannot misbehave with `conventions`, or None."""
        signals, channels = conventions.signals, conventions.channels
        if signals is not None and cls.needs_one_of and cls.needs_one_of.isdisjoint(signals.templates):
            kinds = " or ".join(sorted(kind.__name__ for kind in cls.needs_one_of))
            return f"no {kinds} was seen, which the partner has to send"
        if signals is not None and cls.names_attempts and not signals.names_attempts:
            return "its signals do not name their attempt, as those of the partner have to"
        if channels is not None and cls.opens_channels and channels.are_negotiated:
            return "its channels are pre-negotiated, and the partner has to open them"
        return None


class Signaling(Partner):
    """A script that changes offers and answers."""

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
    """A partner that sends its answer twice."""

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        return (description,) * (2 if isinstance(description, wire.Answer) else 1)


class OffersTwice(Signaling):
    """A partner that sends its offer twice."""

    names_attempts = True

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        return (description,) * (2 if isinstance(description, wire.Offer) else 1)


class NamesAnotherAttempt(Signaling):
    """A partner that sends signals of an unknown attempt before its offer or answer.

    The answer among them contains a wrong ICE password: if it is used, no connection is possible.
    """

    names_attempts = True

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
    """A partner that sends `connected` along with its offer or answer, before there is a channel."""

    needs_one_of = frozenset({wire.ConnectedSignal})

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        connected = wire.ConnectedSignal(description.sender, description.correlation_id)
        return (description, connected)


class MumblesFirst(Signaling):
    """A partner that sends malformed descriptions and candidates before its offer or answer."""

    names_attempts = True

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        sender, sdp = description.sender, description.sdp
        for broken in ("", "v=0", "senseless", sdp[: len(sdp) // 3]):
            yield replace(description, sdp=broken, correlation_id=f"{UNKNOWN}-{len(broken)}")
        yield description
        for broken in ("", "candidate:", "{", '{"candidate": 7}', "candidate:1 1 udp x y z typ host"):
            yield wire.IceCandidate(sender, broken, description.correlation_id)


def in_json(line: str) -> str:
    """Return a candidate as browsers and the public client encode it."""
    return json.dumps({"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": None})


class Trickles(Signaling):
    """A partner that trickles its candidates after an SDP without any, as the public client does.

    The candidates have the form of those of the other side; before it has sent any, that of the public
    client.
    """

    needs_one_of = frozenset({wire.IceCandidate})
    early = 0
    """How often all candidates are sent before the SDP."""
    after = 1
    """How often all candidates are sent after the SDP."""

    def __init__(self) -> None:
        super().__init__()
        self.candidates: list[wire.IceCandidate] = []
        self.encode = in_json

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.SignalReceived(value={"candidate": str(candidate)}) if candidate:
                self.encode = in_json if candidate.lstrip().startswith("{") else str
            case _:
                pass
        return super().alter_input(event)

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        sdp, candidates = without_candidates(description.sdp)
        sender, attempt = description.sender, description.correlation_id
        texts = [self.encode(line.removeprefix("a=")) for line in candidates]
        self.candidates = [wire.IceCandidate(sender, text, attempt) for text in texts]
        bare = replace(description, sdp=sdp)
        return (*self.candidates * self.early, bare, *self.candidates * self.after)


class TricklesEarlyToo(Trickles):
    """A partner that sends its candidates before its offer or answer, and again after it."""

    early = 1


class TricklesTwice(Trickles):
    """A partner that sends each of its candidates twice."""

    after = 2


class Prompted(Partner):
    """A script that acts once, when the first direct message of the other peer arrives."""

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
                return (effect, *self.misbehave())
            case _:
                pass
        return (effect,)

    def misbehave(self) -> Iterator[fx.Effect]:
        """Return the effects of the misbehavior."""
        raise NotImplementedError


class TricklesLate(Trickles, Prompted):
    """A partner that sends its candidates again after the connection is established."""

    def __init__(self) -> None:
        Trickles.__init__(self)
        Prompted.__init__(self)

    def alter(self, effect: fx.Effect) -> Outs:
        for out in Prompted.alter(self, effect):
            yield from Trickles.alter(self, out)

    def misbehave(self) -> Iterator[fx.Effect]:
        for candidate in self.candidates:
            yield fx.PublishSignal(self.peer, candidate)


class SendsAsItConnects(Tracking, Partner):
    """A partner that sends a message when its channels open, before it reports Connected."""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.Emit(event=Connected(peer_session_id=peer)):
                yield fx.SendOnChannel(NO_CALL, self.established[peer], fx.RELIABLE.label, FIRST)
            case _:
                pass
        yield effect


class LeavesTheRouter(Prompted):
    """A partner that leaves the router and keeps its channels."""

    def misbehave(self) -> Iterator[fx.Effect]:
        yield fx.CloseSession()


class ClosesOneChannel(Prompted):
    """A partner that closes its unreliable channel and keeps the other."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        # Otherwise its own core would treat the closed channel as the end of the connection.
        return () if isinstance(event, inputs.TransportLost) else super().alter_input(event)

    def misbehave(self) -> Iterator[fx.Effect]:
        yield fx.CloseChannel(self.transport, fx.UNRELIABLE.label)


class ClosesWithoutASignal(Partner):
    """A partner that closes its channels without sending a signal."""

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.PublishSignal(signal=wire.DisconnectedSignal()):
                return ()
            case _:
                return (effect,)


class LosesItsConnection(ClosesWithoutASignal):
    """A partner whose `disconnect_peer` ends its own side of a connection, and sends nothing of that."""

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.CloseTransport):
            return (replace(effect, silent=True),)
        return super().alter(effect)


class FloodsWithSignals(Prompted):
    """A partner that sends many signals of every type at once."""

    needs_one_of = frozenset({wire.IceCandidate, wire.ConnectedSignal, wire.DisconnectedSignal})
    names_attempts = True

    def misbehave(self) -> Iterator[fx.Effect]:
        for number in range(FLOOD // 3):
            name = f"{UNKNOWN}-{number}"
            for signal in (
                wire.IceCandidate(self.session, CANDIDATE, name),
                wire.ConnectedSignal(self.session, name),
                wire.DisconnectedSignal(self.session, name),
            ):
                yield fx.PublishSignal(self.peer, signal)


class FloodsWithData(Prompted):
    """A partner that sends many messages at once.

    It uses only the reliable channel: next to unreliable messages, aiortc recovers lost reliable ones by
    time-outs, each longer than the one before.
    """

    def misbehave(self) -> Iterator[fx.Effect]:
        for _ in range(FLOOD):
            yield fx.SendOnChannel(NO_CALL, self.transport, fx.RELIABLE.label, bytes(1024))


class SendsTooMuchAtOnce(Prompted):
    """A partner that sends a message larger than the other side accepts."""

    def misbehave(self) -> Iterator[fx.Effect]:
        yield fx.SendOnChannel(NO_CALL, self.transport, fx.RELIABLE.label, bytes(LARGE), unlimited=True)


class OpensAnotherChannel(Prompted):
    """A partner that opens a third channel with another label, and sends on it."""

    def misbehave(self) -> Iterator[fx.Effect]:
        yield fx.OpenChannel(self.transport, GOSSIP, b"not for you")


class OpensChannelsTheOtherWayRound(Partner):
    """A partner that opens the reliable channel first."""

    opens_channels = True

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.CreateOffer():
                return (replace(effect, channels=effect.channels[::-1]),)
            case _:
                return (effect,)
