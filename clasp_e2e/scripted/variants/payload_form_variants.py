"""Peers that compress, encrypt, pad or repeat payloads, or send them as text."""

import base64
import hashlib
import json
import zlib
from typing import Any

from clasp_e2e.peer import inputs
from clasp_e2e.peer.effects import RELIABLE
from clasp_e2e.peer.transport import Channel
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.mutant import PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant
from clasp_e2e.scripted.variants.payload_variants import APART, Framing
from clasp_e2e.scripted.variants.signal_variants import text_map

TOUCHES = ("CON-6", "SND-1", "SND-2")
"""What depends on payloads that the other side can read."""


@variant(OpenPoint.PAYLOAD_FORM, "It compresses payloads.", *TOUCHES, "SND-6", "SND-3", not_judged=APART)
class CompressesPayloads(Framing):
    def frame(self, payload: bytes) -> list[bytes]:
        return [b"z" + zlib.compress(payload)]

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        try:
            return zlib.decompress(message.data[1:]) if message.data[:1] == b"z" else None
        except zlib.error:
            return None


@variant(OpenPoint.PAYLOAD_FORM, "It encrypts payloads.", *TOUCHES, not_judged=APART)
class EncryptsPayloads(Framing):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def frame(self, payload: bytes) -> list[bytes]:
        self.count += 1
        nonce = self.count.to_bytes(8)
        return [b"sealed" + nonce + self.cipher(nonce, payload)]

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        if not message.data.startswith(b"sealed"):
            return None
        return self.cipher(message.data[6:14], message.data[14:])

    def cipher(self, nonce: bytes, data: bytes) -> bytes:
        """Return `data` encrypted, or decrypted, by a cipher that is good enough for the harness."""
        stream = hashlib.shake_128(nonce).digest(len(data))
        return bytes(one ^ other for one, other in zip(data, stream, strict=True))


@variant(OpenPoint.PAYLOAD_FORM, "It pads payloads to multiples of 256 bytes.", *TOUCHES, not_judged=APART)
class PadsPayloads(Framing):
    def frame(self, payload: bytes) -> list[bytes]:
        data = b"pad:" + len(payload).to_bytes(4) + payload
        return [data + bytes(-len(data) % 256)]

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        if not message.data.startswith(b"pad:"):
            return None
        return message.data[8 : 8 + int.from_bytes(message.data[4:8])]


@variant(OpenPoint.PAYLOAD_FORM, "It sends each payload twice, and delivers it once.", *TOUCHES, "SND-10",
         not_judged=APART)  # fmt: skip
class SendsPayloadsTwice(Framing):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.seen: set[tuple[int, bytes]] = set()

    def frame(self, payload: bytes) -> list[bytes]:
        self.count += 1
        return [b"id:" + self.count.to_bytes(8) + payload] * 2

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        key = (message.transport, message.data[:11])
        if not message.data.startswith(b"id:") or key in self.seen:
            return None
        self.seen.add(key)
        return message.data[11:]


class SendingText(AiortcTransport):
    """A transport whose messages are text: JSON with the payload in base64."""

    def send(self, call: int, label: str, data: bytes, *, unlimited: bool = False) -> None:
        """Send `data` as text, if the other side accepts a message of that size."""
        del unlimited
        channel: Any = self._channels.get(label)
        text = json.dumps({"reliable": label == RELIABLE.label, "payload": base64.b64encode(data).decode()})
        if self._ended or channel is None or channel.readyState != "open":
            self._feed(inputs.ChannelRefused(call, f"the channel {label} is not open"))
        elif len(text) > self._message_limit():
            self._feed(inputs.ChannelRefused(call, "too large", self._message_limit() * 3 // 4))
        else:
            channel.send(text)
            self._feed(inputs.ChannelAccepted(call))

    def _received(self, channel: Channel, message: str | bytes) -> None:
        content = text_map(message) if isinstance(message, str) else None
        if content is not None and isinstance(payload := content.get("payload"), str):
            super()._received(channel, base64.b64decode(payload))


@variant(OpenPoint.PAYLOAD_FORM, "Its messages are JSON text with the payload in base64.", *TOUCHES, "CON-10",
         not_judged=APART)  # fmt: skip
class SendsJsonMessages(PeerScript):
    webrtc = SendingText


@variant(OpenPoint.PAYLOAD_FORM, "It sends payloads as text with a character for each byte.", *TOUCHES,
         "SND-9", "SND-14", not_judged=APART)  # fmt: skip
class SendsACharacterForEachByte(Framing):
    def frame(self, payload: bytes) -> list[bytes]:
        return [payload.decode("latin-1").encode()]

    def read(self, message: inputs.ChannelMessage) -> bytes | None:
        try:
            return message.data.decode().encode("latin-1")
        except UnicodeError:
            return None
