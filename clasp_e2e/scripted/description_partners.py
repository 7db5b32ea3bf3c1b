"""Partners whose offers and answers have valid forms that the reference does not use: see `partners.py`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clasp_e2e import wire
from clasp_e2e.scripted.connecting import without_lines
from clasp_e2e.scripted.descriptions import (
    at_session_level,
    with_an_unknown_fingerprint,
    with_other_attributes,
)
from clasp_e2e.scripted.partners import Signaling

MESSAGE_SIZE = "a=max-message-size:"


class RewritingDescriptions(Signaling):
    """A partner that changes its descriptions."""

    def describe(self, description: wire.Offer | wire.Answer) -> Iterable[wire.Signal]:
        return (replace(description, sdp=self.rewrite(description.sdp)),)

    def rewrite(self, sdp: str) -> str:
        """Return the description that is sent instead of `sdp`."""
        return sdp


class EndsItsLinesWithLf(RewritingDescriptions):
    """A partner whose SDP has lines that end with LF alone (RFC 8866, section 5)."""

    def rewrite(self, sdp: str) -> str:
        return sdp.replace("\r\n", "\n")


class PutsAttributesAtSessionLevel(RewritingDescriptions):
    """A partner whose ICE credentials, fingerprints and DTLS role are at session level."""

    def rewrite(self, sdp: str) -> str:
        return at_session_level(sdp)


class AddsUnknownAttributes(RewritingDescriptions):
    """A partner whose SDP has unknown attributes (RFC 8866, section 5.13)."""

    def rewrite(self, sdp: str) -> str:
        return with_other_attributes(sdp)


class AddsAnUnknownFingerprint(RewritingDescriptions):
    """A partner with a fingerprint of an unknown hash function too (RFC 8122, section 5)."""

    def rewrite(self, sdp: str) -> str:
        return with_an_unknown_fingerprint(sdp)


class OmitsTheMessageSize(RewritingDescriptions):
    """A partner that does not state the largest message: it takes 64 KiB (RFC 8841, section 6.1)."""

    def rewrite(self, sdp: str) -> str:
        return without_lines(sdp, MESSAGE_SIZE)


class StatesAMessageSizeOfZero(RewritingDescriptions):
    """A partner that states 0 as the largest message: it takes any (RFC 8841, section 6.1)."""

    def rewrite(self, sdp: str) -> str:
        return without_lines(sdp, MESSAGE_SIZE) + f"{MESSAGE_SIZE}0\r\n"
