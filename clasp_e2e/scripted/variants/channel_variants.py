"""Peers whose DataChannels differ from those of the reference."""

from dataclasses import replace

from aiortc import RTCDataChannel

from clasp_e2e.peer import effects as fx
from clasp_e2e.peer.effects import RELIABLE, UNRELIABLE, ChannelSpec
from clasp_e2e.peer.transport import Channel
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import Outs, PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant, vary

TOUCHES = ("EVT-1", "CON-6", "SND-1", "SND-2", "SND-14", "SIG-4", "SIG-7")
"""What depends on channels."""

CONTROL = ChannelSpec("control", ordered=True)
"""A channel for an application's own messages."""

OpensTheReliableFirst = vary(
    "OpensTheReliableFirst", OpenPoint.CHANNELS, "It opens its reliable channel first.", *TOUCHES,
    on=fx.CreateOffer, alter=lambda _, offer: replace(offer, channels=offer.channels[::-1]),
)  # fmt: skip
NamesItsChannelsOtherwise = vary(
    "NamesItsChannelsOtherwise", OpenPoint.CHANNELS, "Its channels are called `fast` and `safe`.", *TOUCHES,
    on=fx.CreateOffer,
    alter=lambda _, offer: replace(
        offer, channels=(replace(UNRELIABLE, label="fast"), replace(RELIABLE, label="safe"))
    ),
    deviations=["SIG-4"],
)  # fmt: skip
NamesItsChannelsAlike = vary(
    "NamesItsChannelsAlike", OpenPoint.CHANNELS, "Both its channels have an empty label.", *TOUCHES,
    on=fx.CreateOffer,
    alter=lambda _, offer: replace(
        offer, channels=(replace(UNRELIABLE, label=""), replace(RELIABLE, label=""))
    ),
    deviations=["SIG-4"],
)  # fmt: skip


class ByReliability(AiortcTransport):
    """A transport that knows its channels by their reliability alone."""

    def _keep(self, channel: Channel) -> str | None:
        is_reliable = channel.maxRetransmits is None and channel.maxPacketLifeTime is None
        label = (RELIABLE if is_reliable else UNRELIABLE).label
        if label in self._channels and label not in self._replaceable:
            return None
        self._replaceable.discard(label)
        self._channels[label] = channel
        return label


class ContradictsItsLabels(PeerScript):
    """A script whose channels have labels from which a reader would take the wrong reliability."""

    webrtc = ByReliability
    labels = ("clasp-unreliable", "clasp")
    """Those of the unreliable and of the reliable channel."""

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.CreateOffer):
            unreliable, reliable = self.labels
            channels = (replace(UNRELIABLE, label=unreliable), replace(RELIABLE, label=reliable))
            effect = replace(effect, channels=channels)
        return (effect,)


@variant(OpenPoint.CHANNELS, "Its reliable channel is called `clasp`, the other one `clasp-unreliable`.",
         *TOUCHES, "SND-6", deviations=["SIG-4"])  # fmt: skip
class CallsItsReliableChannelClasp(ContradictsItsLabels):
    pass


@variant(OpenPoint.CHANNELS, "Both its channels are called `clasp`.", *TOUCHES, deviations=["SIG-4"])
class CallsBothChannelsClasp(ContradictsItsLabels):
    labels = ("clasp", "clasp")


class OtherChannels(AiortcTransport):
    """A transport that opens channels with other parameters than the reference."""

    protocol = ""
    life_time: int | None = None
    """Milliseconds for which an unreliable message is transmitted, instead of a number of retransmits."""
    negotiated = False
    """Whether both sides create the channels without a message that opens them."""

    def _create_channel(self, spec: ChannelSpec) -> None:
        assert self._pc is not None
        has_life_time = spec.max_retransmits is not None and self.life_time is not None
        channel = self._pc.createDataChannel(
            spec.label,
            ordered=spec.ordered,
            maxRetransmits=None if has_life_time else spec.max_retransmits,
            maxPacketLifeTime=self.life_time if has_life_time else None,
            protocol=self.protocol,
            negotiated=self.negotiated,
            id=[UNRELIABLE.label, RELIABLE.label].index(spec.label) if self.negotiated else None,
        )
        self._adopt(channel)

    async def _accept_offer(self, sdp: str) -> None:
        if not self.negotiated:
            await super()._accept_offer(sdp)
            return
        pc = self._open()
        await self._set_remote(sdp, "offer")
        for spec in (UNRELIABLE, RELIABLE):
            self._create_channel(spec)
        await self._describe(pc)


class WithAProtocol(OtherChannels):
    """A transport whose channels have a protocol."""

    protocol = "clasp.v1"


@variant(OpenPoint.CHANNELS, "Its channels have the protocol `clasp.v1`.", *TOUCHES)
class NamesAProtocol(PeerScript):
    webrtc = WithAProtocol


class WithALifeTime(OtherChannels):
    """A transport whose unreliable messages have a life time."""

    life_time = 1


@variant(
    OpenPoint.CHANNELS,
    "Its unreliable messages have a life time of 1 ms instead of no retransmits.",
    *TOUCHES,
    "SND-7",
    deviations=["SIG-4"],
)
class LimitsTheLifeTime(PeerScript):
    webrtc = WithALifeTime


class AlreadyNegotiated(OtherChannels):
    """A transport whose channels both sides create in advance."""

    negotiated = True


@variant(
    OpenPoint.CHANNELS,
    "Its channels are pre-negotiated.",
    *TOUCHES,
    deviations=["SIG-4"],
    not_judged=["EVT-1"],
)
class NegotiatesItsChannelsBefore(PeerScript):
    webrtc = AlreadyNegotiated


class WithAControlChannel(AiortcTransport):
    """A transport that opens a third channel before the others, and sends on it when it is open."""

    async def _create_offer(self, channels: tuple[ChannelSpec, ...]) -> None:
        pc = self._open()
        control = pc.createDataChannel(CONTROL.label)
        control.on("open", lambda: control.send(b"keep-alive"))
        for spec in channels:
            self._create_channel(spec)
        await self._describe(pc)

    def _adopt(self, channel: RTCDataChannel) -> None:
        if channel.label != CONTROL.label:
            super()._adopt(channel)


@variant(OpenPoint.CHANNELS, "It has a third channel for keep-alive messages.", *TOUCHES, "SND-5", "DIR-1")
class HasAControlChannel(PeerScript):
    webrtc = WithAControlChannel


class OpenedByTheAnswerer(AiortcTransport):
    """A transport that opens only the reliable channel as the offerer, and the other as the answerer."""

    def _adopt_opened(self, channel: RTCDataChannel) -> None:
        super()._adopt_opened(channel)
        if channel.label == RELIABLE.label and UNRELIABLE.label not in self._channels:
            self._create_channel(UNRELIABLE)
            self._replaceable.add(UNRELIABLE.label)


@variant(
    OpenPoint.CHANNELS, "The answerer opens the unreliable channel.", *TOUCHES, "SND-5", deviations=["SIG-4"]
)
class LetsTheAnswererOpen(PeerScript):
    webrtc = OpenedByTheAnswerer

    def alter(self, effect: fx.Effect) -> Outs:
        return (replace(effect, channels=(RELIABLE,)) if isinstance(effect, fx.CreateOffer) else effect,)


class SendsWhenOpen(AiortcTransport):
    """A transport whose sends wait until their channel is open."""

    def send(self, call: int, label: str, data: bytes, *, unlimited: bool = False) -> None:
        """Send `data` when the channel `label` is open."""
        channel = self._channels.get(label)
        if isinstance(channel, RTCDataChannel) and channel.readyState == "connecting" and not self._ended:
            channel.on("open", lambda: super(SendsWhenOpen, self).send(call, label, data))
        else:
            super().send(call, label, data, unlimited=unlimited)


class OpenedWhenUsed(SendsWhenOpen):
    """A transport that is open with its reliable channel, and opens the unreliable one for the first send."""

    def _check_open(self) -> None:
        reliable = self._channels.get(RELIABLE.label)
        if reliable is not None and reliable.readyState == "open" and not self._was_open:
            self._is_open()

    def send(self, call: int, label: str, data: bytes, *, unlimited: bool = False) -> None:
        """Send `data`; open the channel `label` first if necessary."""
        if label not in self._channels and not self._ended:
            self._create_channel(UNRELIABLE)
        super().send(call, label, data, unlimited=unlimited)


@variant(
    OpenPoint.CHANNELS, "It opens its unreliable channel when it is used.", *TOUCHES, "SND-5", "SND-7",
    "SND-8", "RTE-3", "EVT-2", deviations=["SIG-4"],
)  # fmt: skip
class OpensTheUnreliableWhenUsed(PeerScript):
    webrtc = OpenedWhenUsed

    def alter(self, effect: fx.Effect) -> Outs:
        return (replace(effect, channels=(RELIABLE,)) if isinstance(effect, fx.CreateOffer) else effect,)


class OpenWithTheFirstChannel(SendsWhenOpen):
    """A transport that is open when its first channel is."""

    def _check_open(self) -> None:
        if not self._was_open and any(each.readyState == "open" for each in self._channels.values()):
            self._is_open()


@variant(
    OpenPoint.CONNECTED_EVENT, "It emits Connected when its first channel is open.", "EVT-1", "EVT-2",
    "EVT-6", "CON-6", "SND-2", "RTE-3",
)  # fmt: skip
class IsConnectedByTheFirstChannel(PeerScript):
    webrtc = OpenWithTheFirstChannel
