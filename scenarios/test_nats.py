"""NATs between the peers: ICE finds a path if there is one, and an attempt without a path fails."""

from __future__ import annotations

from clasp_e2e.p2p_types import P2PConfig
from clasp_e2e.testbed import Blocked, Nat, PeerPair, UnconnectedPair, Unmet, requirement

BRIEF = P2PConfig(connection_timeout_secs=3)
LATE = 3.0
"""Seconds by which a time-out may be exceeded (TMO-1: 33 s)."""


async def expect_connection(pair: PeerPair) -> None:
    """Require a connection; the case is blocked if a side got no candidates or did not check them."""
    try:
        async with pair.connecting():
            await pair.wait_until_established()
    except Unmet:
        if unknown := pair.without_candidates():
            raise Blocked("ICE-4", f"no candidate of {' and '.join(unknown)} was delivered") from None
        # A peer that finds candidates in an SDP checks them, whether or not it uses trickled ones.
        if idle := [name for name in pair.without_checks() if not pair.described_candidates_to(name)]:
            raise Blocked("ICE-4", f"{' and '.join(idle)} made no check of the candidates") from None
        raise


@requirement("ICE-5", waits=True)
async def test_peers_behind_port_restricted_nats_connect(unconnected: UnconnectedPair) -> None:
    """Two peers behind port-restricted NATs connect: each must send checks to the other."""
    pair = await unconnected.attach_with_stun()
    pair.link.put_behind(Nat.PORT_RESTRICTED)
    await expect_connection(pair)


@requirement("ICE-5", waits=True)
async def test_a_peer_behind_a_symmetric_nat_is_found_where_it_shows(unconnected: UnconnectedPair) -> None:
    """A client answers checks from the unsignaled endpoint of a partner behind a symmetric NAT."""
    pair = await unconnected.attach_with_stun()
    subject, partner = pair
    pair.link.put_behind(Nat.SYMMETRIC, pair.side(partner))
    pair.link.put_behind(Nat.RESTRICTED, pair.side(subject))
    await expect_connection(pair)


@requirement("TMO-5", waits=True)
async def test_an_attempt_between_symmetric_nats_fails(unconnected: UnconnectedPair) -> None:
    """With symmetric NATs on both sides there is no direct path: the attempt fails by its time-out."""
    pair = await unconnected.attach_with_stun(BRIEF)
    pair.link.put_behind(Nat.SYMMETRIC)
    await pair.offerer.attempt_fails(pair.answerer, within=pair.offerer.timeout + LATE)
    if not any(attempt.answer for attempt in pair.attempts):
        raise Blocked("CON-3", "the offer was not answered")
