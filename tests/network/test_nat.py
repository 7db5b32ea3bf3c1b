"""Pairs of NATs that allow a direct path, in the table and on the link."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clasp_e2e.network import Conditions, Nat, Side, UdpLink
from clasp_e2e.network.nat import Nats

from .sockets import Peer

KINDS = [None, *Nat]
HARD = {Nat.PORT_RESTRICTED, Nat.SYMMETRIC}


def has_path(one: Nat | None, other: Nat | None) -> bool:
    """What is known of NATs: a symmetric one needs a partner that accepts more than the signaled address."""
    return not ((one is Nat.SYMMETRIC and other in HARD) or (other is Nat.SYMMETRIC and one in HARD))


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, KINDS)), ids=str)
def test_checks_from_both_sides_find_the_path_that_there_is(kinds: tuple[Nat | None, Nat | None]) -> None:
    """As ICE does: both sides send to the signaled address, and answer wherever something came from."""
    nats = Nats()
    seen: dict[Side, set[bool]] = {Side.A: {False}, Side.B: {False}}
    answered: set[Side] = set()
    for _ in range(4):
        for sender in Side:
            for to_second in sorted(seen[sender]):
                crossed = nats.cross(sender, kinds, to_second=to_second)
                if crossed is not None:
                    seen[sender.other].add(crossed)
                    answered.add(sender.other)
    assert (answered == set(Side)) is has_path(*kinds)


@given(
    kinds=st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)),
    sends=st.lists(st.tuples(st.sampled_from(list(Side)), st.booleans())),
)
def test_stricter_nat_lets_in_no_more(
    kinds: tuple[Nat | None, Nat | None], sends: list[tuple[Side, bool]]
) -> None:
    stricter = (kinds[0], {None: Nat.FULL_CONE, Nat.FULL_CONE: Nat.RESTRICTED}.get(kinds[1], kinds[1]))
    lenient, strict = Nats(), Nats()
    for sender, to_second in sends:
        before = lenient.cross(sender, kinds, to_second=to_second)
        after = strict.cross(sender, stricter, to_second=to_second)
        assert after is None or after == before


async def test_port_restricted_nat_opens_to_what_was_sent_to(
    link: UdpLink, conditions: Conditions, peers: tuple[Peer, Peer]
) -> None:
    one, two = peers
    conditions.put_behind(Nat.PORT_RESTRICTED)
    link.set_peer_address(Side.A, one.address)
    link.set_peer_address(Side.B, two.address)
    one.send(b"too early", link.address_for(Side.A))
    two.send(b"in", link.address_for(Side.B))
    assert await one.receive() == b"in"
    one.send(b"in too", link.address_for(Side.A))
    assert await two.receive() == b"in too"
    assert link.counters(Side.A).dropped_datagrams == 1


async def test_symmetric_nat_uses_an_endpoint_that_was_not_signaled(
    link: UdpLink, conditions: Conditions, peers: tuple[Peer, Peer]
) -> None:
    one, two = peers
    conditions.put_behind(Nat.SYMMETRIC, Side.A)
    link.set_peer_address(Side.A, one.address)
    link.set_peer_address(Side.B, two.address)
    two.send(b"to the signaled address", link.address_for(Side.B))
    one.send(b"out", link.address_for(Side.A))
    data, source = await two.receive_from()
    assert data == b"out"
    assert source != link.address_for(Side.B)
    two.send(b"back", source)
    assert await one.receive() == b"back"
    assert one.nothing_waits()
    assert link.counters(Side.B).dropped_datagrams == 1


async def test_link_without_nats_passes_all(conditions: Conditions) -> None:
    conditions.put_behind(Nat.SYMMETRIC, Side.B)
    assert conditions.nats == (None, Nat.SYMMETRIC)
    conditions.put_behind(None)
    assert conditions.nats is None
