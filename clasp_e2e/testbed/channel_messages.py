"""The DataChannels that a peer opened and used, read from the SCTP packets of its partner.

Sources: RFC 9260 (SCTP), RFC 8831 and RFC 8832 (DataChannels).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from clasp_e2e.notifier import Notifier
from clasp_e2e.scripted.adopted_conventions import EnclosedPayload

_DATA = 0
_WHOLE = 0x03
"""The flags of a chunk that contains a whole message."""
_CONTROL, _TEXT, _BINARY = 50, 51, 53
"""Payload protocol identifiers."""
_OPEN = 3
_OPEN_HEADER = struct.Struct("!BBHLHH")


@dataclass(frozen=True, slots=True)
class OpenedChannel:
    """A channel that the peer opened in-band."""

    stream: int
    label: str
    protocol: str
    is_reliable: bool


@dataclass(slots=True)
class ChannelMessages:
    """A tap of a peer of the harness that records what its partner sends on the channels."""

    opened: list[OpenedChannel] = field(default_factory=list[OpenedChannel])
    _messages: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    """The stream and the content of each message that one chunk contains."""
    _changes: Notifier = field(default_factory=Notifier)

    def secret(self, line: bytes) -> None:
        """Ignore a DTLS secret."""

    def sctp(self, data: bytes, *, outgoing: bool) -> None:
        """Record the messages in an SCTP packet of the partner."""
        for flags, body in () if outgoing else _data_chunks(data):
            stream, _, protocol = struct.unpack_from("!HHL", body, 4)
            content = body[12:]
            if protocol == _CONTROL and content[:1] == bytes([_OPEN]) and len(content) >= _OPEN_HEADER.size:
                self.opened.append(_opened(stream, content))
            elif protocol in (_TEXT, _BINARY) and flags & _WHOLE == _WHOLE:
                self._messages.append((stream, content))
        self._changes.notify()

    async def message_with(self, payload: bytes, within: float) -> tuple[int, bytes]:
        """Return the stream and the content of the message that contains `payload`, also if encoded.

        Raises `TimeoutError` after `within` seconds.
        """
        forms = [EnclosedPayload(form=form).frame(payload) for form in ("", "base64", "hex")]
        return await self._changes.wait_until(
            lambda: next((each for each in self._messages if any(form in each[1] for form in forms)), None),
            within,
        )


def _data_chunks(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield flags and body of each DATA chunk in an SCTP packet, whose checksum the peer has verified."""
    at = 12
    while at + 4 <= len(packet):
        kind, flags, length = struct.unpack_from("!BBH", packet, at)
        if length < 4:
            return
        if kind == _DATA and length >= 16:
            yield flags, packet[at + 4 : at + length]
        at += length + -length % 4


def _opened(stream: int, content: bytes) -> OpenedChannel:
    _, kind, _, _, label_length, protocol_length = _OPEN_HEADER.unpack_from(content)
    names = content[_OPEN_HEADER.size :]
    label = names[:label_length].decode(errors="replace")
    protocol = names[label_length : label_length + protocol_length].decode(errors="replace")
    return OpenedChannel(stream, label, protocol, kind & 0x7F == 0)
