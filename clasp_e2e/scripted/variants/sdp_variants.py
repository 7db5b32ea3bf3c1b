"""Peers whose session descriptions differ from those of the reference."""

from collections.abc import Callable
from dataclasses import replace

from aiortc import RTCPeerConnection

from clasp_e2e import wire
from clasp_e2e.peer.effects import ChannelSpec
from clasp_e2e.peer.webrtc import AiortcTransport
from clasp_e2e.scripted.connecting import without_lines
from clasp_e2e.scripted.descriptions import (
    at_session_level,
    with_an_unknown_fingerprint,
    with_other_attributes,
)
from clasp_e2e.scripted.mutant import PeerScript
from clasp_e2e.scripted.open_points import OpenPoint
from clasp_e2e.scripted.variant import Variant, variant, vary

TOUCHES = ("CON-4", "CON-5", "SEC-1")
"""What depends on reading a session description."""


def described(name: str, difference: str, change: Callable[[str], str], *touches: str) -> Variant:
    """Define a variant whose offers and answers are changed by `change`."""
    return vary(
        name,
        OpenPoint.SDP,
        difference,
        *(touches or TOUCHES),
        on=(wire.Offer, wire.Answer),
        alter=lambda _, signal: replace(signal, sdp=change(signal.sdp)),
    )


def in_the_older_form(sdp: str) -> str:
    """Return `sdp` with the SCTP section of the drafts before RFC 8841."""
    lines = without_lines(sdp, "a=sctp-port:").splitlines(keepends=True)
    media = next(line for line in lines if line.startswith("m="))
    port = media.split()[1]
    older = f"m=application {port} DTLS/SCTP 5000\r\n"
    return "".join(older if line is media else line for line in lines) + (
        "a=sctpmap:5000 webrtc-datachannel 65535\r\n"
    )


def in_reverse_order(sdp: str) -> str:
    """Return `sdp` with the attributes of its media section in reverse order."""
    lines = sdp.splitlines(keepends=True)
    media = next(number for number, line in enumerate(lines) if line.startswith("m="))
    attributes = [line for line in lines[media:] if line.startswith("a=")]
    others = [line for line in lines[media:] if not line.startswith("a=")]
    return "".join([*lines[:media], *others, *reversed(attributes)])


EndsLinesWithLf = described(
    "EndsLinesWithLf", "The lines of its SDP end with LF alone.", lambda sdp: sdp.replace("\r\n", "\n")
)
DescribesAtSessionLevel = described(
    "DescribesAtSessionLevel",
    "Its ICE credentials, fingerprints and DTLS role are at session level.",
    at_session_level,
)
HasOneSha512Fingerprint = described(
    "HasOneSha512Fingerprint",
    "Its only fingerprint is a SHA-512 one.",
    lambda sdp: without_lines(without_lines(sdp, "fingerprint:sha-256"), "fingerprint:sha-384"),
)
HasOneSha384Fingerprint = described(
    "HasOneSha384Fingerprint",
    "Its only fingerprint is a SHA-384 one.",
    lambda sdp: without_lines(without_lines(sdp, "fingerprint:sha-256"), "fingerprint:sha-512"),
)
HasAnUnknownFingerprintToo = described(
    "HasAnUnknownFingerprintToo",
    "It has a fingerprint of an unknown hash function before those of known ones.",
    with_an_unknown_fingerprint,
)
UsesOtherAttributes = described(
    "UsesOtherAttributes", "Its SDP has unknown attributes and a session name.", with_other_attributes
)
StatesNoMessageSize = described(
    "StatesNoMessageSize",
    "Its SDP does not state the largest message that it accepts.",
    lambda sdp: without_lines(sdp, "a=max-message-size:"),
    "CON-4",
    "CON-6",
    "SND-6",
)
DescribesSctpInTheOlderForm = described(
    "DescribesSctpInTheOlderForm", "It describes SCTP by `sctpmap`, as older stacks do.", in_the_older_form
)


HasAnUpperCaseHash = described(
    "HasAnUpperCaseHash",
    "It writes the hash functions of its fingerprints in upper case.",
    lambda sdp: sdp.replace("a=fingerprint:sha-", "a=fingerprint:SHA-"),
)
OrdersAttributesOtherwise = described(
    "OrdersAttributesOtherwise", "The attributes of its media section are in reverse order.", in_reverse_order
)
HasNoGroup = described(
    "HasNoGroup",
    "Its SDP has no group of sections.",
    lambda sdp: without_lines(without_lines(sdp, "a=group:"), "a=msid-semantic"),
)
AcceptsAnySize = described(
    "AcceptsAnySize",
    "Its `max-message-size` is 0: it accepts messages of any size.",
    lambda sdp: sdp.replace("a=max-message-size:262144", "a=max-message-size:0"),
    "CON-4",
    "CON-6",
    "SND-6",
    "SND-12",
)
AcceptsHugeMessages = described(
    "AcceptsHugeMessages",
    "Its `max-message-size` is 4,294,967,295.",
    lambda sdp: sdp.replace("a=max-message-size:262144", "a=max-message-size:4294967295"),
    "CON-4",
    "CON-6",
    "SND-6",
    "SND-12",
)
AcceptsSmallMessages = described(
    "AcceptsSmallMessages",
    "Its `max-message-size` is 16,384.",
    lambda sdp: sdp.replace("a=max-message-size:262144", "a=max-message-size:16384"),
    "CON-4",
    "CON-6",
    "SND-6",
    "SND-12",
)
EndsWithoutALineEnd = described(
    "EndsWithoutALineEnd", "The last line of its SDP has no line end.", lambda sdp: sdp.removesuffix("\r\n")
)
DescribesAtLength = described(
    "DescribesAtLength",
    "Its SDP has 10,000 characters of attributes that are unknown.",
    lambda sdp: sdp + "".join(f"a=x-app-{number}:{'x' * 88}\r\n" for number in range(100)),
)


class OnAnotherSctpPort(AiortcTransport):
    """A transport whose SCTP port is 6000."""

    async def _describe(self, pc: RTCPeerConnection) -> None:
        assert pc.sctp is not None
        pc.sctp._local_port = 6000  # pyright: ignore[reportPrivateUsage]
        await super()._describe(pc)


@variant(OpenPoint.SDP, "Its SCTP port is 6000.", *TOUCHES, "CON-6", "SND-2")
class UsesAnotherSctpPort(PeerScript):
    webrtc = OnAnotherSctpPort


class WithAnAudioSection(AiortcTransport):
    """A transport whose offers have an inactive audio section before that of the channels."""

    async def _create_offer(self, channels: tuple[ChannelSpec, ...]) -> None:
        pc = self._open()
        pc.addTransceiver("audio", direction="inactive")
        for spec in channels:
            self._create_channel(spec)
        await self._describe(pc)


@variant(OpenPoint.SDP, "Its offers have an unused audio section before that of the channels.", *TOUCHES,
         "CON-6", "ICE-5", "CON-8")  # fmt: skip
class OffersAnAudioSection(PeerScript):
    webrtc = WithAnAudioSection


class PassiveAnswerer(AiortcTransport):
    """A transport that is the DTLS server in each connection that it answers."""

    async def _accept_offer(self, sdp: str) -> None:
        pc = self._open()
        await self._set_remote(sdp, "offer")
        assert pc.sctp is not None
        pc.sctp.transport._role = "server"  # pyright: ignore[reportPrivateUsage]
        await self._describe(pc)


@variant(OpenPoint.SDP, "Its answers choose the passive DTLS role.", *TOUCHES)
class AnswersPassively(PeerScript):
    webrtc = PassiveAnswerer


class ActiveOfferer(AiortcTransport):
    """A transport that is the DTLS client in each connection that it offers."""

    async def _describe(self, pc: RTCPeerConnection) -> None:
        if pc.signalingState == "stable" and pc.sctp is not None:
            pc.sctp.transport._role = "client"  # pyright: ignore[reportPrivateUsage]
        await super()._describe(pc)


@variant(OpenPoint.SDP, "Its offers choose the active DTLS role.", *TOUCHES, "CON-8")
class OffersActively(PeerScript):
    webrtc = ActiveOfferer
