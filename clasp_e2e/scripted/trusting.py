"""Peers that trust forged signals or wrong certificates, or that malformed or repeated signals break."""

import secrets
from collections.abc import Iterable
from typing import Any, cast

from aiortc import RTCDataChannel, RTCPeerConnection

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.sdp import flaw
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import EITHER, NO_CALL, Outs, PeerScript, ScriptedDriver, mutant

Inputs = Iterable[inputs.Input]


def signal_of(event: inputs.Input) -> wire.Signal | None:
    """Return the signal in `event`, or None if it contains no valid signal."""
    if not isinstance(event, inputs.SignalReceived):
        return None
    try:
        return wire.decode_signal(event.value)
    except wire.WireError:
        return None


class Knowing(PeerScript):
    """A script that records its session and its latest transport."""

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
    """A script that fails the attempt when a signal of the type `kind` is repeated."""

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
    """A script that treats the signal `connected` as a connection."""

    def alter_input(self, event: inputs.Input) -> Inputs:
        if isinstance(signal_of(event), wire.ConnectedSignal):
            return (inputs.ChannelsOpen(self.transport),)
        return (event,)


@mutant("SIG-6", "It leaves the router when it receives a malformed signal.", *EITHER)
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


@mutant("SIG-6", "It gives up an attempt when the answer is repeated.")
class GivesUpWhenAnsweredTwice(Remembering):
    kind, why = wire.Answer, "answered twice"


@mutant("ICE-4", "It gives up an attempt when a candidate is repeated.", *EITHER)
class GivesUpAtARepeatedCandidate(Remembering):
    kind, why = wire.IceCandidate, "a candidate came twice"


@mutant("TMO-5", "It treats the signal `connected` as a connection.")
class BelievesTheConnectedSignal(Believing):
    pass


@mutant("TMO-8", "As the answerer, it treats the signal `connected` as a connection.", "answerer")
class BelievesTheConnectedSignalOfItsOfferer(Believing):
    pass


@mutant("DIR-2", "It sends reliably only to a peer that is attached to the router.", *EITHER)
class AsksTheRouterFirst(Knowing):
    """It sends a signal to the peer, then one to itself: the router answers in order."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[fx.SendOnChannel] = []
        self.missing = False

    def alter(self, effect: fx.Effect) -> Outs:
        match effect:
            case fx.SendOnChannel(label=fx.RELIABLE.label) if effect.call in self.sends:
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
                return (inputs.GetRoutingMode(NO_CALL - 1),)  # Its result triggers the next step.
            case _:
                pass
        return (event,)


LABELS = (fx.UNRELIABLE.label, fx.RELIABLE.label)


class Relabelled:
    """A channel with another label than its own."""

    def __init__(self, channel: RTCDataChannel, label: str) -> None:
        self._channel = channel
        self.label = label

    def __getattr__(self, name: str) -> object:
        return getattr(self._channel, name)


class KnowsChannelsByTheirOrder(AiortcTransport):
    """A transport that treats the first channel as the unreliable one, whatever its label."""

    def _adopt(self, channel: RTCDataChannel) -> None:
        if (number := len(self._channels)) < len(LABELS):
            channel = cast("RTCDataChannel", Relabelled(channel, LABELS[number]))
        super()._adopt(channel)


@mutant("SIG-7", "It identifies the channels by the order in which they are opened.", "answerer")
class CountsItsChannels(ScriptedDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(KnowsChannelsByTheirOrder))


@mutant("SIG-7", "It ends the connection when an additional channel is opened.", "offerer")
class EndsAtAThirdChannel(ScriptedDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(WantsTwoChannels))


class WantsTwoChannels(AiortcTransport):
    """A transport that fails when a channel with another label is opened."""

    def _adopt(self, channel: RTCDataChannel) -> None:
        if channel.label not in LABELS:
            self._report(inputs.TransportLost(self._number, "a channel of another label"))
        super()._adopt(channel)


def trust(_: object) -> None:
    """Accept the certificate of any peer."""


class TrustsAnyCertificate(AiortcTransport):
    """A transport that accepts any certificate of its peer."""

    async def _describe(self, pc: RTCPeerConnection) -> None:
        if pc.sctp is not None:  # This private method of aiortc compares the fingerprints.
            setattr(pc.sctp.transport, "_validate_peer_identity", trust)  # noqa: B010
        await super()._describe(pc)


@mutant("SEC-1", "It does not verify its peer's certificate against the fingerprint.", *EITHER)
class IgnoresTheFingerprint(ScriptedDriver):
    def __init__(self) -> None:
        super().__init__(lambda builder: builder.webrtc(TrustsAnyCertificate))


@mutant("SEC-2", "It ends its connection on a forged `disconnected` from any session.", *EITHER)
class TrustsAnyFrom(PeerScript):
    def alter_input(self, event: inputs.Input) -> Inputs:
        match signal_of(event):
            case wire.DisconnectedSignal(sender=sender):
                return (inputs.DisconnectPeer(NO_CALL, sender),)
            case _:
                return (event,)


@mutant("SEC-2", "It gives up its connection when it receives an offer in its peer's name.")
class GivesItsConnectionUpForAnOffer(PeerScript):
    def alter_input(self, event: inputs.Input) -> Inputs:
        match signal_of(event):
            case wire.Offer(sender=sender) if sender in self.connected:
                return (inputs.DisconnectPeer(NO_CALL, sender), event)
            case _:
                return (event,)


@mutant("SEC-3", "It leaves the router when it receives more than 150 signals.", *EITHER)
class LeavesInAFlood(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def alter_input(self, event: inputs.Input) -> Inputs:
        self.count += isinstance(event, inputs.SignalReceived)
        return (inputs.CloseClient(NO_CALL),) if self.count == 150 else (event,)


class _Credentials(AiortcTransport):
    """A transport that offers with fixed ICE credentials."""

    user = "user"
    pwd = "0123456789abcdefghijklmn"  # noqa: S105 - of no account

    def _create_channel(self, spec: fx.ChannelSpec) -> None:
        super()._create_channel(spec)
        assert self._pc is not None
        assert self._pc.sctp is not None
        connection = self._pc.sctp.transport.transport._connection  # pyright: ignore[reportPrivateUsage]
        connection._local_username = self.user  # pyright: ignore[reportPrivateUsage]
        connection._local_password = self.pwd  # pyright: ignore[reportPrivateUsage]


class _ShortPassword(_Credentials):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user, self.pwd = secrets.token_hex(4), secrets.token_hex(4)


@mutant("SEC-4", "All its offers have the same ICE credentials.")
class RepeatsItsCredentials(PeerScript):
    webrtc = _Credentials


@mutant("SEC-4", "Its ICE passwords have 8 characters.")
class HasShortPasswords(PeerScript):
    webrtc = _ShortPassword
