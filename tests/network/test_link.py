from __future__ import annotations

import asyncio
from contextlib import closing

import pytest
from aioice import stun

from clasp_e2e.network import Conditions, Datagram, Nat, Side, UdpLink, combined, delayed, duplicated

from .sockets import PATIENCE, Peer

HANDSHAKE = bytes([22, 254, 253]) + bytes(8) + b"\0\4ABCD"
APPLICATION = bytes([23, 254, 253]) + bytes(8) + b"\0\4data"


def request(*, nominating: bool = False) -> stun.Message:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    if nominating:
        message.attributes["USE-CANDIDATE"] = None
    return message


def response(to: stun.Message) -> bytes:
    return bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, to.transaction_id))


async def test_datagrams_cross_between_announced_addresses(link: UdpLink, peers: tuple[Peer, Peer]) -> None:
    one, two = peers
    link.set_peer_address(Side.B, two.address)
    one.send(HANDSHAKE, link.address_for(Side.A))
    assert await two.receive() == HANDSHAKE
    two.send(APPLICATION * 2, link.address_for(Side.B))
    assert await one.receive() == APPLICATION * 2
    there, back = link.counters(Side.A), link.counters(Side.B)
    assert (there.datagrams, there.bytes, there.dtls_application) == (1, len(HANDSHAKE), 0)
    assert (back.datagrams, back.bytes, back.dtls_application) == (1, 2 * len(APPLICATION), 2)
    assert there.first_application is None
    assert there.first_seen is not None
    assert back.first_application is not None
    assert there.first_seen <= back.first_application


async def test_address_is_learned_from_the_first_datagram(link: UdpLink, peers: tuple[Peer, Peer]) -> None:
    """Both sides hide behind mDNS: what comes before the other is known is lost, as in any NAT."""
    one, two = peers
    one.send(bytes(request()), link.address_for(Side.A))
    ask = request()
    two.send(bytes(ask), link.address_for(Side.B))
    assert await one.receive() == bytes(ask)
    one.send(response(ask), link.address_for(Side.A))
    assert await two.receive() == response(ask)
    assert link.peer_address(Side.A) == one.address
    assert link.counters(Side.A).dropped_datagrams == 1


@pytest.mark.parametrize("nat", [None, Nat.SYMMETRIC])
async def test_peer_with_ipv6_alone_gets_an_address_of_ipv6(nat: Nat | None) -> None:
    conditions = Conditions(("alice", "bob"))
    conditions.put_behind(nat, Side.A)
    link = UdpLink(conditions)
    one, six = Peer(), Peer("::1")
    try:
        link.set_peer_address(Side.A, one.address)
        link.set_peer_address(Side.B, six.address)
        assert link.address_for(Side.A)[0] == "127.0.0.1"
        assert link.address_for(Side.B)[0] == "::1"
        one.send(HANDSHAKE, link.address_for(Side.A))
        data, source = await six.receive_from()
        assert data == HANDSHAKE
        six.send(APPLICATION, source)
        assert await one.receive() == APPLICATION
        assert link.peer_address(Side.B) == six.address
    finally:
        for each in (link, one, six):
            each.close()


async def test_datagram_tells_better_than_a_candidate(link: UdpLink, peers: tuple[Peer, Peer]) -> None:
    one, two = peers
    link.set_peer_address(Side.A, ("127.0.0.1", 9))
    link.set_peer_address(Side.B, two.address)
    one.send(bytes(request()), link.address_for(Side.A))
    await two.receive()
    two.send(HANDSHAKE, link.address_for(Side.B))
    assert await one.receive() == HANDSHAKE


async def test_response_is_sent_to_the_socket_of_its_request(link: UdpLink, peers: tuple[Peer, Peer]) -> None:
    one, two = peers
    link.set_peer_address(Side.A, one.address)
    link.set_peer_address(Side.B, two.address)
    first, second = request(), request()
    with closing(Peer()) as other:
        one.send(bytes(first), link.address_for(Side.A))
        assert await two.receive() == bytes(first)
        other.send(bytes(second), link.address_for(Side.A))
        assert await two.receive() == bytes(second)
        two.send(response(second), link.address_for(Side.B))
        assert await other.receive() == response(second)
    two.send(HANDSHAKE, link.address_for(Side.B))
    assert await one.receive() == HANDSHAKE


async def test_nomination_and_dtls_move_the_current_address(link: UdpLink, peers: tuple[Peer, Peer]) -> None:
    one, two = peers
    link.set_peer_address(Side.B, two.address)
    one.send(bytes(request()), link.address_for(Side.A))
    await two.receive()
    with closing(Peer()) as other:
        other.send(bytes(request(nominating=True)), link.address_for(Side.A))
        await two.receive()
        assert link.peer_address(Side.A) == other.address
    one.send(HANDSHAKE, link.address_for(Side.A))
    await two.receive()
    assert link.peer_address(Side.A) == one.address


async def test_cut_link_drops_counts_and_reports_until_it_heals(
    link: UdpLink, conditions: Conditions, activity: asyncio.Event, peers: tuple[Peer, Peer]
) -> None:
    one, two = peers
    link.set_peer_address(Side.A, one.address)
    link.set_peer_address(Side.B, two.address)
    conditions.cut(Side.A)
    one.send(b"\x80lost", link.address_for(Side.A))
    two.send(b"\x80there", link.address_for(Side.B))
    assert await one.receive() == b"\x80there"
    conditions.cut()
    two.send(b"\x80lost as well", link.address_for(Side.B))
    async with asyncio.timeout(PATIENCE):
        while not all(link.counters(side).dropped_datagrams for side in Side):
            activity.clear()
            await activity.wait()
    conditions.heal()
    one.send(b"\x80found", link.address_for(Side.A))
    assert await two.receive() == b"\x80found"
    assert link.counters(Side.A).dropped_bytes == len(b"\x80lost")
    assert one.nothing_waits()


async def test_delayed_datagram_is_overtaken(
    link: UdpLink, conditions: Conditions, peers: tuple[Peer, Peer]
) -> None:
    one, two = peers
    link.set_peer_address(Side.B, two.address)
    fates = [(0.01,), (0.0,), ()]
    conditions.impair(lambda datagram: fates[datagram.index], Side.A)
    for number in range(3):
        one.send(bytes([128, number]), link.address_for(Side.A))
    assert [await two.receive(), await two.receive()] == [bytes([128, 1]), bytes([128, 0])]
    assert link.counters(Side.A).datagrams == 2
    assert link.counters(Side.A).dropped_datagrams == 1
    assert conditions.disturbed(Side.A) == 2
    assert conditions.disturbed(Side.B) == 0
    assert [(each.sender, each.fate) for each in link.log.kept] == [
        (Side.A, "delayed by 0.01 s"),
        (Side.A, ""),
        (Side.A, "lost (fates of the scenario's own)"),
    ]


async def test_copy_arrives_and_is_not_counted_as_sent(
    link: UdpLink, conditions: Conditions, peers: tuple[Peer, Peer]
) -> None:
    one, two = peers
    link.set_peer_address(Side.B, two.address)
    conditions.impair(combined(delayed(0.001), duplicated(1.0, seed=0)), Side.A)
    one.send(HANDSHAKE, link.address_for(Side.A))
    assert [await two.receive(), await two.receive()] == [HANDSHAKE, HANDSHAKE]
    counters = link.counters(Side.A)
    assert (counters.datagrams, counters.bytes, counters.duplicates) == (1, len(HANDSHAKE), 1)


async def test_impairment_counts_from_where_it_began(
    link: UdpLink, conditions: Conditions, peers: tuple[Peer, Peer]
) -> None:
    one, two = peers
    link.set_peer_address(Side.B, two.address)
    seen: list[tuple[int, int, bool]] = []

    def look(datagram: Datagram) -> tuple[float, ...]:
        seen.append((datagram.index, datagram.size, datagram.is_dtls))
        return (0.0,)

    for datagram in (HANDSHAKE, b"\x80first", HANDSHAKE):
        one.send(datagram, link.address_for(Side.A))
        await two.receive()
        conditions.impair(look)
    one.send(b"\x80second", link.address_for(Side.A))
    await two.receive()
    assert seen == [(0, 6, False), (0, len(HANDSHAKE), True), (0, 7, False)]


async def test_first_application_data_of_a_side_can_come_late(
    link: UdpLink, conditions: Conditions, peers: tuple[Peer, Peer]
) -> None:
    one, two = peers
    link.set_peer_address(Side.A, one.address)
    link.set_peer_address(Side.B, two.address)
    conditions.delay_first(Side.A, 0.01)
    late, next_one = APPLICATION + b"1", APPLICATION + b"2"
    for data in (HANDSHAKE, late, next_one):
        one.send(data, link.address_for(Side.A))
    two.send(APPLICATION, link.address_for(Side.B))
    assert [await two.receive() for _ in range(3)] == [HANDSHAKE, next_one, late]
    assert await one.receive() == APPLICATION
    assert not link.holds_back


async def test_closed_link_forgets_what_it_holds_back(
    link: UdpLink, conditions: Conditions, activity: asyncio.Event, peers: tuple[Peer, Peer]
) -> None:
    one, two = peers
    link.set_peer_address(Side.B, two.address)
    conditions.impair(delayed(3600.0))
    one.send(b"\x80", link.address_for(Side.A))
    async with asyncio.timeout(PATIENCE):
        await activity.wait()
    assert link.holds_back
    link.close()
    link.close()
    assert not link.holds_back
    assert two.nothing_waits()
    assert link.counters(Side.A).datagrams == 0


async def test_peer_that_went_away_does_not_end_the_link(link: UdpLink, peers: tuple[Peer, Peer]) -> None:
    one, two = peers
    gone = Peer()
    link.set_peer_address(Side.B, gone.address)
    gone.close()
    for _ in range(3):
        one.send(b"\x80into the void", link.address_for(Side.A))
    two.send(HANDSHAKE, link.address_for(Side.B))
    assert await one.receive() == HANDSHAKE
    one.send(HANDSHAKE, link.address_for(Side.A))
    assert await two.receive() == HANDSHAKE


async def test_burst_of_datagrams_passes_whole(link: UdpLink, peers: tuple[Peer, Peer]) -> None:
    one, two = peers
    link.set_peer_address(Side.B, two.address)
    sent = [bytes([128]) + number.to_bytes(2, "big") + bytes(1200) for number in range(50)]
    for datagram in sent:
        one.send(datagram, link.address_for(Side.A))
    assert [await two.receive() for _ in sent] == sent
