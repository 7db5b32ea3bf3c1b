"""Offers and answers in valid but unusual forms: a peer accepts each of them."""

from __future__ import annotations

from clasp_e2e.testbed import PeerPair, connects, description_partners, requirement


async def connect_and_exchange(pair: PeerPair) -> None:
    """Require the peers to connect, and a payload of 16,000 bytes to arrive directly in each direction."""
    await connects(pair)
    await pair.exchange()


@requirement("SIG-9", opposite=description_partners.EndsItsLinesWithLf)
async def test_line_ends_of_lf_are_read(pair: PeerPair) -> None:
    """The peers connect although the lines of the partner's SDP end with LF alone."""
    await connect_and_exchange(pair)


@requirement("SIG-9", opposite=description_partners.PutsAttributesAtSessionLevel)
async def test_attributes_of_the_session_apply_to_its_media(pair: PeerPair) -> None:
    """The peers connect although ICE credentials, fingerprints and DTLS role are at session level."""
    await connect_and_exchange(pair)


@requirement("SIG-9", opposite=description_partners.AddsUnknownAttributes)
async def test_unknown_attributes_are_ignored(pair: PeerPair) -> None:
    """The peers connect although the partner's SDP has unknown attributes and a session name."""
    await connect_and_exchange(pair)


@requirement("SIG-9", opposite=description_partners.AddsAnUnknownFingerprint)
async def test_unknown_fingerprints_are_ignored(pair: PeerPair) -> None:
    """The peers connect although a fingerprint of an unknown hash function comes before known ones."""
    await connect_and_exchange(pair)


@requirement("SIG-9", opposite=description_partners.OmitsTheMessageSize)
async def test_a_missing_message_size_is_accepted(pair: PeerPair) -> None:
    """Messages of 16,000 bytes arrive although the partner's SDP does not state the largest message."""
    await connect_and_exchange(pair)


@requirement("SIG-9", opposite=description_partners.StatesAMessageSizeOfZero)
async def test_a_message_size_of_zero_is_accepted(pair: PeerPair) -> None:
    """Messages of 16,000 bytes arrive although the partner's SDP says `max-message-size:0`."""
    await connect_and_exchange(pair)
