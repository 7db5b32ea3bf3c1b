"""Peers that trust what they should not, or that others can break."""

from collections.abc import Iterable
from typing import cast

from aiortc import RTCDataChannel, RTCPeerConnection

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sdp import flaw
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, MutantDriver, Outs, PeerScript, mutant

Inputs = Iterable[inputs.Input]


def signal_of(event: inputs.Input) -> wire.Signal | None:
    """Return the signal that `event` brings, if it brings one that is in order."""
    if not isinstance(event, inputs.SignalReceived):
        return None
    try:
        return wire.decode_signal(event.value)
    except wire.WireError:
        return None


class Knowing(PeerScript):
    """A script that knows its session, and which transport it negotiated last."""

    def __init__(self) -> None:
        super().__init__()
        self.session = ""
        self.transport = 0

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.SubscribeTo):
            self.session = wire.signal_target(effect.pattern) or self.session
        if isinstance(effect, fx.CreateOffer | fx.AcceptOffer):
            self.transport = effect.transport


class Remembering(Knowing):
    """A script that gives an attempt up at a signal of the type `kind` that came before."""

    kind: type[wire.Signal]
    why = ""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[wire.Value] = []

    def alter_input(self, event: inputs.Input) -> Inputs:
        if isinstance(event, inputs.SignalReceived) and isinstance(signal_of(event), self.kind):
            if event.value in self.seen:
                return (inputs.NegotiationFailed(self.transport, self.why),)
            self.seen.append(event.value)
        return (event,)


class Believing(Knowing):
    """A script that takes the signal `connected` for a connection."""

    def alter_input(self, event: inputs.Input) -> Inputs:
        if isinstance(signal_of(event), wire.ConnectedSignal):
            return (inputs.ChannelsOpen(self.transport),)
        return (event,)


@mutant("SIG-6", "It leaves the router at a signal that it cannot read.", *EITHER)
class LeavesAtAMalformedSignal(PeerScript):
    def alter_input(self, event: inputs.Input) -> Inputs:
        if isinstance(event, inputs.SignalReceived):
            match signal_of(event):
                case None:
                    return (inputs.CloseClient(NO_CALL),)
                case wire.Offer(sdp=sdp) | wire.Answer(sdp=sdp) if flaw(sdp) is not None:
                    return (inputs.CloseClient(NO_CALL),)
                case _:
                    pass
        return (event,)


@mutant("SIG-6", "It gives an attempt up whose answer comes twice.")
class GivesUpWhenAnsweredTwice(Remembering):
    kind, why = wire.Answer, "answered twice"


@mutant("ICE-4", "It gives an attempt up at a candidate that it has seen.", *EITHER)
class GivesUpAtARepeatedCandidate(Remembering):
    kind, why = wire.IceCandidate, "a candidate came twice"


@mutant("TMO-5", "It takes the signal `connected` for a connection.")
class BelievesTheConnectedSignal(Believing):
    pass


@mutant("TMO-8", "As the one that answers, it takes the signal `connected` for a connection.", "answerer")
class BelievesTheConnectedSignalOfItsOfferer(Believing):
    pass


@mutant("DIR-2", "It sends directly only to a peer that it finds at the router.", *EITHER)
class AsksTheRouterFirst(Knowing):
    """The question is a signal to the peer, then one to itself: the router answers in order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[fx.SendOnChannel] = []
        self.missing = False

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel() if effect.call in self.sends:
                self.asked.append(effect)
                question = wire.ConnectedSignal(self.session, "are you there?")
                peer = self.sends[effect.call].peer
                return (fx.PublishSignal(peer, question), fx.PublishSignal(self.session, question))
            case fx.Resolve(call=call) if call < NO_CALL:
                asked = self.asked.pop(0)
                return (fx.Resolve(asked.call),) if self.missing else (asked,)
            case _:
                return (effect,)

    def alter_input(self, event: inputs.Input) -> Inputs:
        match event:
            case inputs.SignalUndeliverable():
                self.missing = True
            case inputs.SignalReceived(value={"from": sender}) if sender == self.session:
                return (inputs.GetRoutingMode(NO_CALL - 1),)  # Its answer is the cue to go on.
            case _:
                pass
        return (event,)


LABELS = (fx.UNRELIABLE.label, fx.RELIABLE.label)


class Relabelled:
    """A channel under another label than its own."""

    def __init__(self, channel: RTCDataChannel, label: str) -> None:
        self._channel = channel
        self.label = label

    def __getattr__(self, name: str) -> object:
        return getattr(self._channel, name)


class KnowsChannelsByTheirOrder(AiortcTransport):
    """A transport that takes the first channel for the unreliable one, whatever its label."""

    def _adopt(self, channel: RTCDataChannel) -> None:
        if (number := len(self._channels)) < len(LABELS):
            channel = cast("RTCDataChannel", Relabelled(channel, LABELS[number]))
        super()._adopt(channel)


@mutant("SIG-7", "It knows the channels by the order in which they are opened.", "answerer")
class CountsItsChannels(MutantDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(KnowsChannelsByTheirOrder))


@mutant("SIG-7", "It ends a connection beside whose channels another is opened.", "offerer")
class EndsAtAThirdChannel(MutantDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(WantsTwoChannels))


class WantsTwoChannels(AiortcTransport):
    """A transport that breaks at a channel of another label."""

    def _adopt(self, channel: RTCDataChannel) -> None:
        if channel.label not in LABELS:
            self._tell(inputs.TransportLost(self._number, "a channel of another label"))
        super()._adopt(channel)


def _trust(_: object) -> None:
    return


class TrustsAnyCertificate(AiortcTransport):
    """A transport that takes whatever certificate its peer presents."""

    async def _describe(self, pc: RTCPeerConnection) -> None:
        if pc.sctp is not None:  # Private to aiortc, and where it compares the two.
            setattr(pc.sctp.transport, "_validate_peer_identity", _trust)  # noqa: B010
        await super()._describe(pc)


@mutant("SEC-1", "It does not compare the fingerprint with its peer's certificate.", *EITHER)
class IgnoresTheFingerprint(MutantDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(TrustsAnyCertificate))


@mutant("SEC-2", "It ends its connection when anybody says in its peer's name that it has.", *EITHER)
class TrustsAnyFrom(PeerScript):
    def alter_input(self, event: inputs.Input) -> Inputs:
        match signal_of(event):
            case wire.DisconnectedSignal(sender=sender):
                return (inputs.DisconnectPeer(NO_CALL, sender),)
            case _:
                return (event,)


@mutant("SEC-2", "It gives up its connection as soon as its peer's name stands on an offer.")
class GivesItsConnectionUpForAnOffer(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.connected: set[str] = set()

    def note(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.Emit) and isinstance(effect.event, Connected):
            self.connected.add(effect.event.peer_session_id)

    def alter_input(self, event: inputs.Input) -> Inputs:
        match signal_of(event):
            case wire.Offer(sender=sender) if sender in self.connected:
                return (inputs.DisconnectPeer(NO_CALL, sender), event)
            case _:
                return (event,)


@mutant("SEC-3", "It leaves the router when it gets more than 150 signals.", *EITHER)
class LeavesInAFlood(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def alter_input(self, event: inputs.Input) -> Inputs:
        self.count += isinstance(event, inputs.SignalReceived)
        return (inputs.CloseClient(NO_CALL),) if self.count == 150 else (event,)
