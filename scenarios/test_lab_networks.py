"""Networks that need hosts of their own: addresses that change, IPv6, two interfaces, and small packets."""

from __future__ import annotations

from collections.abc import Callable

from clasp_e2e.p2p_types import Disconnected, SendResult
from clasp_e2e.testbed import (
    LabHost,
    PeerPair,
    UnconnectedPair,
    Unmet,
    connects,
    expect,
    judging,
    only_ipv6,
    prepared,
    random_payload,
    requirement,
)

SMALLEST_IPV6_PACKET = 1280
"""Bytes that every path over IPv6 carries (RFC 8200 section 5)."""


async def survives_or_is_told(pair: PeerPair, change: Callable[[], None]) -> bool:
    """Require that the connection survives `change`, or that the subject receives Disconnected in time.

    Return whether it survived. The partner may answer the checks of a subject that has moved, and yet lose
    its own consent, whose checks go to the former address. The subject's consent expires 30 s after the last
    answer.
    """
    change()
    subject, partner = pair
    try:
        await subject.wait_for(Disconnected, partner, within=pair.patience.consent)
    except Unmet:
        if not partner.events(Disconnected, subject):
            await pair.exchange()
            return True
        await subject.wait_for(Disconnected, partner, within=pair.patience.consent)
    return False


@requirement("EVT-4", "RTE-5", slow=True, lab=True)
async def test_a_partner_that_moves_is_kept_or_reported(connected_pair: PeerPair) -> None:
    """When the partner's address changes, the connection survives; or it is reported as lost, and relayed."""
    subject, partner = connected_pair
    with judging("EVT-4"):
        survived = await survives_or_is_told(connected_pair, connected_pair.host(partner).change_address)
    if not survived:
        with judging("RTE-5"):
            expect(await subject.send_p2p(partner, random_payload()), "the result").equals(SendResult.RELAY)


@requirement("EVT-4", slow=True, lab=True)
async def test_a_client_that_moves_keeps_or_reports_its_connection(connected_pair: PeerPair) -> None:
    """When the client's own address changes, the connection survives, or it receives Disconnected."""
    move = connected_pair.host(connected_pair.subject).change_address
    await survives_or_is_told(connected_pair, move)


@requirement("EVT-4", slow=True, lab=True)
async def test_the_loss_of_one_of_two_interfaces_is_survived_or_reported(
    unconnected: UnconnectedPair,
) -> None:
    """When the first of the client's two interfaces goes down, the connection survives or is reported."""
    with prepared(LabHost.add_interface):
        pair = await unconnected.attach()
    await pair.connect()
    await survives_or_is_told(pair, pair.host(pair.subject).remove_interface)


@requirement("ICE-5", waits=True, lab=True)
async def test_peers_with_two_interfaces_connect(unconnected: UnconnectedPair) -> None:
    """Two peers on hosts with two interfaces each connect."""
    with prepared(LabHost.add_interface):
        pair = await unconnected.attach()
    await connects(pair)


@requirement("ICE-5", waits=True, lab=True)
async def test_peers_with_ipv6_only_connect(unconnected: UnconnectedPair) -> None:
    """Two peers whose hosts have only IPv6 connect."""
    with only_ipv6():
        pair = await unconnected.attach()
    await connects(pair)


@requirement("ICE-5", waits=True, lab=True)
async def test_peers_with_ipv4_and_ipv6_connect(unconnected: UnconnectedPair) -> None:
    """Two peers whose hosts have IPv4 and IPv6 connect."""
    with prepared(lambda host: host.use_ipv6(only=False)):
        pair = await unconnected.attach()
    await connects(pair)


@requirement("ICE-5", waits=True, lab=True)
async def test_peers_connect_over_a_path_that_loses_large_packets(unconnected: UnconnectedPair) -> None:
    """Two peers connect over a path that loses packets of more than 1280 bytes without a message."""

    def limit(host: LabHost) -> None:
        host.path_limit = SMALLEST_IPV6_PACKET

    pair = await unconnected.attach()
    for client in pair:
        limit(pair.host(client))
    await exchange_large(pair)


@requirement("ICE-5", waits=True, lab=True)
async def test_peers_connect_on_interfaces_with_small_packets(unconnected: UnconnectedPair) -> None:
    """Two peers connect whose interfaces send packets of at most 1,280 bytes."""
    with prepared(lambda host: host.limit_packets(SMALLEST_IPV6_PACKET)):
        pair = await unconnected.attach()
    await exchange_large(pair)


async def exchange_large(pair: PeerPair) -> None:
    """Require the peers to connect, and a payload of many packets to pass in each direction."""
    await connects(pair)
    for sender, receiver in ((pair.subject, pair.partner), (pair.partner, pair.subject)):
        await sender.send_p2p(receiver, payload := random_payload(10_000))
        await receiver.receives(payload, within=pair.patience.retransmission)
