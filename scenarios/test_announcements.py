"""The announcements of clients, as PeerAnnounced reports them."""

from __future__ import annotations

from clasp_e2e import wire
from clasp_e2e.p2p_types import PeerAnnounced
from clasp_e2e.testbed import Client, UnconnectedPair, expect, precondition, requirement, together


@requirement("EVT-11")
async def test_announcements_are_reported(unconnected: UnconnectedPair) -> None:
    """A client receives PeerAnnounced for a later client, and never for itself."""
    pair = await unconnected.attach()
    pair.subject.needs("announce")
    await expect_announced(unconnected, pair.subject, "carol")
    expect_no_own(pair.subject)


@requirement("EVT-11")
async def test_a_connected_client_is_told_of_announcements(unconnected: UnconnectedPair) -> None:
    """A client with a connection receives PeerAnnounced for two later clients, and never for itself."""
    pair = await unconnected.attach()
    pair.subject.needs("announce")
    await pair.connect()
    await together(*(expect_announced(unconnected, pair.subject, name) for name in ("dave", "erin")))
    expect_no_own(pair.subject)


def expect_no_own(subject: Client) -> None:
    """Require that `subject` received none for itself; the announcements of later clients are the barrier."""
    own = subject.events(PeerAnnounced, subject)
    expect(own, f"PeerAnnounced of {subject.name} naming itself").is_empty()


async def expect_announced(unconnected: UnconnectedPair, subject: Client, name: str) -> None:
    """Attach a client that announces itself, and require `subject` to receive its PeerAnnounced."""
    newcomer = await unconnected.attach_another_partner(name)
    with precondition("SIG-5"):
        await unconnected.testbed.until_published(newcomer, is_announcement, "an announcement")
    await subject.wait_for(PeerAnnounced, newcomer)


def is_announcement(message: wire.Publish) -> bool:
    """Return whether `message` announces a session."""
    return message.address == wire.ANNOUNCE_ADDRESS
