"""Peers with messages of their own on the channels, or with more channels than two for payloads."""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiortc import RTCDataChannel

from clasp_e2e import wire
from clasp_e2e.p2p_types import Connected
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.effects import RELIABLE, UNRELIABLE
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import NO_CALL, Outs, PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant

TOUCHES = ("CON-6", "SND-1", "SND-2", "SND-5")
"""What depends on what arrives by the channels."""

ALIVE = b"\0keep-alive"


class KnowingItsTransport(PeerScript):
    """A script that knows which transport was opened last."""

    def __init__(self) -> None:
        super().__init__()
        self.transport = 0

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ChannelsOpen):
            self.transport = event.transport
        return (event,)


class KeepsAlive(KnowingItsTransport):
    """A script that sends messages of its own on one channel while connected."""

    label = RELIABLE.label
    every = 0.3

    def alter(self, effect: fx.Effect) -> Outs:
        yield effect
        if isinstance(effect, fx.Emit) and isinstance(effect.event, Connected):
            alive = fx.SendOnChannel(NO_CALL, self.transport, self.label, ALIVE)
            yield alive
            for number in range(1, 12):
                yield fx.Delayed(number * self.every, alive)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if isinstance(event, inputs.ChannelMessage) and event.data == ALIVE:
            return ()
        return super().alter_input(event)


@variant(OpenPoint.PAYLOAD_FORM, "It sends keep-alive messages on its reliable channel.", *TOUCHES)
class KeepsItsReliableChannelAlive(KeepsAlive):
    pass


@variant(OpenPoint.PAYLOAD_FORM, "It sends keep-alive messages on its unreliable channel.", *TOUCHES)
class KeepsItsUnreliableChannelAlive(KeepsAlive):
    label = UNRELIABLE.label


class OneForEachDirection(AiortcTransport):
    """A transport that sends only on channels that it has opened itself."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._own: dict[str, RTCDataChannel] = {}
        """The channels that this side has opened as the answerer."""

    def _adopt_opened(self, channel: RTCDataChannel) -> None:
        assert self._pc is not None
        label = channel.label
        if label in self._channels or label not in (RELIABLE.label, UNRELIABLE.label):
            super()._adopt_opened(channel)
            return
        own = self._own[label] = self._pc.createDataChannel(
            label,
            ordered=label == RELIABLE.label,
            maxRetransmits=None if label == RELIABLE.label else UNRELIABLE.max_retransmits,
        )
        super()._adopt_opened(channel)
        own.on("open", self._check_open)

    def _check_open(self) -> None:
        if all(own.readyState == "open" for own in self._own.values()):
            super()._check_open()

    def send(self, call: int, label: str, data: bytes, *, unlimited: bool = False) -> None:
        """Send `data` on this side's own channel."""
        if (own := self._own.get(label)) is not None:
            self._channels[label] = own
        super().send(call, label, data, unlimited=unlimited)


@variant(OpenPoint.CHANNELS, "Each side sends on channels that it has opened itself.", *TOUCHES, "SIG-4")
class OpensChannelsForEachDirection(PeerScript):
    webrtc = OneForEachDirection


class Waiting(AiortcTransport):
    """A transport that collects messages for 10 ms and sends them together."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._collected: list[tuple[int, bytes]] = []

    def send(self, call: int, label: str, data: bytes, *, unlimited: bool = False) -> None:
        """Send `data`; a reliable message is sent 10 ms later, with those that come meanwhile."""
        if label != RELIABLE.label or self._ended:
            super().send(call, label, b"\1" + data, unlimited=unlimited)
            return
        if not self._collected:
            asyncio.get_running_loop().call_later(0.01, self._flush)
        self._collected.append((call, data))

    def drain(self, *, left: bool) -> None:
        """Send what was collected, and wait until it is acknowledged."""
        self._flush()
        super().drain(left=left)

    def _flush(self) -> None:
        while self._collected:
            calls: list[int] = []
            message = b"\2"
            while self._collected and len(message) + len(self._collected[0][1]) < 60_000:
                call, data = self._collected.pop(0)
                calls.append(call)
                message += len(data).to_bytes(4) + data
            if not calls:
                call, data = self._collected.pop(0)
                super().send(call, RELIABLE.label, b"\1" + data)
                continue
            super().send(calls[0], RELIABLE.label, message)
            for call in calls[1:]:
                self._feed(inputs.ChannelAccepted(call))

    def _received(self, channel: Any, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        if data[:1] == b"\1":
            super()._received(channel, data[1:])
        elif data[:1] == b"\2":
            at = 1
            while at < len(data):
                end = at + 4 + int.from_bytes(data[at : at + 4])
                super()._received(channel, data[at + 4 : end])
                at = end


@variant(
    OpenPoint.PAYLOAD_FORM, "It sends reliable payloads of 10 ms in one message.", *TOUCHES,
    "SND-4", "SND-6", not_judged=["CON-6", "SND-1", "SND-2", "SND-5", "SND-6", "SND-9", "DIR-2"],
)  # fmt: skip
class CollectsPayloads(PeerScript):
    webrtc = Waiting


HELLO = wire.encode(wire.Hello("peer", frozenset({"event"})))


@variant(OpenPoint.PAYLOAD_FORM, "It greets by a HELLO on the channel, and is connected when greeted itself.",
         "CON-5", "EVT-1", "EVT-2", "EVT-3", "SND-1", "SIG-6", not_judged=["EVT-1"])  # fmt: skip
class RequiresAGreeting(PeerScript):
    def __init__(self) -> None:
        super().__init__()
        self.greeted: set[int] = set()
        self.open: dict[int, inputs.Input] = {}
        """What says that the channels of a transport are open, by its number."""
        self.due: list[int] = []
        """The transports on which a greeting is due."""

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        match event:
            case inputs.ChannelsOpen(transport=transport):
                self.due.append(transport)
                self.open[transport] = event
                yield inputs.GetRoutingMode(NO_CALL)  # Its result lets `alter` send the greeting.
            case inputs.ChannelMessage(transport=transport, data=data) if data == HELLO:
                self.greeted.add(transport)
            case _:
                yield event
                return
        if transport in self.greeted and transport in self.open:
            yield self.open.pop(transport)

    def alter(self, effect: fx.Effect) -> Outs:
        due, self.due = self.due, []
        for transport in due:
            yield fx.SendOnChannel(NO_CALL, transport, RELIABLE.label, HELLO)
        yield effect
