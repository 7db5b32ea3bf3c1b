"""The options that the driver protocol passes on, and the announcements of clients."""

from __future__ import annotations

from clasp_e2e.p2p_types import P2PConfig, PeerAnnounced
from clasp_e2e.testbed import (
    Client,
    UnconnectedPair,
    connect_again,
    expect,
    marks,
    requirement,
    together,
    works_like_the_first,
)


@requirement("CON-15")
async def test_peers_connect_without_retries_and_fallback(unconnected: UnconnectedPair) -> None:
    """With `max_retries` 0 and `auto_fallback` off, the peers connect, and data takes the direct path."""
    await connects_with(unconnected, P2PConfig(max_retries=0, auto_fallback=False))


@requirement("CON-15")
async def test_peers_connect_with_retries_and_fallback(unconnected: UnconnectedPair) -> None:
    """With `max_retries` 5 and `auto_fallback` on, the peers connect, and data takes the direct path."""
    await connects_with(unconnected, P2PConfig(max_retries=5, auto_fallback=True))


async def connects_with(unconnected: UnconnectedPair, config: P2PConfig) -> None:
    """Require peers with `config` to connect."""
    pair = await unconnected.attach(config, config)
    await connect_again(pair, pair.offerer, marks(pair))
    await works_like_the_first(pair)


@requirement("EVT-11")
async def test_announcements_are_reported(unconnected: UnconnectedPair) -> None:
    """A client receives PeerAnnounced for each later client, also for two at once, and none for itself."""
    pair = await unconnected.attach()
    subject = pair.subject
    subject.needs("announce")
    await expect_announced(unconnected, subject, "carol")
    await pair.connect()
    await together(*(expect_announced(unconnected, subject, name) for name in ("dave", "erin")))
    own = await subject.first_of((PeerAnnounced,), subject, within=0.1, since=0)
    expect(own, f"PeerAnnounced of {subject.name} naming itself").equals(None)


async def expect_announced(unconnected: UnconnectedPair, subject: Client, name: str) -> None:
    """Attach a client, and require `subject` to receive PeerAnnounced that names it."""
    newcomer = await unconnected.attach_another_partner(name)
    event = await subject.first_of((PeerAnnounced,), newcomer, within=unconnected.patience.event, since=0)
    expect(event is not None, f"{subject.name} to receive PeerAnnounced naming {name}").is_true(
        "it received none"
    )
