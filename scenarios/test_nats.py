"""NATs between the peers: ICE finds the path where there is one, and an attempt without one fails."""

from __future__ import annotations

from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.testbed import Blocked, Nat, PeerPair, UnconnectedPair, Unmet, requirement

BRIEF = P2PConfig(connection_timeout_secs=3)
LATE = 3.0
"""Seconds by which a time-out may be missed (TMO-1: 33 s)."""


async def finds_its_way(pair: PeerPair) -> None:
    """Require a connection; blocked where a side lacked candidates, or made nothing of the other's."""
    await pair.offerer.connect_to_peer(pair.answerer)
    try:
        await pair.until_it_stands()
    except Unmet:
        if unknown := pair.without_candidates():
            raise Blocked("ICE-4", f"no candidate of {' and '.join(unknown)} was delivered") from None
        if idle := pair.without_checks():
            raise Blocked("ICE-4", f"{' and '.join(idle)} made no check of the candidates") from None
        raise


@requirement("ICE-5", waits=True)
async def test_peers_behind_port_restricted_nats_connect(pair: PeerPair) -> None:
    """Each behind a NAT that lets in only what was sent to, two peers connect: both of them check."""
    pair.link.put_behind(Nat.PORT_RESTRICTED)
    await finds_its_way(pair)


@requirement("ICE-5", waits=True)
async def test_a_peer_behind_a_symmetric_nat_is_found_where_it_shows(pair: PeerPair) -> None:
    """The partner's NAT shows another endpoint than was told: the subject answers where checks come from."""
    subject, partner = pair
    pair.link.put_behind(Nat.SYMMETRIC, pair.side(partner))
    pair.link.put_behind(Nat.RESTRICTED, pair.side(subject))
    await finds_its_way(pair)


@requirement("TMO-5", waits=True)
async def test_an_attempt_between_symmetric_nats_fails(unconnected: UnconnectedPair) -> None:
    """Symmetric NATs on both sides leave no direct path: the attempt fails by the time-out at the latest."""
    pair = await unconnected.attach(BRIEF, BRIEF)
    pair.link.put_behind(Nat.SYMMETRIC)
    await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + LATE)
    if not any(attempt.answer for attempt in pair.attempts):
        raise Blocked("CON-3", "the offer was not answered")
