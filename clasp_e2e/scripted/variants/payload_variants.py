"""Peers that send payloads otherwise than raw, or refuse some, or make the caller wait."""

import asyncio
import base64
from collections.abc import Iterable
from typing import Any

from clasp_e2e import wire
from clasp_e2e.peer import effects as fx
from clasp_e2e.peer import inputs
from clasp_e2e.peer.errors import PayloadTooLarge
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import NO_CALL, Outs, PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant

TOUCHES = ("CON-6", "SND-1", "SND-2", "SND-5", "SND-9", "SND-14", "DIR-1")
"""What depends on payloads that the other side can read."""

APART = ("CON-6", "SND-1", "SND-2", "SND-5", "SND-6", "SND-9", "SND-14", "DIR-2")
"""What is not judged between two implementations that cannot read each other's payloads."""


class Framing(PeerScript):
    """A script that sends each payload in a form of its own, in one or several messages."""

    def alter(self, effect: fx.Effect) -> Outs:
        if not isinstance(effect, fx.SendOnChannel):
            yield effect
            return
        *first, last = self.frame(effect.data)
        for message in first:
            yield fx.SendOnChannel(NO_CALL, effect.transport, effect.label, message)
        yield fx.SendOnChannel(effect.call, effect.transport, effect.label, last)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if not isinstance(event, inputs.ChannelMessage):
            yield event
        elif (payload := self.read(event)) is not None:
            yield inputs.ChannelMessage(event.transport, event.label, payload)

    def frame(self, payload: bytes) -> list[bytes]:
        """Return the messages that carry `payload`."""
        raise NotImplementedError

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        """Return the payload that is complete with `message`, or None."""
        raise NotImplementedError


@variant(OpenPoint.PAYLOAD_FORM, "It sends each payload in a CLASP frame.", *TOUCHES, "CON-10", "ICE-3",
         "SIG-6", "SND-12", not_judged=APART)  # fmt: skip
class SendsClaspFrames(Framing):
    most = 65_000
    """Bytes of a payload that a frame contains."""

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.SendOnChannel) and len(effect.data) > self.most:
            return (fx.Reject(effect.call, PayloadTooLarge(f"a frame contains up to {self.most} bytes")),)
        return super().alter(effect)

    def frame(self, payload: bytes) -> list[bytes]:
        return [wire.encode(wire.Publish("/app/data", payload))]

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        try:
            frame, _ = wire.decode(message.data)
        except wire.WireError:
            return None
        return frame.value if isinstance(frame, wire.Publish) and isinstance(frame.value, bytes) else None


@variant(OpenPoint.PAYLOAD_FORM, "It sends payloads in chunks of 1,000 bytes.", *TOUCHES, not_judged=APART)
class SendsChunks(Framing):
    """Each chunk begins with whether more follow."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: dict[str, bytes] = {}

    def frame(self, payload: bytes) -> list[bytes]:
        chunks = [payload[at : at + 1000] for at in range(0, len(payload), 1000)] or [b""]
        return [*(b"\1" + chunk for chunk in chunks[:-1]), b"\0" + chunks[-1]]

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        if message.data[:1] not in (b"\0", b"\1"):
            return None
        whole = self.begun.pop(message.label, b"") + message.data[1:]
        if message.data[:1] == b"\0":
            return whole
        self.begun[message.label] = whole
        return None


@variant(OpenPoint.PAYLOAD_FORM, "It numbers its messages.", *TOUCHES, not_judged=APART)
class NumbersItsMessages(Framing):
    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def frame(self, payload: bytes) -> list[bytes]:
        self.number += 1
        return [b"seq:" + self.number.to_bytes(8) + payload]

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        return message.data[12:] if message.data.startswith(b"seq:") else None


@variant(OpenPoint.PAYLOAD_FORM, "It sends payloads as base64 text.", *TOUCHES, not_judged=APART)
class SendsText(Framing):
    def frame(self, payload: bytes) -> list[bytes]:
        return [b"b64:" + base64.b64encode(payload)]

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        if not message.data.startswith(b"b64:"):
            return None
        return base64.b64decode(message.data[4:])


@variant(
    OpenPoint.PAYLOAD_FORM, "It acknowledges payloads; reliable sends wait for that.", *TOUCHES,
    not_judged=[*APART, "RTE-3"],
)  # fmt: skip
class AcknowledgesPayloads(Framing):
    def __init__(self) -> None:
        super().__init__()
        self.due: list[fx.SendOnChannel] = []
        """The acknowledgements to send with the event of their payload."""

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.SendOnChannel):
            data = b"pay:" + effect.call.to_bytes(8) + effect.data
            # An unreliable payload may be lost, and its acknowledgement with it.
            call = NO_CALL if effect.label == fx.RELIABLE.label else effect.call
            return (fx.SendOnChannel(call, effect.transport, effect.label, data),)
        due, self.due = self.due, []
        return (effect, *due)

    def alter_input(self, event: inputs.Input) -> Iterable[inputs.Input]:
        if not isinstance(event, inputs.ChannelMessage):
            yield event
            return
        kind, number, payload = event.data[:4], event.data[4:12], event.data[12:]
        if kind == b"ack:":
            yield inputs.ChannelAccepted(int.from_bytes(number))
        elif kind == b"pay:":
            if event.label == fx.RELIABLE.label:
                self.due.append(fx.SendOnChannel(NO_CALL, event.transport, event.label, b"ack:" + number))
            yield inputs.ChannelMessage(event.transport, event.label, payload)


# Sizes and back-pressure.


class Refusing(PeerScript):
    """A script that refuses payloads above a size."""

    reliable = 10**9
    unreliable = 10**9

    def alter(self, effect: fx.Effect) -> Outs:
        if isinstance(effect, fx.SendOnChannel):
            limit = self.reliable if effect.label == fx.RELIABLE.label else self.unreliable
            if len(effect.data) > limit:
                return (fx.Reject(effect.call, PayloadTooLarge(f"this client sends up to {limit} bytes")),)
        return (effect,)


@variant(
    OpenPoint.MESSAGE_SIZE, "It refuses reliable messages above 16 KiB.", "CON-6", "SND-1", "SND-6", "RTE-3"
)
class RefusesAbove16KiB(Refusing):
    reliable = 16 * 1024


@variant(
    OpenPoint.MESSAGE_SIZE, "It refuses unreliable messages above 1,000 bytes.", "SND-2", "SND-7", "SND-8"
)
class RefusesUnreliableAbove1000(Refusing):
    unreliable = 1000


FULL = 64 * 1024
"""Bytes that a peer that pushes back buffers."""


class PushingBack(AiortcTransport):
    """A transport that refuses a message while an earlier one of some size is not acknowledged."""

    def send(self, call: int, label: str, data: bytes, *, unlimited: bool = False) -> None:
        """Send `data` if the buffer is not full."""
        channel = self._channels.get(label)
        buffered = getattr(channel, "bufferedAmount", 0)
        if buffered > FULL:
            self._feed(inputs.ChannelRefused(call, "full", FULL))
        else:
            super().send(call, label, data, unlimited=unlimited)


@variant(
    OpenPoint.BACK_PRESSURE, "It refuses to send while more than 64 KiB wait to be sent.",
    "SND-1", "SND-2", "SND-4", "SND-6", "SND-9", "SND-14", "SND-15",
)  # fmt: skip
class RefusesWhenFull(PeerScript):
    webrtc = PushingBack


class WaitingForAcknowledgements(AiortcTransport):
    """A transport that accepts a message when all before it, and itself, are acknowledged."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._waits: list[asyncio.Task[None]] = []

    def send(self, call: int, label: str, data: bytes, *, unlimited: bool = False) -> None:
        """Send `data`, and report that it was accepted when it is acknowledged."""
        answered: list[inputs.Input] = []
        feed, self._feed = self._feed, answered.append
        try:
            super().send(call, label, data, unlimited=unlimited)
        finally:
            self._feed = feed
        for answer in answered:
            if isinstance(answer, inputs.ChannelAccepted) and label == fx.RELIABLE.label:
                self._waits.append(asyncio.create_task(self._accepted(answer)))
            else:
                feed(answer)

    async def end(self, *, silent: bool) -> None:
        """Close the transport, and refuse what is not acknowledged."""
        for wait in self._waits:
            wait.cancel()
        await asyncio.gather(*self._waits, return_exceptions=True)
        await super().end(silent=silent)

    async def _accepted(self, answer: inputs.ChannelAccepted) -> None:
        # aiortc queues a message in a task of its own: let it begin.
        await asyncio.sleep(0)
        if self._association is not None:
            await self._association.drained()
        self._report(answer)


@variant(
    OpenPoint.SEND_CALL, "Its reliable sends return when the payload is acknowledged.",
    "CON-6", "SND-1", "SND-2", "SND-4", "SND-8", "SND-9", "SND-14", "RTE-3",
)  # fmt: skip
class SendsUntilAcknowledged(PeerScript):
    webrtc = WaitingForAcknowledgements
