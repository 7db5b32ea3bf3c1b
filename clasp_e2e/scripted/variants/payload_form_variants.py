"""Peers that compress, encrypt, pad, repeat or check payloads."""

import hashlib
import zlib

from clasp_e2e.peer import inputs
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import variant
from clasp_e2e.scripted.variants.payload_variants import APART, Framing

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
